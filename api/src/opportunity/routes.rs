//! `/v1/opportunities`.

#![expect(clippy::too_many_arguments, reason = "the filters of a list are its parameters")]

use entity::kind::{CustomKind, StageKey};
use entity::scalar::{Date, Line, Money};
use entity::{opportunity, stage_move};
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use uuid::Uuid;

use super::{AdvanceOpportunity, OpportunityFields};
use crate::auth::Actor;
use crate::change::Intent;
use crate::custom_field::filter;
use crate::problem::{ApiResult, Fail};
use crate::read::{self, Listing, Page, Sorts};
use crate::rest::{self, CHANGE, CREATE, Created, Edit, Found, GET, LIST, New, NoContent, SUBLIST};
use crate::state::State;
use crate::tag::Tag;

pub const SORTS: Sorts = &[
    ("name", "t.name", "text"),
    ("amount", "coalesce(t.amount, 0)", "numeric"),
    ("expectedOn", "coalesce(t.expected_on, 'infinity')", "date"),
    ("stageSince", "t.stage_since", "timestamptz"),
];
pub const MOVE_SORTS: Sorts = &[("number", "t.number", "integer")];

pub struct OpportunityApi;

#[OpenApi]
impl OpportunityApi {
    /// Create an opportunity
    ///
    /// It starts in the stage `intent`.
    #[oai(path = "/v1/opportunities", method = "post", operation_id = "createOpportunity", tag = "Tag::Opportunities")]
    async fn create(
        &self,
        actor: Actor,
        state: Data<&State>,
        body: Json<New<OpportunityFields>>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
    ) -> Result<Created<opportunity::Model>, Fail<CREATE>> {
        Ok(rest::create(&state, &actor, "/v1/opportunities", body.0, key).await?)
    }

    /// List the opportunities that you see
    #[oai(path = "/v1/opportunities", method = "get", operation_id = "listOpportunities", tag = "Tag::Opportunities")]
    async fn list(
        &self,
        actor: Actor,
        state: Data<&State>,
        cursor: Query<Option<String>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))] limit: Query<Option<i32>>,
        /// `name`, `amount`, `expectedOn`, `stageSince`, `createdAt` or `updatedAt`, with `-` in front for descending; `-createdAt` by default.
        sort: Query<Option<String>>,
        /// Part of the name.
        search: Query<Option<String>>,
        #[oai(name = "accountId")] account_id: Query<Option<Uuid>>,
        #[oai(name = "ownerId")] owner_id: Query<Option<Uuid>>,
        stage: Query<Option<StageKey>>,
        #[oai(name = "productId")] product_id: Query<Option<Uuid>>,
        source: Query<Option<String>>,
        /// At least this amount, in whatever currency.
        #[oai(name = "amountFrom")]
        amount_from: Query<Option<Money>>,
        /// Not before this day.
        #[oai(name = "expectedFrom")]
        expected_from: Query<Option<Date>>,
        /// Not after this day.
        #[oai(name = "expectedTo")]
        expected_to: Query<Option<Date>>,
        #[oai(name = "externalId")] external_id: Query<Option<String>>,
        /// `key:value` of a field that the company defined itself; repeat it for more of them.
        custom: Query<Option<Vec<String>>>,
    ) -> ApiResult<Page<opportunity::Model>, LIST> {
        let custom = filter::contains(&state, &actor, CustomKind::Opportunity, custom.0).await?;
        let listing = Listing::new(cursor.0, limit.0, sort.0)
            .search(search.0)
            .only("t.account_id = ?", account_id.0)
            .only("t.owner_id = ?", owner_id.0)
            .only("t.stage = ?", stage.0.map(StageKey::as_str))
            .only("t.product_id = ?", product_id.0)
            .only("t.source = ?", source.0)
            .only("t.amount >= ?", amount_from.0)
            .only("t.expected_on >= ?", expected_from.0)
            .only("t.expected_on <= ?", expected_to.0)
            .only("t.external_id = ?", external_id.0)
            .only("t.custom @> ?", custom);
        Ok(Json(read::list(&state, &actor, listing, SORTS).await?))
    }

    /// Get an opportunity
    #[oai(path = "/v1/opportunities/:id", method = "get", operation_id = "getOpportunity", tag = "Tag::Opportunities")]
    async fn get(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
    ) -> Result<Found<opportunity::Model>, Fail<GET>> {
        Ok(rest::get(&state, &actor, id.0).await?)
    }

    /// Change an opportunity
    #[oai(
        path = "/v1/opportunities/:id",
        method = "patch",
        operation_id = "updateOpportunity",
        tag = "Tag::Opportunities"
    )]
    async fn update(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<Edit<OpportunityFields>>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<Found<opportunity::Model>, Fail<CHANGE>> {
        Ok(rest::update(&state, &actor, id.0, body.0, etag).await?)
    }

    /// Delete an opportunity
    #[oai(
        path = "/v1/opportunities/:id",
        method = "delete",
        operation_id = "deleteOpportunity",
        tag = "Tag::Opportunities"
    )]
    async fn delete(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        /// Why; required for one that is signed.
        reason: Query<Option<Line>>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<NoContent, Fail<CHANGE>> {
        Ok(rest::delete::<opportunity::Model>(&state, &actor, id.0, etag, reason.0.map(String::from)).await?)
    }

    /// Move an opportunity to another stage
    ///
    /// A refusal (422) names each field that a stage on the way asks for and that is empty.
    #[oai(
        path = "/v1/opportunities/:id/advance",
        method = "post",
        operation_id = "advanceOpportunity",
        tag = "Tag::Opportunities"
    )]
    async fn advance(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<AdvanceOpportunity>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<Found<opportunity::Model>, Fail<CHANGE>> {
        Ok(rest::act(&state, &actor, id.0, Intent::Advance(body.0), key, etag).await?)
    }

    /// List the moves of an opportunity between stages
    #[oai(
        path = "/v1/opportunities/:id/moves",
        method = "get",
        operation_id = "listOpportunityMoves",
        tag = "Tag::Opportunities"
    )]
    async fn moves(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        cursor: Query<Option<String>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))] limit: Query<Option<i32>>,
        /// `number`, `createdAt` or `updatedAt`, with `-` in front for descending; `number` by default.
        sort: Query<Option<String>>,
    ) -> ApiResult<Page<stage_move::Model>, SUBLIST> {
        read::get::<opportunity::Model>(&state, &actor, id.0).await?;
        let sort = sort.0.or_else(|| Some("number".to_owned()));
        let listing = Listing::new(cursor.0, limit.0, sort).only("t.opportunity_id = ?", Some(id.0));
        Ok(Json(read::list(&state, &actor, listing, MOVE_SORTS).await?))
    }
}
