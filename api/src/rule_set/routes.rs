//! `/v1/rule-sets`, to be read.

use entity::kind::RuleSetStatus;
use entity::rule_set;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use uuid::Uuid;

use crate::auth::Actor;
use crate::problem::{ApiResult, Fail};
use crate::read::{self, Listing, Page, Sorts};
use crate::rest::{self, Found, GET, LIST};
use crate::state::State;
use crate::tag::Tag;

const SORTS: Sorts = &[("version", "t.version", "integer")];

pub struct RuleSetApi;

#[OpenApi]
impl RuleSetApi {
    /// List the rule sets
    #[oai(path = "/v1/rule-sets", method = "get", operation_id = "listRuleSets", tag = "Tag::Points")]
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
    #[oai(path = "/v1/rule-sets/:id", method = "get", operation_id = "getRuleSet", tag = "Tag::Points")]
    async fn get(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
    ) -> Result<Found<rule_set::Model>, Fail<GET>> {
        Ok(rest::get(&state, &actor, id.0).await?)
    }
}
