//! The route of the velocity report.

use entity::kind::Locale;
use entity::scalar::Date;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Query;
use uuid::Uuid;

use super::{DAYS, Velocity, VelocityChart, velocity};
use crate::auth::Actor;
use crate::problem::{E400, E401, E403, E422, Fail};
use crate::report::chart::Theme;
use crate::report::figures::Scope;
use crate::report::told::Known;
use crate::report::{Answer, Asked, ReportFormat};
use crate::state::State;
use crate::tag::Tag;

pub struct VelocityApi;

#[OpenApi]
impl VelocityApi {
    /// Read the stage velocity
    ///
    /// Days per stage (median and 90th percentile), opportunities that stand beyond their stage's limit, how many came and
    /// left week by week, and all moves, backward ones and losses with their reasons among them. Counted are the
    /// opportunities that the caller sees, of a rep his own. With `asOf` it is told as of a past
    /// day, and where the server had not been told all of it by then, that is shown too.
    #[oai(path = "/v1/reports/velocity", method = "get", operation_id = "getVelocity", tag = "Tag::Reports")]
    #[expect(clippy::too_many_arguments, reason = "one an URL parameter")]
    async fn velocity(
        &self,
        state: Data<&State>,
        actor: Actor,
        asked: Asked,
        /// First day of the period, in the tenant's time zone; twelve weeks up to `to` if absent.
        from: Query<Option<Date>>,
        /// Last day of the period, which counts too; today if absent.
        to: Query<Option<Date>>,
        /// Only of owners who are in this team or in one below it, with `asOf` on that day.
        #[oai(name = "teamId")]
        team_id: Query<Option<Uuid>>,
        /// Only of this owner.
        #[oai(name = "userId")]
        user_id: Query<Option<Uuid>>,
        /// The day at whose end it is told; absent: now. The period ends then too if `to` is absent.
        #[oai(name = "asOf")]
        as_of: Query<Option<Date>>,
        /// With `asOf`: whether what was typed, synced or deleted later counts; `now` if absent.
        known: Query<Option<Known>>,
        /// Which picture, as SVG or PNG; `days` if absent.
        chart: Query<Option<VelocityChart>>,
        /// The form of the answer; by default what `Accept` asks for.
        format: Query<Option<ReportFormat>>,
        /// The language of a picture; by default what `Accept-Language` prefers.
        locale: Query<Option<Locale>>,
        /// Light if absent.
        theme: Query<Option<Theme>>,
    ) -> Result<Answer<Velocity>, Fail<{ E400 | E401 | E403 | E422 }>> {
        let scope = Scope {
            from: from.0,
            to: to.0,
            team_id: team_id.0,
            user_id: user_id.0,
            days: DAYS,
            as_of: as_of.0,
            known: known.0.unwrap_or_default(),
        };
        let report = Velocity { chart: chart.0.unwrap_or_default(), ..velocity(&state, &actor, &scope).await? };
        Ok(Answer::of(&state, &actor, asked.or(format.0, locale.0, theme.0), &report).await?)
    }
}
