//! `/v1/calendar-feeds` for their owners, and `/v1/calendars/…` for calendar programs, which bring nothing but the address.

use poem::web::Data;
use poem::{Body, IntoResponse, Response};
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::{ApiResponse, OpenApi};
use uuid::Uuid;

use super::feed::{self, CalendarFeedList, CreateCalendarFeed, CreatedCalendarFeed};
use crate::auth::Actor;
use crate::problem::{ApiResult, E400, E401, E403, E404, E409, E422, Fail};
use crate::rest::NoContent;
use crate::state::State;
use crate::tag::Tag;

const CALENDAR: &str = "text/calendar";

#[derive(ApiResponse)]
pub enum CalendarFeedCreated {
    /// Made
    #[oai(status = 201)]
    Created(Json<CreatedCalendarFeed>),
}

/// A calendar as text.
pub struct Calendar(String);

impl IntoResponse for Calendar {
    fn into_response(self) -> Response {
        Response::builder().content_type("text/calendar; charset=utf-8").body(Body::from_string(self.0))
    }
}

impl ApiResponse for Calendar {
    fn meta() -> MetaResponses {
        let schema = MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", "binary")));
        let content = vec![MetaMediaType { content_type: CALENDAR, schema }];
        MetaResponses {
            responses: vec![MetaResponse {
                description: "The calendar (RFC 5545)",
                status: Some(200),
                status_range: None,
                content,
                headers: Vec::new(),
            }],
        }
    }

    fn register(_: &mut Registry) {}
}

pub struct CalendarFeedApi;

#[OpenApi]
impl CalendarFeedApi {
    /// Make a calendar feed
    ///
    /// A secret address at which a calendar program fetches the caller's plans: those of the last 90 days and all to come.
    /// Each is a whole day; a cancelled one stays, as cancelled.
    #[oai(path = "/v1/calendar-feeds", method = "post", operation_id = "createCalendarFeed", tag = "Tag::Plans")]
    async fn create(
        &self,
        actor: Actor,
        state: Data<&State>,
        body: Json<CreateCalendarFeed>,
    ) -> Result<CalendarFeedCreated, Fail<{ E400 | E401 | E403 | E409 | E422 }>> {
        Ok(CalendarFeedCreated::Created(Json(feed::create(&state, &actor, body.0).await?)))
    }

    /// List one's own calendar feeds
    #[oai(path = "/v1/calendar-feeds", method = "get", operation_id = "listCalendarFeeds", tag = "Tag::Plans")]
    async fn list(&self, actor: Actor, state: Data<&State>) -> ApiResult<CalendarFeedList, { E401 | E403 }> {
        Ok(Json(feed::list(&state, &actor).await?))
    }

    /// Delete a calendar feed
    ///
    /// Its address stops at once.
    #[oai(path = "/v1/calendar-feeds/:id", method = "delete", operation_id = "deleteCalendarFeed", tag = "Tag::Plans")]
    async fn delete(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
    ) -> Result<NoContent, Fail<{ E400 | E401 | E403 | E404 }>> {
        feed::delete(&state, &actor, id.0).await?;
        Ok(NoContent::Done)
    }

    /// Read a calendar
    ///
    /// For calendar programs: the address is the proof. 404 once it was deleted, or its user was disabled.
    #[oai(path = "/v1/calendars/:token", method = "get", operation_id = "readCalendar", tag = "Tag::Plans")]
    async fn read(
        &self,
        state: Data<&State>,
        /// From `createCalendarFeed`; it may end in `.ics`.
        token: Path<String>,
    ) -> Result<Calendar, Fail<{ E400 | E404 }>> {
        Ok(Calendar(feed::read(&state, &token).await?))
    }
}
