//! `/v1/lead-drafts`.

use entity::lead_draft;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use uuid::Uuid;

use super::{StartLeadDraft, close, start};
use crate::auth::Actor;
use crate::problem::{ApiResult, E400, E403, E404, E409, E422, Fail};
use crate::read::{self, Listing, Page};
use crate::rest::{self, Created, Found, GET, LIST};
use crate::state::State;
use crate::tag::Tag;
use crate::write;

pub struct LeadDraftApi;

#[OpenApi]
impl LeadDraftApi {
    /// Open a draft
    ///
    /// Its reps pick in turn, the best of the leaderboard first; a pick in one's turn takes no right. One draft is open
    /// at a time.
    #[oai(path = "/v1/lead-drafts", method = "post", operation_id = "startLeadDraft", tag = "Tag::Leads")]
    async fn start(
        &self,
        actor: Actor,
        state: Data<&State>,
        body: Json<StartLeadDraft>,
    ) -> Result<Created<lead_draft::Model>, Fail<{ E400 | E403 | E404 | E409 | E422 }>> {
        let (shared, owner) = (state.0.clone(), actor.clone());
        let draft = state.run(async move { start(&shared, &owner, body.0).await }).await?;
        Ok(Created::at("/v1/lead-drafts", draft))
    }

    /// List the drafts
    #[oai(path = "/v1/lead-drafts", method = "get", operation_id = "listLeadDrafts", tag = "Tag::Leads")]
    async fn list(
        &self,
        actor: Actor,
        state: Data<&State>,
        cursor: Query<Option<String>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))] limit: Query<Option<i32>>,
        /// `createdAt` or `updatedAt`, with `-` in front for descending; `-createdAt` by default.
        sort: Query<Option<String>>,
    ) -> ApiResult<Page<lead_draft::Model>, LIST> {
        Ok(Json(read::list(&state, &actor, Listing::new(cursor.0, limit.0, sort.0), &[]).await?))
    }

    /// Get a draft
    #[oai(path = "/v1/lead-drafts/:id", method = "get", operation_id = "getLeadDraft", tag = "Tag::Leads")]
    async fn get(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
    ) -> Result<Found<lead_draft::Model>, Fail<GET>> {
        Ok(rest::get(&state, &actor, id.0).await?)
    }

    /// Close a draft before its last turn
    #[oai(path = "/v1/lead-drafts/:id/close", method = "post", operation_id = "closeLeadDraft", tag = "Tag::Leads")]
    async fn close(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
    ) -> Result<Found<lead_draft::Model>, Fail<{ E400 | E403 | E404 | E409 }>> {
        let id = id.0;
        let closed = write::whole(&state, &actor, move |work| Box::pin(async move { close(work, id).await }));
        Ok(Found::of(closed.await?))
    }
}
