//! `/v1/imports`, for admins and integrations.

use std::time::Duration;

use entity::kind::Kind;
use poem::web::sse::SSE;
use poem::web::{Data, Multipart};
use poem::{Body, FromRequest, IntoResponse, Request, RequestBody, Response};
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::{Json, ParsePayload, Payload};
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiResponse, OpenApi, impl_apirequest_for_payload};
use uuid::Uuid;

use super::wire::{Import, ImportPage};
use super::{apply, cancel, follow, get, list, may_import, receive, refused, start};
use crate::auth::Actor;
use crate::problem::{ApiResult, E400, E401, E403, E404, E409, E413, E415, E422, Fail};
use crate::state::State;
use crate::tag::Tag;
use crate::write::Idempotency;

/// A form that is not read yet: the files are taken in while they come.
pub struct ImportForm(Multipart);

fn described(schema: MetaSchema, description: &'static str) -> MetaSchemaRef {
    MetaSchemaRef::Inline(Box::new(MetaSchema { description: Some(description), ..schema }))
}

impl Payload for ImportForm {
    const CONTENT_TYPE: &'static str = "multipart/form-data";

    fn check_content_type(content_type: &str) -> bool {
        content_type.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case(Self::CONTENT_TYPE))
    }

    fn schema_ref() -> MetaSchemaRef {
        let text = || MetaSchema::new("string");
        let file = MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", "binary")));
        let files = MetaSchema {
            items: Some(Box::new(file)),
            min_items: Some(1),
            max_items: Some(20),
            ..MetaSchema::new("array")
        };
        let properties = vec![
            (
                "file",
                described(
                    files,
                    "CSV, XLSX or NDJSON, also packed with gzip; known by content. Several, if the mapping reads several.",
                ),
            ),
            (
                "mapping",
                described(
                    text(),
                    "What the columns mean, as TOML or JSON: the same as a mapping file of `waypost import`.",
                ),
            ),
            (
                "mappingOf",
                described(
                    MetaSchema::new_with_format("string", "uuid"),
                    "The import whose mapping is to be used again.",
                ),
            ),
            (
                "kind",
                described(
                    MetaSchema { enum_items: kinds(), ..text() },
                    "Without a mapping: what the rows are. The columns are then called as the fields of the API.",
                ),
            ),
            ("dryRun", described(MetaSchema::new("boolean"), "Try everything, keep nothing.")),
        ];
        let schema = MetaSchema { required: vec!["file"], properties, ..MetaSchema::new("object") };
        MetaSchemaRef::Inline(Box::new(schema))
    }

    fn register(registry: &mut Registry) {
        <Kind as Type>::register(registry);
    }
}

fn kinds() -> Vec<serde_json::Value> {
    let kinds = ["team", "user", "account", "product", "contact", "opportunity", "activity", "lead"];
    kinds.into_iter().map(Into::into).collect()
}

impl ParsePayload for ImportForm {
    const IS_REQUIRED: bool = true;

    async fn from_request(request: &Request, body: &mut RequestBody) -> poem::Result<Self> {
        Ok(ImportForm(Multipart::from_request(request, body).await?))
    }
}

impl_apirequest_for_payload!(ImportForm);

/// An import that waits for its turn.
#[derive(ApiResponse)]
pub enum ImportAccepted {
    /// Accepted; ask for it again, or listen to its events, until it is over
    #[oai(status = 202)]
    Accepted(
        Json<Import>,
        /// Where it is found.
        #[oai(header = "Location")]
        String,
    ),
}

impl ImportAccepted {
    fn of(import: Import) -> Self {
        let location = format!("/v1/imports/{}", import.id);
        ImportAccepted::Accepted(Json(import), location)
    }
}

/// Refused rows as a CSV file.
pub struct RefusedRows(Body);

impl IntoResponse for RefusedRows {
    fn into_response(self) -> Response {
        Response::builder()
            .content_type("text/csv")
            .header("content-disposition", "attachment; filename=\"refused.csv\"")
            .body(self.0)
    }
}

impl ApiResponse for RefusedRows {
    fn meta() -> MetaResponses {
        binary("text/csv", "The rows, as CSV (RFC 4180, UTF-8 with a mark)")
    }

    fn register(_: &mut Registry) {}
}

/// How far an import is, as events.
pub struct ImportEvents(SSE);

impl IntoResponse for ImportEvents {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl ApiResponse for ImportEvents {
    fn meta() -> MetaResponses {
        binary(
            "text/event-stream",
            "Events named `import`, each with the import as it is then; the stream ends when it is over",
        )
    }

