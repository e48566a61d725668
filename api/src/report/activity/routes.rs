//! The route of the activity report.

use entity::kind::Locale;
use entity::scalar::Date;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Query;
use uuid::Uuid;

use super::{Activity, ActivityChart, DAYS, Per, activity};
use crate::auth::Actor;
use crate::problem::{E400, E401, E403, E422, Fail};
use crate::report::chart::Theme;
use crate::report::figures::Scope;
use crate::report::told::Known;
use crate::report::{Answer, Asked, ReportFormat};
use crate::state::State;
use crate::tag::Tag;

pub struct ActivityReportApi;

#[OpenApi]
impl ActivityReportApi {
    /// Read the activity report
    ///
    /// Visits a rep and day, week or month, how many of them are verified, plans made and missed, how soon things were typed, and how the
    /// time was shared among key, ordinary and potential customers. A rep gets his own figures, a manager those of the
    /// users below him. With `asOf` it is told as of a past
    /// day, and where the server had not been told all of it by then, that is shown too.
    #[oai(path = "/v1/reports/activity", method = "get", operation_id = "getActivityReport", tag = "Tag::Reports")]
    #[expect(clippy::too_many_arguments, reason = "one an URL parameter")]
    async fn activity(
        &self,
        state: Data<&State>,
        actor: Actor,
        asked: Asked,
        /// First day of the period, in the tenant's time zone; 28 days up to `to` if absent.
        from: Query<Option<Date>>,
        /// Last day of the period, which counts too; today if absent.
        to: Query<Option<Date>>,
        /// Only of users who are in this team or in one below it, with `asOf` on that day.
        #[oai(name = "teamId")]
        team_id: Query<Option<Uuid>>,
        /// Only of this user.
        #[oai(name = "userId")]
        user_id: Query<Option<Uuid>>,
        /// The day at whose end it is told; absent: now. The period ends then too if `to` is absent.
        #[oai(name = "asOf")]
        as_of: Query<Option<Date>>,
        /// With `asOf`: whether what was typed, synced or deleted later counts; `now` if absent.
        known: Query<Option<Known>>,
        /// By what spans of time it is told, and drawn. If absent, by days up to 44 of them, by weeks up to 189 days, else by
        /// months.
        per: Query<Option<Per>>,
        /// Which picture, as SVG or PNG; `days` if absent.
        chart: Query<Option<ActivityChart>>,
        /// The form of the answer; by default what `Accept` asks for.
        format: Query<Option<ReportFormat>>,
        /// The language of a picture; by default what `Accept-Language` prefers.
        locale: Query<Option<Locale>>,
        /// Light if absent.
        theme: Query<Option<Theme>>,
    ) -> Result<Answer<Activity>, Fail<{ E400 | E401 | E403 | E422 }>> {
        let scope = Scope {
            from: from.0,
            to: to.0,
            team_id: team_id.0,
            user_id: user_id.0,
            days: DAYS,
            as_of: as_of.0,
            known: known.0.unwrap_or_default(),
        };
        let report = Activity { chart: chart.0.unwrap_or_default(), ..activity(&state, &actor, &scope, per.0).await? };
        Ok(Answer::of(&state, &actor, asked.or(format.0, locale.0, theme.0), &report).await?)
    }
}
