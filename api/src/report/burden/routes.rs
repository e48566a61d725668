//! The route of the entry burden.

use entity::scalar::Date;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Query;
use poem_openapi::payload::Json;
use uuid::Uuid;

use super::{EntryBurden, burden};
use crate::auth::Actor;
use crate::problem::{ApiResult, E400, E401, E403, E422};
use crate::state::State;
use crate::tag::Tag;

pub struct BurdenApi;

#[OpenApi]
impl BurdenApi {
    /// Read the entry burden
    ///
    /// How long entering an activity takes and how much is filled in, how much of it is in time and complete, a team and month
    /// each; and which required field never differs between won and lost. Counted is what the caller sees.
    #[oai(path = "/v1/reports/entry-burden", method = "get", operation_id = "getEntryBurden", tag = "Tag::Reports")]
    async fn burden(
        &self,
        state: Data<&State>,
        actor: Actor,
        /// First day of the period, in the tenant's time zone; three months up to `to` if absent.
        from: Query<Option<Date>>,
        /// Last day of the period, which counts too; today if absent.
        to: Query<Option<Date>>,
        /// Only of owners who are in this team or in one below it now.
        #[oai(name = "teamId")]
        team_id: Query<Option<Uuid>>,
    ) -> ApiResult<EntryBurden, { E400 | E401 | E403 | E422 }> {
        Ok(Json(burden(&state, &actor, from.0, to.0, team_id.0).await?))
    }
}
