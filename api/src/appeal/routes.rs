//! `/v1/appeals`, and `POST /v1/points/entries/{id}/appeal`.

#![expect(clippy::too_many_arguments, reason = "the filters of a list are its parameters")]

use entity::appeal;
use entity::kind::AppealStatus;
use entity::scalar::{Line, Text};
use poem::web::Data;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{Enum, Object, OpenApi};
use uuid::Uuid;

use super::AppealFields;
use crate::auth::Actor;
use crate::change::Intent;
use crate::ledger::review::Ruling;
use crate::problem::{ApiResult, E404, Fail};
use crate::read::{self, Listing, Page};
use crate::rest::{self, CHANGE, CREATE, Created, Found, GET, LIST, New};
use crate::state::State;
use crate::tag::Tag;

/// An objection to a fine.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none, deny_unknown_fields)]
pub struct AppealEntry {
    /// A UUIDv7 that the client makes, so that it can appeal while offline; by default the server's.
    pub id: Option<Uuid>,
    /// Why the fine is wrong; the manager reads it.
    pub reason: Text,
}

/// What a manager decides about an appeal.
#[derive(Clone, Debug, Object)]
#[oai(deny_unknown_fields)]
pub struct DecideAppeal {
    pub decision: AppealDecision,
    /// The rep reads it.
    pub reason: Line,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum AppealDecision {
    /// The fine is taken back.
    Granted,
    /// The fine stands.
    Rejected,
}

pub struct AppealApi;

#[OpenApi]
impl AppealApi {
    /// Appeal against a fine
    ///
    /// The fine is frozen at once: its points are back until a manager decides. Once for each fine.
    #[oai(
        path = "/v1/points/entries/:id/appeal",
        method = "post",
        operation_id = "appealPointsEntry",
        tag = "Tag::Points"
    )]
    async fn appeal(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<AppealEntry>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
    ) -> Result<Created<appeal::Model>, Fail<{ CREATE | E404 }>> {
        let fields = AppealFields { reason: Some(body.0.reason), entry_id: Some(id.0) };
        Ok(rest::create(&state, &actor, "/v1/appeals", New { id: body.0.id, fields }, key).await?)
    }

    /// List the appeals that you see
    #[oai(path = "/v1/appeals", method = "get", operation_id = "listAppeals", tag = "Tag::Points")]
    async fn list(
        &self,
        actor: Actor,
        state: Data<&State>,
        cursor: Query<Option<String>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))] limit: Query<Option<i32>>,
        /// `createdAt` or `updatedAt`, with `-` in front for descending; `-createdAt` by default.
        sort: Query<Option<String>>,
        #[oai(name = "userId")] user_id: Query<Option<Uuid>>,
        #[oai(name = "entryId")] entry_id: Query<Option<Uuid>>,
        status: Query<Option<AppealStatus>>,
    ) -> ApiResult<Page<appeal::Model>, LIST> {
        let listing = Listing::new(cursor.0, limit.0, sort.0)
            .only("t.user_id = ?", user_id.0)
            .only("t.entry_id = ?", entry_id.0)
            .only("t.status = ?", status.0.map(AppealStatus::as_str));
        Ok(Json(read::list(&state, &actor, listing, &[]).await?))
    }

    /// Get an appeal
    #[oai(path = "/v1/appeals/:id", method = "get", operation_id = "getAppeal", tag = "Tag::Points")]
    async fn get(&self, actor: Actor, state: Data<&State>, id: Path<Uuid>) -> Result<Found<appeal::Model>, Fail<GET>> {
        Ok(rest::get(&state, &actor, id.0).await?)
    }

    /// Decide an appeal
    ///
    /// For a manager of the rep, or an administrator. A reversal is a new entry; the fine itself stays as it was booked.
    #[oai(path = "/v1/appeals/:id/decide", method = "post", operation_id = "decideAppeal", tag = "Tag::Points")]
    async fn decide(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<DecideAppeal>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<Found<appeal::Model>, Fail<CHANGE>> {
        let ruling = Ruling { reason: body.0.reason };
        let intent = match body.0.decision {
            AppealDecision::Granted => Intent::Pass(ruling),
            AppealDecision::Rejected => Intent::Refuse(ruling),
        };
        Ok(rest::act(&state, &actor, id.0, intent, key, etag).await?)
    }
}
