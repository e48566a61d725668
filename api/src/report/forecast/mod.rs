//! `GET /v1/reports/forecast`, how accurate past forecasts were, and how well each rep places his opportunities.

mod look;
pub mod routes;
mod wire;

pub use self::routes::ForecastApi;
pub use self::wire::*;
use super::figures::{PERIOD, PICKED, Scope, both, figures};
use super::lost::WinRate;
use crate::auth::Actor;
use crate::problem::Error;
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
    let (mut now, then) = both(scope, ask).await?;
    now.known_then = then.map(|then| then.rows).filter(|then| *then != now.rows);
    Ok(now)
}

/// # Errors
/// What the database refuses.
pub async fn accuracy(state: &State, actor: &Actor, scope: &Scope, months: i32) -> Result<ForecastAccuracy, Error> {
    let picked = PICKED.replace("{picked}", "{once:opportunity}");
    figures(state, actor, &[PERIOD, &picked, ACCURACY], scope, [months.into()]).await
}

/// Of the actor, and of those whom he leads.
///
/// # Errors
/// 422 if `from` lies after `to`, or `as_of` in the future.
pub async fn calibration(state: &State, actor: &Actor, scope: &Scope) -> Result<Calibration, Error> {
    let ask =
        |scope: Scope| async move { figures::<Calibration>(state, actor, &[PERIOD, CALIBRATION], &scope, []).await };
    let (mut now, then) = both(scope, ask).await?;
    now.known_then = then.map(|then| then.reps).filter(|then| *then != now.reps);
    Ok(now)
}
