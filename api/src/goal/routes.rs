//! `/v1/goals`.

use poem::web::Data;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};
use uuid::Uuid;

use super::{CreateGoal, Goal, GoalList, UpdateGoal};
use crate::auth::Actor;
use crate::problem::{ApiResult, E400, E401, E403, E404, E409, E412, E422, Fail};
use crate::rest::NoContent;
use crate::state::State;
use crate::tag::Tag;
use crate::write::if_match;

#[derive(ApiResponse)]
pub enum GoalCreated {
    /// Set
    #[oai(status = 201)]
    Created(Json<Goal>),
}

#[derive(ApiResponse)]
pub enum GoalChanged {
    /// Changed
    #[oai(status = 200)]
    Changed(
        Json<Goal>,
        /// Its revision.
        #[oai(header = "ETag")]
        String,
    ),
}

pub struct GoalApi;

#[OpenApi]
impl GoalApi {
    /// List the goals that you see
    ///
    /// A rep sees his own and his team's, a manager those of the users and teams below him too.
    #[oai(path = "/v1/goals", method = "get", operation_id = "listGoals", tag = "Tag::Reports")]
    async fn list(
        &self,
        actor: Actor,
        state: Data<&State>,
        #[oai(name = "userId")] user_id: Query<Option<Uuid>>,
        #[oai(name = "teamId")] team_id: Query<Option<Uuid>>,
    ) -> ApiResult<GoalList, { E400 | E401 | E403 }> {
        Ok(Json(super::list(&state, &actor, user_id.0, team_id.0).await?))
    }

    /// Set a goal
    ///
    /// For managers, of those whom they lead, and for administrators.
    #[oai(path = "/v1/goals", method = "post", operation_id = "createGoal", tag = "Tag::Reports")]
    async fn create(
        &self,
        actor: Actor,
        state: Data<&State>,
        body: Json<CreateGoal>,
    ) -> Result<GoalCreated, Fail<{ E400 | E401 | E403 | E409 | E422 }>> {
        Ok(GoalCreated::Created(Json(super::create(&state, &actor, body.0).await?)))
    }

    /// Change a goal
    ///
    /// Its target and its days. For managers, of those whom they lead, and for administrators.
    #[oai(path = "/v1/goals/:id", method = "patch", operation_id = "updateGoal", tag = "Tag::Reports")]
    async fn update(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        body: Json<UpdateGoal>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<GoalChanged, Fail<{ E400 | E401 | E403 | E404 | E409 | E412 | E422 }>> {
        let goal = super::update(&state, &actor, id.0, body.0, if_match(etag.0.as_deref())?).await?;
        let etag = format!("\"{}\"", goal.revision);
        Ok(GoalChanged::Changed(Json(goal), etag))
    }

    /// Take a goal back
    #[oai(path = "/v1/goals/:id", method = "delete", operation_id = "deleteGoal", tag = "Tag::Reports")]
    async fn delete(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<NoContent, Fail<{ E400 | E401 | E403 | E404 | E412 }>> {
        super::delete(&state, &actor, id.0, if_match(etag.0.as_deref())?).await?;
        Ok(NoContent::Done)
    }
}
