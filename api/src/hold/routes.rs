//! `/v1/holds`.

#![expect(clippy::too_many_arguments, reason = "the filters of a list are its parameters")]

use entity::hold;
use entity::kind::HoldStatus;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use uuid::Uuid;

use crate::auth::Actor;
use crate::change::Intent;
use crate::ledger::review::Ruling;
use crate::problem::{ApiResult, Fail};
use crate::read::{self, Listing, Page, Sorts};
use crate::rest::{self, CHANGE, Found, GET, LIST};
use crate::state::State;
use crate::tag::Tag;

pub const SORTS: Sorts = &[("releaseOn", "t.release_on", "date")];

pub struct HoldApi;

#[OpenApi]
impl HoldApi {
    /// List the holds that you see
    ///
    /// Awards that wait for a review, each with what was found about it.
    #[oai(path = "/v1/holds", method = "get", operation_id = "listHolds", tag = "Tag::Points")]
    async fn list(
        &self,
        actor: Actor,
        state: Data<&State>,
        cursor: Query<Option<String>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))] limit: Query<Option<i32>>,
        /// `releaseOn`, `createdAt` or `updatedAt`, with `-` in front for descending; `-createdAt` by default.
        sort: Query<Option<String>>,
        #[oai(name = "userId")] user_id: Query<Option<Uuid>>,
        #[oai(name = "activityId")] activity_id: Query<Option<Uuid>>,
        status: Query<Option<HoldStatus>>,
    ) -> ApiResult<Page<hold::Model>, LIST> {
        let listing = Listing::new(cursor.0, limit.0, sort.0)
            .only("t.user_id = ?", user_id.0)
            .only("t.activity_id = ?", activity_id.0)
            .only("t.status = ?", status.0.map(HoldStatus::as_str));
        Ok(Json(read::list(&state, &actor, listing, SORTS).await?))
    }

    /// Get a hold
    #[oai(path = "/v1/holds/:id", method = "get", operation_id = "getHold", tag = "Tag::Points")]
    async fn get(&self, actor: Actor, state: Data<&State>, id: Path<Uuid>) -> Result<Found<hold::Model>, Fail<GET>> {
        Ok(rest::get(&state, &actor, id.0).await?)
    }

    /// Release a hold
    ///
    /// The rep gets the points. For a manager of the rep, or an administrator.
    #[oai(path = "/v1/holds/:id/release", method = "post", operation_id = "releaseHold", tag = "Tag::Points")]
    async fn release(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<Ruling>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<Found<hold::Model>, Fail<CHANGE>> {
        Ok(rest::act(&state, &actor, id.0, Intent::Pass(body.0), key, etag).await?)
    }

    /// Deny a hold
    ///
    /// The points are not paid. For a manager of the rep, or an administrator.
    #[oai(path = "/v1/holds/:id/deny", method = "post", operation_id = "denyHold", tag = "Tag::Points")]
    async fn deny(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<Ruling>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<Found<hold::Model>, Fail<CHANGE>> {
        Ok(rest::act(&state, &actor, id.0, Intent::Refuse(body.0), key, etag).await?)
    }
}
