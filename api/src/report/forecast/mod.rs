//! `GET /v1/reports/forecast`, how accurate past forecasts were, and how well each rep places his opportunities.

mod look;
pub mod routes;
mod wire;

use entity::kind::Role;

pub use self::routes::ForecastApi;
pub use self::wire::*;
use super::figures::{PERIOD, PICKED, Scope, both, figures};
use super::lost::WinRate;
use crate::auth::Actor;
use crate::problem::{Error, Refusal};
use crate::state::State;

const OPEN: &str = include_str!("open.sql");
const FORECAST: &str = include_str!("forecast.sql");
const ACCURACY: &str = include_str!("accuracy.sql");
const CALIBRATION: &str = include_str!("calibration.sql");

/// Months that are looked back on unless asked otherwise.
pub const MONTHS: i32 = 6;
/// Days of the period of a calibration where `from` is absent: a year.
pub const DAYS: i32 = 365;

/// With a day in `as_of`, also what was known then.
///
/// # Errors
/// 422 if `as_of` lies in the future.
pub async fn forecast(state: &State, actor: &Actor, scope: &Scope) -> Result<Forecast, Error> {
    let ask = |scope: Scope| async move {
        let mut forecast: Forecast = figures(state, actor, &[PERIOD, PICKED, OPEN, FORECAST], &scope, []).await?;
        for stage in &mut forecast.stages {
            stage.measured = Some(WinRate::of(stage.signed, stage.decided - stage.signed));
        }
        Ok::<_, Error>(forecast)
    };
    let (mut now, then) = both(&scope.of(actor), ask).await?;
    if let Some(then) = then {
        now.known_then = Some(then.rows).filter(|then| *then != now.rows);
        now.stages_known_then = Some(then.stages).filter(|then| *then != now.stages);
    }
    Ok(now)
}

/// With a day in `as_of`, of the months that had ended with it, and also what was known then.
///
/// # Errors
/// 422 if `as_of` lies in the future.
pub async fn accuracy(state: &State, actor: &Actor, scope: &Scope, months: i32) -> Result<ForecastAccuracy, Error> {
    let believed_in = PICKED
        .replace("picked AS", "believed_in AS")
        .replace("{opportunity}", "{ever_opportunity}")
        .replace("{picked}", "{once:opportunity}");
    let parts = [PERIOD, PICKED, &believed_in, ACCURACY];
    let ask = |scope: Scope| {
        let parts = &parts;
        async move { figures::<ForecastAccuracy>(state, actor, parts, &scope, [months.into()]).await }
    };
    let (mut now, then) = both(&scope.of(actor), ask).await?;
    now.known_then = then
        .map(|then| AccuracyThen { months: then.months, currencies: then.currencies })
        .filter(|then| then.months != now.months);
    Ok(now)
}

/// Of the actor, and of those whom he leads.
///
/// # Errors
/// 403 for integrations: it is between a rep and those who lead him. 422 if `from` lies after `to`, or `as_of` in the future.
pub async fn calibration(state: &State, actor: &Actor, scope: &Scope) -> Result<Calibration, Error> {
    if actor.role == Role::Integration {
        return Err(
            Refusal::forbidden("Calibration is between a rep and those who lead him: no API key reads it.").into()
        );
    }
    let ask =
        |scope: Scope| async move { figures::<Calibration>(state, actor, &[PERIOD, CALIBRATION], &scope, []).await };
    let (mut now, then) = both(scope, ask).await?;
    now.known_then = then.map(|then| then.reps).filter(|then| *then != now.reps);
    Ok(now)
}
