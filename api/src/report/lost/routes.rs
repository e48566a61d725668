//! The route of losses and win rates.

use entity::kind::Locale;
use entity::scalar::Date;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Query;
use uuid::Uuid;

use super::{DAYS, Lost, LostChart, lost};
use crate::auth::Actor;
use crate::problem::{E400, E401, E403, E422, Fail};
use crate::report::chart::Theme;
use crate::report::figures::Scope;
use crate::report::told::Known;
use crate::report::{Answer, Asked, ReportFormat, SplitBy};
use crate::state::State;
use crate::tag::Tag;

pub struct LostApi;

#[OpenApi]
impl LostApi {
    /// Read why opportunities are lost
    ///
    /// Losses by reason, and win rates with Wilson's interval at 95 per cent; small numbers are marked. Decided is what was
    /// signed or lost within the period and has not moved since. With `asOf` it is told as of a past day; `knownThen` then
    /// shows what the server had not been told by that day. Counted is what the caller sees, of a rep his own.
    #[oai(path = "/v1/reports/lost", method = "get", operation_id = "getLostReport", tag = "Tag::Reports")]
    #[expect(clippy::too_many_arguments, reason = "one an URL parameter")]
    async fn lost(
        &self,
        state: Data<&State>,
        actor: Actor,
        asked: Asked,
        /// First day of the period, in the tenant's time zone; a year up to `to` if absent.
        from: Query<Option<Date>>,
        /// Last day of the period, which counts too; today if absent.
        to: Query<Option<Date>>,
        /// Only of owners who are in this team or in one below it, with `asOf` on that day.
        #[oai(name = "teamId")]
        team_id: Query<Option<Uuid>>,
        /// Only of this owner.
        #[oai(name = "userId")]
        user_id: Query<Option<Uuid>>,
        /// Gives the win rate of each group too; `none` if absent. `month` is that of the decision.
        #[oai(name = "splitBy")]
        split_by: Query<Option<SplitBy>>,
        /// The day at whose end it is told; absent: now. The period ends then too if `to` is absent.
        #[oai(name = "asOf")]
        as_of: Query<Option<Date>>,
        /// With `asOf`: whether what was typed, synced or deleted later counts; `now` if absent.
        known: Query<Option<Known>>,
        /// Which picture, as SVG or PNG; `reasons` if absent.
        chart: Query<Option<LostChart>>,
        /// The form of the answer; by default what `Accept` asks for.
        format: Query<Option<ReportFormat>>,
        /// The language of a picture; by default what `Accept-Language` prefers.
        locale: Query<Option<Locale>>,
        /// Light if absent.
        theme: Query<Option<Theme>>,
    ) -> Result<Answer<Lost>, Fail<{ E400 | E401 | E403 | E422 }>> {
        let scope = Scope {
            from: from.0,
            to: to.0,
            team_id: team_id.0,
            user_id: user_id.0,
            days: DAYS,
            as_of: as_of.0,
            known: known.0.unwrap_or_default(),
        };
        let by = split_by.0.unwrap_or_default();
        let report = Lost { chart: chart.0.unwrap_or_default(), ..lost(&state, &actor, &scope, by).await? };
        Ok(Answer::of(&state, &actor, asked.or(format.0, locale.0, theme.0), &report).await?)
    }
}
