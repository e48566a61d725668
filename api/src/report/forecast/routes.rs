//! The routes of the forecast.

use entity::kind::Locale;
use entity::scalar::Date;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Query;
use uuid::Uuid;

use super::{Calibration, DAYS, Forecast, ForecastAccuracy, MONTHS, accuracy, calibration, forecast};
use crate::auth::Actor;
use crate::problem::{E400, E401, E403, E422, Fail};
use crate::report::chart::Theme;
use crate::report::figures::Scope;
use crate::report::told::Known;
use crate::report::{Answer, Asked, ReportFormat};
use crate::state::State;
use crate::tag::Tag;

pub struct ForecastApi;

#[OpenApi]
impl ForecastApi {
    /// Read the forecast
    ///
    /// What is expected to be signed, month by month and currency by currency: commit, best case, pipeline, and all of it
    /// weighted by the chances of its stages, those that the tenant gives and those that history measured. With `asOf` as of
    /// a past day; `knownThen` then shows what the server had not been told by that day. Counted is what the caller sees,
    /// of a rep his own.
    #[oai(path = "/v1/reports/forecast", method = "get", operation_id = "getForecast", tag = "Tag::Reports")]
    #[expect(clippy::too_many_arguments, reason = "one an URL parameter")]
    async fn forecast(
        &self,
        state: Data<&State>,
        actor: Actor,
        asked: Asked,
        /// The day at whose end it is told, in the tenant's time zone; absent: now.
        #[oai(name = "asOf")]
        as_of: Query<Option<Date>>,
        /// With `asOf`: whether what was typed, synced or deleted later counts; `now` if absent.
        known: Query<Option<Known>>,
        /// Only of owners who are in this team or in one below it, with `asOf` on that day.
        #[oai(name = "teamId")]
        team_id: Query<Option<Uuid>>,
        /// Only of this owner.
        #[oai(name = "userId")]
        user_id: Query<Option<Uuid>>,
        /// The form of the answer; by default what `Accept` asks for.
        format: Query<Option<ReportFormat>>,
        /// The language of a picture; by default what `Accept-Language` prefers.
        locale: Query<Option<Locale>>,
        /// Light if absent.
        theme: Query<Option<Theme>>,
    ) -> Result<Answer<Forecast>, Fail<{ E400 | E401 | E403 | E422 }>> {
        let known = known.0.unwrap_or_default();
        let scope = Scope { team_id: team_id.0, user_id: user_id.0, as_of: as_of.0, known, ..Scope::default() };
        let report = forecast(&state, &actor, &scope).await?;
        Ok(Answer::of(&state, &actor, asked.or(format.0, locale.0, theme.0), &report).await?)
    }

    /// Read how accurate past forecasts were
    ///
    /// For each past month: what the open opportunities expected in it were worth when it began, each times its stage's
    /// chance, as was known then; and what was signed within it. With `asOf` as of a past day, of the months that had ended
    /// with it; `knownThen` then shows what the server had not been told of by that day. Counted is what the caller sees, of a
    /// rep his own.
    #[oai(
        path = "/v1/reports/forecast/accuracy",
        method = "get",
        operation_id = "getForecastAccuracy",
        tag = "Tag::Reports"
    )]
    #[expect(clippy::too_many_arguments, reason = "one an URL parameter")]
    async fn accuracy(
        &self,
        state: Data<&State>,
        actor: Actor,
        asked: Asked,
        /// How many months that have ended, by `asOf` if given; 6 if absent.
        #[oai(validator(minimum(value = "1"), maximum(value = "24")))]
        months: Query<Option<i32>>,
        /// The day at whose end it is told, in the tenant's time zone; absent: now.
        #[oai(name = "asOf")]
        as_of: Query<Option<Date>>,
        /// With `asOf`: whether what was typed, synced or deleted later counts; `now` if absent.
        known: Query<Option<Known>>,
        /// Only of owners who are in this team or in one below it, with `asOf` on that day.
        #[oai(name = "teamId")]
        team_id: Query<Option<Uuid>>,
        /// Only of this owner.
        #[oai(name = "userId")]
        user_id: Query<Option<Uuid>>,
        /// The form of the answer; by default what `Accept` asks for.
        format: Query<Option<ReportFormat>>,
        /// The language of a picture; by default what `Accept-Language` prefers.
        locale: Query<Option<Locale>>,
        /// Light if absent.
        theme: Query<Option<Theme>>,
    ) -> Result<Answer<ForecastAccuracy>, Fail<{ E400 | E401 | E403 | E422 }>> {
        let known = known.0.unwrap_or_default();
        let scope = Scope { team_id: team_id.0, user_id: user_id.0, as_of: as_of.0, known, ..Scope::default() };
        let report = accuracy(&state, &actor, &scope, months.0.unwrap_or(MONTHS)).await?;
        Ok(Answer::of(&state, &actor, asked.or(format.0, locale.0, theme.0), &report).await?)
    }

    /// Read the calibration of reps
    ///
    /// How likely a signature was when a rep put an opportunity into a stage, by the chance of the stage, and how it ended:
    /// Brier's score and bias. A rep gets his own, a manager those of the users below him, an API key none (403). With `asOf` as of a past day.
    #[oai(
        path = "/v1/reports/forecast/calibration",
        method = "get",
        operation_id = "getForecastCalibration",
        tag = "Tag::Reports"
    )]
    #[expect(clippy::too_many_arguments, reason = "one an URL parameter")]
    async fn calibration(
        &self,
        state: Data<&State>,
        actor: Actor,
        asked: Asked,
        /// First day of the period in which opportunities were decided; a year up to `to` if absent.
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
        /// The form of the answer; by default what `Accept` asks for.
        format: Query<Option<ReportFormat>>,
        /// The language of a picture; by default what `Accept-Language` prefers.
        locale: Query<Option<Locale>>,
        /// Light if absent.
        theme: Query<Option<Theme>>,
    ) -> Result<Answer<Calibration>, Fail<{ E400 | E401 | E403 | E422 }>> {
        let scope = Scope {
            from: from.0,
            to: to.0,
            team_id: team_id.0,
            user_id: user_id.0,
            days: DAYS,
            as_of: as_of.0,
            known: known.0.unwrap_or_default(),
        };
        let report = calibration(&state, &actor, &scope).await?;
        Ok(Answer::of(&state, &actor, asked.or(format.0, locale.0, theme.0), &report).await?)
    }
}
