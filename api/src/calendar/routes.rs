//! `/v1/calendar`.

use entity::calendar;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Header;
use poem_openapi::payload::Json;

use super::update::{SetCalendar, update};
use crate::auth::Actor;
use crate::problem::{E400, E403, E412, E422, Fail};
use crate::rest::{self, Found};
use crate::state::State;
use crate::tag::Tag;
use crate::write::{if_match, whole};

pub struct CalendarApi;

#[OpenApi]
impl CalendarApi {
    /// Get the tenant's calendar
    #[oai(path = "/v1/calendar", method = "get", operation_id = "getCalendar", tag = "Tag::Tenant")]
    async fn get(&self, actor: Actor, state: Data<&State>) -> Result<Found<calendar::Model>, Fail<{ E403 }>> {
        Ok(rest::get(&state, &actor, actor.tenant_id).await?)
    }

    /// Set the tenant's calendar
    ///
    /// Admins only. The body takes the place of the calendar before. What was booked stays as it was booked.
    #[oai(path = "/v1/calendar", method = "put", operation_id = "setCalendar", tag = "Tag::Tenant")]
    async fn set(
        &self,
        actor: Actor,
        state: Data<&State>,
        body: Json<SetCalendar>,
        #[oai(name = "If-Match")] etag: Header<Option<String>>,
    ) -> Result<Found<calendar::Model>, Fail<{ E400 | E403 | E412 | E422 }>> {
        let (set, expected, inner) = (body.0, if_match(etag.0.as_deref())?, state.clone());
        let updated = whole(&state, &actor, move |work| {
            let (set, inner) = (set.clone(), inner.clone());
            Box::pin(async move { update(work, &inner, &set, expected).await })
        });
        Ok(Found::of(updated.await?))
    }
}
