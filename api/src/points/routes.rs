//! `/v1/points`: what a user has, and how it came about.

#![expect(clippy::too_many_arguments, reason = "the filters of a list are its parameters")]

use entity::scalar::{Line, Points};
use entity::{points_balance, points_entry, statement, user};
use poem::web::Data;
use poem_openapi::param::{Header, Query};
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use uuid::Uuid;

use crate::auth::Actor;
use crate::change::Intent;
use crate::ledger::payout::PayOut;
use crate::problem::{ApiResult, E400, E403, E404, Error, Fail, Refusal};
use crate::read::{self, Listing, Page, Sorts};
use crate::record::Record;
use crate::rest::{self, CREATE, Created, SUBLIST};
use crate::state::State;
use crate::tag::Tag;

pub const SORTS: Sorts = &[("ordinal", "t.ordinal", "integer")];

/// A payout to be made.
#[derive(Clone, Debug, Object)]
#[oai(rename = "PayOutPoints", rename_all = "camelCase", skip_serializing_if_is_none, deny_unknown_fields)]
pub struct NewPayout {
    /// A UUIDv7 that the client makes; by default the server's.
    pub id: Option<Uuid>,
    /// Whose points.
    pub user_id: Uuid,
    /// More than zero, at most what the balance has.
    pub points: Points,
    /// What for, or where it is booked; the rep reads it.
    pub note: Option<Line>,
}

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
        /// `ordinal`, `createdAt` or `updatedAt`, with `-` in front for descending; `-createdAt` by default.
        sort: Query<Option<String>>,
        /// Whose; by default your own.
        #[oai(name = "userId")]
        user_id: Query<Option<Uuid>>,
        /// The record that the entries are about.
        #[oai(name = "sourceId")]
        source_id: Query<Option<Uuid>>,
        /// A rep's statement: only the entries that it covers.
        #[oai(name = "statementId")]
        statement_id: Query<Option<Uuid>>,
    ) -> ApiResult<Page<points_entry::Model>, SUBLIST> {
        let mut listing = Listing::new(cursor.0, limit.0, sort.0).only("t.source_id = ?", source_id.0);
        let mut owner = user_id.0;
        if let Some(id) = statement_id.0 {
            let statement: statement::Model = read::get(&state, &actor, id).await?;
            let Some(user) = statement.user_id.filter(|user| owner.is_none_or(|asked| asked == *user)) else {
                let detail =
                    "Must be a rep's statement, and of the user asked for; a team's has no entries of its own.";
                return Err(Refusal::invalid("statementId", detail).into());
            };
            owner = Some(user);
            let (first, last) = (statement.first_entry.unwrap_or(i32::MAX), statement.last_entry.unwrap_or(0));
            listing = listing.only("t.ordinal >= ?", Some(first)).only("t.ordinal <= ?", Some(last));
        }
        let user = whose(&state, &actor, owner).await?;
        Ok(Json(read::list(&state, &actor, listing.only("t.user_id = ?", Some(user.id)), SORTS).await?))
    }

    /// Pay points out
    ///
    /// For administrators: the points leave the user's balance, which does not go below zero by it.
    #[oai(path = "/v1/points/payouts", method = "post", operation_id = "payOutPoints", tag = "Tag::Points")]
    async fn pay_out(
        &self,
        actor: Actor,
        state: Data<&State>,
        body: Json<NewPayout>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
    ) -> Result<Created<points_entry::Model>, Fail<CREATE>> {
        let NewPayout { id, user_id, points, note } = body.0;
        let intent = Intent::PayOut(PayOut { user_id, points, note });
        Ok(rest::make(&state, &actor, "/v1/points/entries", id, intent, key).await?)
    }
}

/// The user whose points the actor may read: himself or, for who leads, somebody below him. A directory shows the names
/// of all colleagues, so that a user can be read does not say that his points can.
pub async fn whose(state: &State, actor: &Actor, named: Option<Uuid>) -> Result<user::Model, Error> {
    let id = named.unwrap_or(actor.user_id);
    if !actor.sees_all() && !read::holds_scope(state, actor, id).await? {
        return Err(Refusal::not_found(user::Model::KIND.as_str()).into());
    }
    read::get(state, actor, id).await
}

/// The balance of a user who has no entry yet.
pub fn nothing_yet(user: &user::Model) -> points_balance::Model {
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
