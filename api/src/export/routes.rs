//! `GET /v1/exports`

#![expect(clippy::too_many_arguments, reason = "what is asked of an export are its parameters")]

use entity::kind::{Kind, Role};
use poem::web::Data;
use poem::{IntoResponse, Response};
use poem_openapi::param::{Header, Query};
use poem_openapi::registry::{
    MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry,
};
use poem_openapi::types::Type;
use poem_openapi::{ApiResponse, Enum, OpenApi};

use super::stream::{Begun, Form, begin, expired};
use crate::auth::Actor;
use crate::problem::{Code, E400, E401, E403, E410, E429, Fail, FieldError, Refusal};
use crate::state::State;
use crate::sync::cursor::Cursor;
use crate::tag::Tag;

const CSV: &str = "text/csv";
const NDJSON: &str = "application/x-ndjson";
/// The header that names the snapshot.
const CURSOR: &str = "Export-Cursor";

/// The form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum ExportFormat {
    Csv,
    Ndjson,
}

/// Records as a stream.
pub struct Export {
    begun: Begun,
    form: Form,
}

impl IntoResponse for Export {
    fn into_response(self) -> Response {
        let (content_type, name) = match self.form {
            Form::Table { kind, .. } => (CSV, format!("{kind}.csv")),
            Form::Documents(kind) => (NDJSON, format!("{kind}.ndjson")),
            Form::Changes => (NDJSON, "waypost.ndjson".to_owned()),
        };
        Response::builder()
            .content_type(content_type)
            .header("content-disposition", format!("attachment; filename=\"{name}\""))
            .header("vary", "accept")
            .header(CURSOR, self.begun.cursor.encode())
            .body(self.begun.body)
    }
}

impl ApiResponse for Export {
    fn meta() -> MetaResponses {
        let binary = || MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", "binary")));
        let content = [CSV, NDJSON].map(|content_type| MetaMediaType { content_type, schema: binary() });
        let header = MetaHeader {
            name: CURSOR.into(),
            description: Some(
                "The snapshot. Reps and managers go on from it with `pullChanges`, admins and integrations with `since`.".into(),
            ),
            required: true,
            deprecated: false,
            schema: String::schema_ref(),
        };
        MetaResponses {
            responses: vec![MetaResponse {
                description: "One record a row, in the order of their ids; without `kind` one change a line, as in a pull, \
                              kind after kind; a transfer that breaks off is not whole",
                status: Some(200),
                status_range: None,
                content: content.into(),
                headers: vec![header],
            }],
        }
    }

    fn register(_: &mut Registry) {}
}

/// A cursor that is none, or none any more, by the name that it has here.
fn told(refusal: &Refusal) -> Refusal {
    match refusal.code {
        Code::CursorExpired => expired(),
        _ => {
            Refusal::malformed("since: must be the Export-Cursor of an earlier export. Without it you get everything.")
        }
    }
}

pub struct ExportApi;

#[OpenApi]
impl ExportApi {
    /// Export all records, or those of a kind
    ///
    /// What the caller sees of it, streamed from one snapshot. Without `kind` it is NDJSON of all kinds, each line a change as
    /// `pullChanges` sends it, so that one reader serves both; there is no last line, for the cursor is in the header. Kinds that
    /// others refer to come first. In CSV, parts of a field have columns such as `address.city`, fields that the company
    /// defined itself such as `custom.shelfMetres`, and a text that a spreadsheet would take for a formula has an apostrophe in
    /// front, which an import takes away again. A company may have two exports going on at a time, and a rep
    /// or manager one of them; another is answered with 429.
    #[oai(path = "/v1/exports", method = "get", operation_id = "exportRecords", tag = "Tag::Imports")]
    async fn export(
        &self,
        actor: Actor,
        state: Data<&State>,
        /// All kinds if absent, as NDJSON alone.
        kind: Query<Option<Kind>>,
        /// Goes before `Accept`. If neither says anything, one kind is CSV and all kinds are NDJSON.
        format: Query<Option<ExportFormat>>,
        /// Begin a CSV with the mark by which Excel knows UTF-8.
        bom: Query<Option<bool>>,
        /// The `Export-Cursor` of an earlier export: only what has changed since, and `{id, revision, deleted: true}` for what
        /// was deleted; without `kind`, the tombstone of a pull. For admins and integrations; others pull.
        since: Query<Option<String>>,
        #[oai(name = "Accept")] accept: Header<Option<String>>,
    ) -> Result<Export, Fail<{ E400 | E401 | E403 | E410 | E429 }>> {
        let accepts = |form: &str| accept.0.as_deref().is_some_and(|accept| accept.contains(form));
        let format = match format.0 {
            Some(format) => format,
            None if accepts(NDJSON) || (kind.0.is_none() && !accepts(CSV)) => ExportFormat::Ndjson,
            None => ExportFormat::Csv,
        };
        let form = match (format, kind.0) {
            (ExportFormat::Csv, Some(kind)) => Form::Table { kind, mark: bom.0.unwrap_or(false) },
            (ExportFormat::Csv, None) => {
                let told = "A table has one kind: name it, or ask for all kinds as NDJSON with `format=ndjson`.";
                return Err(Refusal::fields(Code::Malformed, vec![FieldError::new("kind", told)]).into());
            }
            (ExportFormat::Ndjson, Some(kind)) => Form::Documents(kind),
            (ExportFormat::Ndjson, None) => Form::Changes,
        };
        let since = match since.0 {
            Some(_) if !matches!(actor.role, Role::Admin | Role::Integration) => {
                let detail =
                    "What changed since an export comes by pull: GET /v1/sync/changes?cursor=… with the same cursor.";
                return Err(Refusal::forbidden(detail).into());
            }
            Some(text) => Some(Cursor::read(&text, &actor).map_err(|refusal| told(&refusal))?),
            None => None,
        };
        let begun = begin(&state, &actor, form, since).await?;
        Ok(Export { begun, form })
    }
}
