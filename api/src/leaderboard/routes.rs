//! `/v1/leaderboards`.

use entity::scalar::Date;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Query;
use poem_openapi::payload::Json;
use uuid::Uuid;

use super::{Asked, Leaderboard, leaderboard};
use crate::auth::Actor;
use crate::problem::ApiResult;
use crate::rest::SUBLIST;
use crate::state::State;
use crate::tag::Tag;

pub struct LeaderboardApi;

#[OpenApi]
impl LeaderboardApi {
    /// Get a leaderboard
    ///
    /// For reps: of the own team. Where the active rule set says `own_rank`, a rep sees his own place only.
    #[oai(path = "/v1/leaderboards", method = "get", operation_id = "getLeaderboard", tag = "Tag::Points")]
    async fn leaderboard(
        &self,
        actor: Actor,
        state: Data<&State>,
        /// Its reps and those of the teams below it; by default the caller's team.
        #[oai(name = "teamId")]
        team_id: Query<Option<Uuid>>,
        /// First day; by default the first of the last day's month.
        from: Query<Option<Date>>,
        /// Last day; by default today.
        to: Query<Option<Date>>,
    ) -> ApiResult<Leaderboard, SUBLIST> {
        let asked = Asked { team_id: team_id.0, from: from.0, to: to.0 };
        Ok(Json(leaderboard(&state, &actor, asked).await?))
    }
}
