//! `/v1/points`: what a user has, and how it came about.

#![expect(clippy::too_many_arguments, reason = "the filters of a list are its parameters")]

use entity::scalar::Points;
use entity::{points_balance, points_entry, user};
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Query;
use poem_openapi::payload::Json;
use uuid::Uuid;

use crate::auth::Actor;
use crate::problem::{ApiResult, E400, E403, E404, Error, Refusal};
use crate::read::{self, Listing, Page};
use crate::record::Record;
use crate::rest::SUBLIST;
use crate::state::State;
use crate::tag::Tag;

pub struct PointsApi;

#[OpenApi]
impl PointsApi {
    /// Get a balance of points
    #[oai(path = "/v1/points/balance", method = "get", operation_id = "getPointsBalance", tag = "Tag::Points")]
    async fn balance(
        &self,
        actor: Actor,
        state: Data<&State>,
        /// Whose; by default your own.
        #[oai(name = "userId")]
        user_id: Query<Option<Uuid>>,
    ) -> ApiResult<points_balance::Model, { E400 | E403 | E404 }> {
        let user = whose(&state, &actor, user_id.0).await?;
        let balance = read::find::<points_balance::Model>(&state, &actor, user.id).await?;
        Ok(Json(balance.unwrap_or_else(|| nothing_yet(&user))))
    }

    /// List entries of points
    ///
    /// Each carries an explanation with the rule, its inputs and the arithmetic.
    #[oai(path = "/v1/points/entries", method = "get", operation_id = "listPointsEntries", tag = "Tag::Points")]
    async fn entries(
        &self,
        actor: Actor,
        state: Data<&State>,
        cursor: Query<Option<String>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))] limit: Query<Option<i32>>,
        /// `createdAt` or `updatedAt`, with `-` in front for descending; `-createdAt` by default.
        sort: Query<Option<String>>,
        /// Whose; by default your own.
        #[oai(name = "userId")]
        user_id: Query<Option<Uuid>>,
        /// The record that the entries are about.
        #[oai(name = "sourceId")]
        source_id: Query<Option<Uuid>>,
    ) -> ApiResult<Page<points_entry::Model>, SUBLIST> {
        let user = whose(&state, &actor, user_id.0).await?;
        let listing = Listing::new(cursor.0, limit.0, sort.0)
            .only("t.user_id = ?", Some(user.id))
            .only("t.source_id = ?", source_id.0);
        Ok(Json(read::list(&state, &actor, listing, &[]).await?))
    }
}

/// The user whose points the actor may read: himself or, for who leads, somebody below him. A directory shows the names
/// of all colleagues, so that a user can be read does not say that his points can.
async fn whose(state: &State, actor: &Actor, named: Option<Uuid>) -> Result<user::Model, Error> {
    let id = named.unwrap_or(actor.user_id);
    if !actor.sees_all() && !read::holds_scope(state, actor, id).await? {
        return Err(Refusal::not_found(user::Model::KIND.as_str()).into());
    }
    read::get(state, actor, id).await
}

/// The balance of a user who has no entry yet.
fn nothing_yet(user: &user::Model) -> points_balance::Model {
    points_balance::Model {
        tenant_id: user.tenant_id,
        id: user.id,
        revision: 0,
        created_at: user.created_at,
        updated_at: user.created_at,
        deleted_at: None,
        points: Points::default(),
        held: Points::default(),
        leads: 0,
        entries: 0,
    }
}
