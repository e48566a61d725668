//! The route of a rep's route.

use entity::kind::Locale;
use entity::scalar::Date;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Query;
use uuid::Uuid;

use super::{Route, route};
use crate::auth::Actor;
use crate::problem::{E400, E401, E403, E404, Fail};
use crate::report::chart::Theme;
use crate::report::{Answer, Asked, ReportFormat};
use crate::state::State;
use crate::tag::Tag;

pub struct RouteApi;

#[OpenApi]
impl RouteApi {
    /// Read the route of a day
    ///
    /// The visits of one user in the order in which they took place, where they were, and how far it is from one to the
    /// next. A rep gets his own, a manager those of the users below him.
    #[oai(path = "/v1/reports/route", method = "get", operation_id = "getDayRoute", tag = "Tag::Reports")]
    #[expect(clippy::too_many_arguments, reason = "one an URL parameter")]
    async fn route(
        &self,
        state: Data<&State>,
        actor: Actor,
        asked: Asked,
        /// Whose; the caller's own if absent.
        #[oai(name = "userId")]
        user_id: Query<Option<Uuid>>,
        /// In the tenant's time zone; today if absent.
        day: Query<Option<Date>>,
        /// The form of the answer; by default what `Accept` asks for.
        format: Query<Option<ReportFormat>>,
        /// The language of a picture; by default what `Accept-Language` prefers.
        locale: Query<Option<Locale>>,
        /// Light if absent.
        theme: Query<Option<Theme>>,
    ) -> Result<Answer<Route>, Fail<{ E400 | E401 | E403 | E404 }>> {
        let report = route(&state, &actor, user_id.0.unwrap_or(actor.user_id), day.0).await?;
        Ok(Answer::of(&state, &actor, asked.or(format.0, locale.0, theme.0), &report).await?)
    }
}
