//! `/v1/teams`.

#![expect(clippy::too_many_arguments, reason = "the filters of a list are its parameters")]

use entity::team;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use uuid::Uuid;

use super::change::{self, CreateTeam, UpdateTeam};
use crate::auth::Actor;
use crate::problem::{ApiResult, E400, E403, E404, E409, E412, E422, Fail};
use crate::read::{self, Listing, Page, Sorts};
use crate::rest::{self, Created, Found, GET, LIST, NoContent};
use crate::state::State;
use crate::tag::Tag;
use crate::write::{if_match, whole};

pub const SORTS: Sorts = &[("name", "t.name", "text")];

pub struct TeamApi;

#[OpenApi]
impl TeamApi {
    /// Create a team
    ///
    /// Admins only.
    #[oai(path = "/v1/teams", method = "post", operation_id = "createTeam", tag = "Tag::Users")]
    async fn create(
        &self,
        actor: Actor,
        state: Data<&State>,
        body: Json<CreateTeam>,
    ) -> Result<Created<team::Model>, Fail<{ E400 | E403 | E409 | E422 }>> {
        let created = whole(&state, &actor, move |work| {
            let new = body.0.clone();
            Box::pin(async move { change::create(work, &new).await })
        });
        Ok(Created::at("/v1/teams", created.await?))
    }

    /// List the teams
    #[oai(path = "/v1/teams", method = "get", operation_id = "listTeams", tag = "Tag::Users")]
    async fn list(
        &self,
        actor: Actor,
        state: Data<&State>,
        cursor: Query<Option<String>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))] limit: Query<Option<i32>>,
        /// `name`, `createdAt` or `updatedAt`, with `-` in front for descending; `-createdAt` by default.
        sort: Query<Option<String>>,
        /// Part of the name.
        search: Query<Option<String>>,
        #[oai(name = "parentId")] parent_id: Query<Option<Uuid>>,
        #[oai(name = "externalId")] external_id: Query<Option<String>>,
    ) -> ApiResult<Page<team::Model>, LIST> {
        let listing = Listing::new(cursor.0, limit.0, sort.0)
            .search(search.0)
            .only("t.parent_id = ?", parent_id.0)
            .only("t.external_id = ?", external_id.0);
        Ok(Json(read::list(&state, &actor, listing, SORTS).await?))
    }

    /// Get a team
    #[oai(path = "/v1/teams/:id", method = "get", operation_id = "getTeam", tag = "Tag::Users")]
    async fn get(&self, actor: Actor, state: Data<&State>, id: Path<Uuid>) -> Result<Found<team::Model>, Fail<GET>> {
        Ok(rest::get(&state, &actor, id.0).await?)
    }

    /// Rename or move a team
    ///
    /// Admins only. What comes into a manager's view or leaves it reaches his phone with the next pull.
    #[oai(path = "/v1/teams/:id", method = "patch", operation_id = "updateTeam", tag = "Tag::Users")]
    async fn update(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<UpdateTeam>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<Found<team::Model>, Fail<{ E400 | E403 | E404 | E409 | E412 | E422 }>> {
        let (id, edit, expected) = (id.0, body.0, if_match(etag.0.as_deref())?);
        let updated = whole(&state, &actor, move |work| {
            let edit = edit.clone();
            Box::pin(async move { change::update(work, id, &edit, expected).await })
        });
        Ok(Found::of(updated.await?))
    }

    /// Delete a team
    ///
    /// Admins only; only when nobody and no team is in it any more.
    #[oai(path = "/v1/teams/:id", method = "delete", operation_id = "deleteTeam", tag = "Tag::Users")]
    async fn delete(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<NoContent, Fail<{ E400 | E403 | E404 | E409 | E412 }>> {
        let (id, expected) = (id.0, if_match(etag.0.as_deref())?);
        let deleted =
            whole(&state, &actor, move |work| Box::pin(async move { change::delete(work, id, expected).await }));
        deleted.await?;
        Ok(NoContent::Done)
    }
}