    fn register(_: &mut Registry) {}
}

fn binary(content_type: &'static str, description: &'static str) -> MetaResponses {
    let schema = MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", "binary")));
    let content = vec![MetaMediaType { content_type, schema }];
    MetaResponses {
        responses: vec![MetaResponse {
            description,
            status: Some(200),
            status_range: None,
            content,
            headers: Vec::new(),
        }],
    }
}

const GET: u32 = E400 | E401 | E403 | E404;

pub struct ImportApi;

#[OpenApi]
impl ImportApi {
    /// Import records from files
    ///
    /// Admins and integrations. The files are kept and imported in the background, in chunks, by the verbs that serve REST:
    /// records are found again by `externalId`, so that a second import changes only what differs. Rows that cannot be
    /// imported are refused, each with its reason, and stop nothing.
    #[oai(path = "/v1/imports", method = "post", operation_id = "createImport", tag = "Tag::Imports")]
    async fn create(
        &self,
        actor: Actor,
        state: Data<&State>,
        #[oai(name = "Idempotency-Key")] idempotency_key: Header<Option<String>>,
        form: ImportForm,
    ) -> Result<ImportAccepted, Fail<{ E400 | E401 | E403 | E409 | E413 | E415 | E422 }>> {
        may_import(&actor)?;
        let key = idempotency_key.0.map(|key| Idempotency { key, id: None }).map(Idempotency::checked).transpose()?;
        let sent = receive(&state, &actor, form.0).await?;
        Ok(ImportAccepted::of(start(&state, &actor, sent, key).await?))
    }

    /// List imports
    ///
    /// The newest first; kept for 90 days.
    #[oai(path = "/v1/imports", method = "get", operation_id = "listImports", tag = "Tag::Imports")]
    async fn list(
        &self,
        actor: Actor,
        state: Data<&State>,
        cursor: Query<Option<String>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))] limit: Query<Option<i32>>,
    ) -> ApiResult<ImportPage, { E400 | E401 | E403 }> {
        Ok(Json(list(&state, &actor, cursor.0, limit.0).await?))
    }

    /// Get an import
    #[oai(path = "/v1/imports/:id", method = "get", operation_id = "getImport", tag = "Tag::Imports")]
    async fn get(&self, actor: Actor, state: Data<&State>, id: Path<Uuid>) -> ApiResult<Import, { GET }> {
        Ok(Json(get(&state, &actor, id.0).await?))
    }

    /// Follow an import
    ///
    /// Server-sent events: the import as it is, and again whenever it got further.
    #[oai(path = "/v1/imports/:id/events", method = "get", operation_id = "listenImportEvents", tag = "Tag::Imports")]
    async fn events(&self, actor: Actor, state: Data<&State>, id: Path<Uuid>) -> Result<ImportEvents, Fail<{ GET }>> {
        let events = follow::follow(&state, &actor, id.0).await?;
        Ok(ImportEvents(SSE::new(events).keep_alive(Duration::from_secs(20))))
    }

    /// Get the refused rows of an import
    ///
    /// A CSV file with the columns of the file that was sent, and before them the line, the kind of record and the reason.
    /// Mended, it can be imported again.
    #[oai(path = "/v1/imports/:id/refused", method = "get", operation_id = "listRefusedRows", tag = "Tag::Imports")]
    async fn refused(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        /// The name of the file, where several have refused rows.
        file: Query<Option<String>>,
    ) -> Result<RefusedRows, Fail<{ GET | E422 }>> {
        Ok(RefusedRows(refused(&state, &actor, id.0, file.0.as_deref()).await?))
    }

    /// Cancel an import
    ///
    /// It stops after the rows at hand. What was written before stays. One that is over stays as it is.
    #[oai(path = "/v1/imports/:id/cancel", method = "post", operation_id = "cancelImport", tag = "Tag::Imports")]
    async fn cancel(&self, actor: Actor, state: Data<&State>, id: Path<Uuid>) -> ApiResult<Import, { GET }> {
        Ok(Json(cancel(&state, &actor, id.0).await?))
    }

    /// Do for good what a dry run tried
    ///
    /// With the files that were sent for the dry run, which are kept for a day.
    #[oai(path = "/v1/imports/:id/apply", method = "post", operation_id = "applyImport", tag = "Tag::Imports")]
    async fn apply(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
    ) -> Result<ImportAccepted, Fail<{ GET | E409 }>> {
        Ok(ImportAccepted::of(apply(&state, &actor, id.0).await?))
    }
}
