//! `/v1/rule-sets`.

use entity::kind::RuleSetStatus;
use entity::rule_set;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::types::Any;
use serde_json::Value;
use uuid::Uuid;

use super::draft::{self, DraftRuleSet};
use super::life::{self, ActivateRuleSet};
use super::schema::schema;
use crate::auth::Actor;
use crate::problem::{ApiResult, E400, E403, E404, E409, E412, E422, Fail};
use crate::read::{self, Listing, Page, Sorts};
use crate::rest::{self, Created, Found, GET, LIST, NoContent};
use crate::state::State;
use crate::tag::Tag;
use crate::write::{if_match, whole};

/// Statuses of a change of one rule set.
const CHANGE: u32 = E400 | E403 | E404 | E409 | E412 | E422;

pub const SORTS: Sorts = &[("version", "t.version", "integer")];

pub struct RuleSetApi;

#[OpenApi]
impl RuleSetApi {
    /// List the rule sets
    #[oai(path = "/v1/rule-sets", method = "get", operation_id = "listRuleSets", tag = "Tag::Rules")]
    async fn list(
        &self,
        actor: Actor,
        state: Data<&State>,
        cursor: Query<Option<String>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))] limit: Query<Option<i32>>,
        /// `version`, `createdAt` or `updatedAt`, with `-` in front for descending; `-version` by default.
        sort: Query<Option<String>>,
        status: Query<Option<RuleSetStatus>>,
    ) -> ApiResult<Page<rule_set::Model>, LIST> {
        let sort = sort.0.or_else(|| Some("-version".to_owned()));
        let listing = Listing::new(cursor.0, limit.0, sort).only("t.status = ?", status.0.map(RuleSetStatus::as_str));
        Ok(Json(read::list(&state, &actor, listing, SORTS).await?))
    }

    /// Get a rule set
    #[oai(path = "/v1/rule-sets/:id", method = "get", operation_id = "getRuleSet", tag = "Tag::Rules")]
    async fn get(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
    ) -> Result<Found<rule_set::Model>, Fail<GET>> {
        Ok(rest::get(&state, &actor, id.0).await?)
    }

    /// Get the JSON Schema of the rules
    ///
    /// JSON Schema draft 2020-12: an editor that knows it helps to write a draft.
    #[oai(path = "/v1/rule-sets/schema", method = "get", operation_id = "getRulesSchema", tag = "Tag::Rules")]
    async fn schema(&self, _actor: Actor) -> ApiResult<Any<Value>, { E403 }> {
        Ok(Json(Any(schema().clone())))
    }

    /// Draft a rule set
    ///
    /// Admins only. A draft is seen by admins alone.
    #[oai(path = "/v1/rule-sets", method = "post", operation_id = "draftRuleSet", tag = "Tag::Rules")]
    async fn create(
        &self,
        actor: Actor,
        state: Data<&State>,
        body: Json<DraftRuleSet>,
    ) -> Result<Created<rule_set::Model>, Fail<{ E400 | E403 | E422 }>> {
        let new = body.0;
        let created = whole(&state, &actor, move |work| {
            let new = new.clone();
            Box::pin(async move { draft::create(work, &new).await })
        });
        Ok(Created::at("/v1/rule-sets", created.await?))
    }

    /// Replace the rules of a draft
    ///
    /// Admins only.
    #[oai(path = "/v1/rule-sets/:id", method = "patch", operation_id = "updateRuleSet", tag = "Tag::Rules")]
    async fn update(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<DraftRuleSet>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<Found<rule_set::Model>, Fail<CHANGE>> {
        let (id, edit, expected) = (id.0, body.0, if_match(etag.0.as_deref())?);
        let updated = whole(&state, &actor, move |work| {
            let edit = edit.clone();
            Box::pin(async move { draft::update(work, id, &edit, expected).await })
        });
        Ok(Found::of(updated.await?))
    }

    /// Delete a draft
    ///
    /// Admins only.
    #[oai(path = "/v1/rule-sets/:id", method = "delete", operation_id = "deleteRuleSet", tag = "Tag::Rules")]
    async fn delete(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<NoContent, Fail<{ E400 | E403 | E404 | E409 | E412 }>> {
        let (id, expected) = (id.0, if_match(etag.0.as_deref())?);
        let deleted =
            whole(&state, &actor, move |work| Box::pin(async move { draft::delete(work, id, expected).await }));
        deleted.await?;
        Ok(NoContent::Done)
    }

    /// Try a draft out without paying
    ///
    /// Admins only. There is one shadow at a time. Phones see it beside the rules in force; what it would have booked since
    /// it began is told by a simulation of these days.
    #[oai(path = "/v1/rule-sets/:id/shadow", method = "post", operation_id = "shadowRuleSet", tag = "Tag::Rules")]
    async fn shadow(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<Found<rule_set::Model>, Fail<{ E400 | E403 | E404 | E409 | E412 }>> {
        let (id, expected, inner) = (id.0, if_match(etag.0.as_deref())?, state.clone());
        let shadow = whole(&state, &actor, move |work| {
            let inner = inner.clone();
            Box::pin(async move { life::shadow(work, &inner, id, expected).await })
        });
        Ok(Found::of(shadow.await?))
    }

    /// Activate a rule set from a day on
    ///
    /// Admins only. It must have been simulated as it stands. The one before ends with the day before.
    #[oai(path = "/v1/rule-sets/:id/activate", method = "post", operation_id = "activateRuleSet", tag = "Tag::Rules")]
    async fn activate(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<ActivateRuleSet>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<Found<rule_set::Model>, Fail<CHANGE>> {
        let (id, body, expected, inner) = (id.0, body.0, if_match(etag.0.as_deref())?, state.clone());
        let active = whole(&state, &actor, move |work| {
            let (inner, body) = (inner.clone(), body.clone());
            Box::pin(async move { life::activate(work, &inner, id, &body, expected).await })
        });
        Ok(Found::of(active.await?))
    }

    /// Retire the shadow, or a rule set that has not begun
    ///
    /// Admins only. The rule set in force ends when another one begins.
    #[oai(path = "/v1/rule-sets/:id/retire", method = "post", operation_id = "retireRuleSet", tag = "Tag::Rules")]
    async fn retire(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<Found<rule_set::Model>, Fail<{ E400 | E403 | E404 | E409 | E412 }>> {
        let (id, expected) = (id.0, if_match(etag.0.as_deref())?);
        let retired =
            whole(&state, &actor, move |work| Box::pin(async move { life::retire(work, id, expected).await }));
        Ok(Found::of(retired.await?))
    }
}
