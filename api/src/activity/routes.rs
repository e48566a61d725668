//! `/v1/activities`.

#![expect(clippy::too_many_arguments, reason = "the filters of a list are its parameters")]

use entity::activity;
use entity::kind::{ActivityKind, CustomKind, Verdict};
use entity::scalar::Timestamp;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use uuid::Uuid;

use super::ActivityFields;
use crate::auth::Actor;
use crate::custom_field::filter;
use crate::problem::{ApiResult, Fail};
use crate::read::{self, Listing, Page, Sorts};
use crate::rest::{self, CHANGE, CREATE, Created, Edit, Found, GET, LIST, New, NoContent};
use crate::state::State;
use crate::tag::Tag;

pub const SORTS: Sorts = &[("occurred", "t.occurred", "timestamptz")];

pub struct ActivityApi;

#[OpenApi]
impl ActivityApi {
    /// Create an activity
    ///
    /// It earns or costs points in the same commit, and fulfils the plan that it names.
    #[oai(path = "/v1/activities", method = "post", operation_id = "createActivity", tag = "Tag::Activities")]
    async fn create(
        &self,
        actor: Actor,
        state: Data<&State>,
        body: Json<New<ActivityFields>>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
    ) -> Result<Created<activity::Model>, Fail<CREATE>> {
        Ok(rest::create(&state, &actor, "/v1/activities", body.0, key).await?)
    }

    /// List the activities that you see
    #[oai(path = "/v1/activities", method = "get", operation_id = "listActivities", tag = "Tag::Activities")]
    async fn list(
        &self,
        actor: Actor,
        state: Data<&State>,
        cursor: Query<Option<String>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))] limit: Query<Option<i32>>,
        /// `occurred`, `createdAt` or `updatedAt`, with `-` in front for descending; `-createdAt` by default.
        sort: Query<Option<String>>,
        /// Part of the summary.
        search: Query<Option<String>>,
        #[oai(name = "accountId")] account_id: Query<Option<Uuid>>,
        #[oai(name = "ownerId")] owner_id: Query<Option<Uuid>>,
        #[oai(name = "opportunityId")] opportunity_id: Query<Option<Uuid>>,
        #[oai(name = "contactId")] contact_id: Query<Option<Uuid>>,
        kind: Query<Option<ActivityKind>>,
        verdict: Query<Option<Verdict>>,
        /// Not before this moment.
        #[oai(name = "occurredFrom")]
        occurred_from: Query<Option<Timestamp>>,
        /// Before this moment.
        #[oai(name = "occurredTo")]
        occurred_to: Query<Option<Timestamp>>,
        #[oai(name = "externalId")] external_id: Query<Option<String>>,
        /// `key:value` of a field that the company defined itself; repeat it for more of them.
        custom: Query<Option<Vec<String>>>,
    ) -> ApiResult<Page<activity::Model>, LIST> {
        let custom = filter::contains(&state, &actor, CustomKind::Activity, custom.0).await?;
        let listing = Listing::new(cursor.0, limit.0, sort.0)
            .search(search.0)
            .only("t.account_id = ?", account_id.0)
            .only("t.owner_id = ?", owner_id.0)
            .only("t.opportunity_id = ?", opportunity_id.0)
            .only("t.contact_id = ?", contact_id.0)
            .only("t.kind = ?", kind.0.map(ActivityKind::as_str))
            .only("t.verdict = ?", verdict.0.map(Verdict::as_str))
            .only("t.occurred >= ?", occurred_from.0)
            .only("t.occurred < ?", occurred_to.0)
            .only("t.external_id = ?", external_id.0)
            .only("t.custom @> ?", custom);
        Ok(Json(read::list(&state, &actor, listing, SORTS).await?))
    }

    /// Get an activity
    #[oai(path = "/v1/activities/:id", method = "get", operation_id = "getActivity", tag = "Tag::Activities")]
    async fn get(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
    ) -> Result<Found<activity::Model>, Fail<GET>> {
        Ok(rest::get(&state, &actor, id.0).await?)
    }

    /// Change an activity
    #[oai(path = "/v1/activities/:id", method = "patch", operation_id = "updateActivity", tag = "Tag::Activities")]
    async fn update(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<Edit<ActivityFields>>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<Found<activity::Model>, Fail<CHANGE>> {
        Ok(rest::update(&state, &actor, id.0, body.0, etag).await?)
    }

    /// Delete an activity
    #[oai(path = "/v1/activities/:id", method = "delete", operation_id = "deleteActivity", tag = "Tag::Activities")]
    async fn delete(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<NoContent, Fail<CHANGE>> {
        Ok(rest::delete::<activity::Model>(&state, &actor, id.0, etag, None).await?)
    }
}
