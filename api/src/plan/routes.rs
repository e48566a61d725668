//! `/v1/plans`.

#![expect(clippy::too_many_arguments, reason = "the filters of a list are its parameters")]

use entity::kind::PlanStatus;
use entity::plan;
use entity::scalar::Date;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use uuid::Uuid;

use super::{CancelPlan, PlanFields};
use crate::auth::Actor;
use crate::change::Intent;
use crate::problem::{ApiResult, Fail};
use crate::read::{self, Listing, Page, Sorts};
use crate::rest::{self, CHANGE, CREATE, Created, Edit, Found, GET, LIST, New, NoContent};
use crate::state::State;
use crate::tag::Tag;

pub const SORTS: Sorts = &[("plannedOn", "t.planned_on", "date")];

pub struct PlanApi;

#[OpenApi]
impl PlanApi {
    /// Create a plan
    #[oai(path = "/v1/plans", method = "post", operation_id = "createPlan", tag = "Tag::Plans")]
    async fn create(
        &self,
        actor: Actor,
        state: Data<&State>,
        body: Json<New<PlanFields>>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
    ) -> Result<Created<plan::Model>, Fail<CREATE>> {
        Ok(rest::create(&state, &actor, "/v1/plans", body.0, key).await?)
    }

    /// List the plans that you see
    #[oai(path = "/v1/plans", method = "get", operation_id = "listPlans", tag = "Tag::Plans")]
    async fn list(
        &self,
        actor: Actor,
        state: Data<&State>,
        cursor: Query<Option<String>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))] limit: Query<Option<i32>>,
        /// `plannedOn`, `createdAt` or `updatedAt`, with `-` in front for descending; `-createdAt` by default.
        sort: Query<Option<String>>,
        #[oai(name = "accountId")] account_id: Query<Option<Uuid>>,
        #[oai(name = "ownerId")] owner_id: Query<Option<Uuid>>,
        #[oai(name = "opportunityId")] opportunity_id: Query<Option<Uuid>>,
        status: Query<Option<PlanStatus>>,
        /// Not before this day.
        #[oai(name = "plannedFrom")]
        planned_from: Query<Option<Date>>,
        /// Not after this day.
        #[oai(name = "plannedTo")]
        planned_to: Query<Option<Date>>,
    ) -> ApiResult<Page<plan::Model>, LIST> {
        let listing = Listing::new(cursor.0, limit.0, sort.0)
            .only("t.account_id = ?", account_id.0)
            .only("t.owner_id = ?", owner_id.0)
            .only("t.opportunity_id = ?", opportunity_id.0)
            .only("t.status = ?", status.0.map(PlanStatus::as_str))
            .only("t.planned_on >= ?", planned_from.0)
            .only("t.planned_on <= ?", planned_to.0);
        Ok(Json(read::list(&state, &actor, listing, SORTS).await?))
    }

    /// Get a plan
    #[oai(path = "/v1/plans/:id", method = "get", operation_id = "getPlan", tag = "Tag::Plans")]
    async fn get(&self, actor: Actor, state: Data<&State>, id: Path<Uuid>) -> Result<Found<plan::Model>, Fail<GET>> {
        Ok(rest::get(&state, &actor, id.0).await?)
    }

    /// Change a plan
    #[oai(path = "/v1/plans/:id", method = "patch", operation_id = "updatePlan", tag = "Tag::Plans")]
    async fn update(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<Edit<PlanFields>>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<Found<plan::Model>, Fail<CHANGE>> {
        Ok(rest::update(&state, &actor, id.0, body.0, etag).await?)
    }

    /// Delete a plan
    #[oai(path = "/v1/plans/:id", method = "delete", operation_id = "deletePlan", tag = "Tag::Plans")]
    async fn delete(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<NoContent, Fail<CHANGE>> {
        Ok(rest::delete::<plan::Model>(&state, &actor, id.0, etag, None).await?)
    }

    /// Cancel a plan
    #[oai(path = "/v1/plans/:id/cancel", method = "post", operation_id = "cancelPlan", tag = "Tag::Plans")]
    async fn cancel(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<CancelPlan>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<Found<plan::Model>, Fail<CHANGE>> {
        Ok(rest::act(&state, &actor, id.0, Intent::Cancel(body.0), key, etag).await?)
    }
}
