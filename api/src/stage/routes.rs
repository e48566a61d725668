//! `/v1/stages`.

use entity::stage;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use uuid::Uuid;

use super::update::{UpdateStage, update};
use crate::auth::Actor;
use crate::problem::{ApiResult, E400, E403, E404, E412, E422, Fail};
use crate::read::{self, Listing, Page, Sorts};
use crate::rest::{self, Found, GET, LIST};
use crate::state::State;
use crate::tag::Tag;
use crate::write::{if_match, whole};

pub const SORTS: Sorts =
    &[("stage", "array_position(ARRAY['intent', 'pre_sale', 'negotiation', 'signed', 'lost'], t.stage)", "integer")];

pub struct StageApi;

#[OpenApi]
impl StageApi {
    /// List the stages of the pipeline
    #[oai(path = "/v1/stages", method = "get", operation_id = "listStages", tag = "Tag::Tenant")]
    async fn list(
        &self,
        actor: Actor,
        state: Data<&State>,
        cursor: Query<Option<String>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))] limit: Query<Option<i32>>,
        /// `stage` (the order of the pipeline), `createdAt` or `updatedAt`, with `-` in front for descending; `stage` by
        /// default.
        sort: Query<Option<String>>,
    ) -> ApiResult<Page<stage::Model>, LIST> {
        let sort = sort.0.or_else(|| Some("stage".to_owned()));
        Ok(Json(read::list(&state, &actor, Listing::new(cursor.0, limit.0, sort), SORTS).await?))
    }

    /// Get a stage
    #[oai(path = "/v1/stages/:id", method = "get", operation_id = "getStage", tag = "Tag::Tenant")]
    async fn get(&self, actor: Actor, state: Data<&State>, id: Path<Uuid>) -> Result<Found<stage::Model>, Fail<GET>> {
        Ok(rest::get(&state, &actor, id.0).await?)
    }

    /// Change how a stage is run
    ///
    /// Admins only. What a stage asks for is asked on entry: opportunities that are in it already stay.
    #[oai(path = "/v1/stages/:id", method = "patch", operation_id = "updateStage", tag = "Tag::Tenant")]
    async fn update(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<UpdateStage>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<Found<stage::Model>, Fail<{ E400 | E403 | E404 | E412 | E422 }>> {
        let (id, edit, expected) = (id.0, body.0, if_match(etag.0.as_deref())?);
        let updated = whole(&state, &actor, move |work| {
            let edit = edit.clone();
            Box::pin(async move { update(work, id, &edit, expected).await })
        });
        Ok(Found::of(updated.await?))
    }
}
