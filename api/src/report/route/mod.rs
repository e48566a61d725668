//! `GET /v1/reports/route`: the visits of one rep and day in the order in which they took place, with where they were. For
//! himself and for those who lead him, like all figures of a person.

pub mod look;
pub mod routes;

use chrono_tz::Tz;
use entity::kind::Verdict;
use entity::scalar::{Date, Timestamp};
use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::Deserialize;
use uuid::{Uuid, uuid};

use super::figures::{PERIOD, Scope, figures};
use super::rounded;
use crate::auth::Actor;
use crate::problem::{Error, Refusal};
use crate::state::State;
pub use routes::RouteApi;

const SQL: &str = include_str!("route.sql");

/// The mean radius of the earth in kilometres (IUGG).
const EARTH: f64 = 6_371.008_8;

/// A rep's way through a day.
#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
#[oai(rename = "DayRoute", rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase")]
pub struct Route {
    pub day: Date,
    /// IANA name of the tenant's time zone, in which the day begins and ends.
    pub time_zone: String,
    pub user_id: Uuid,
    pub name: String,
    /// The day's visits, in the order of time.
    pub stops: Vec<Stop>,
    /// Kilometres between those whose place is known, as the crow flies.
    #[serde(default)]
    pub kilometres: f64,
}

#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct Stop {
    pub activity_id: Uuid,
    pub account_id: Uuid,
    pub account: String,
    pub occurred: Timestamp,
    pub minutes: Option<i32>,
    pub verdict: Option<Verdict>,
    /// Whether the place is that of the check-in; else it is that of the account.
    pub is_checked_in: bool,
    /// Degrees north, WGS 84; absent where neither place is known.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
    /// From the last stop whose place is known.
    pub kilometres: Option<f64>,
}

impl Example for Route {
    fn example() -> Self {
        let stop = Stop {
            activity_id: uuid!("0198c0de-0000-7000-8000-000000000005"),
            account_id: uuid!("0198c0de-0000-7000-8000-000000000003"),
            account: "霍普光通信".into(),
            occurred: Timestamp::parse("2026-03-02T02:00:00Z").unwrap_or_default(),
            minutes: Some(45),
            verdict: Some(Verdict::Verified),
            is_checked_in: true,
            latitude: Some(31.2304),
            longitude: Some(121.4737),
            kilometres: None,
        };
        Route {
            day: Date::parse("2026-03-02").unwrap_or_default(),
            time_zone: "Asia/Shanghai".into(),
            user_id: uuid!("0198c0de-0000-7000-8000-000000000001"),
            name: "Wang Fang".into(),
            stops: vec![stop],
            kilometres: 0.0,
        }
    }
}

/// # Errors
/// 404 for a user that is not there or whose figures the actor may not see.
pub async fn route(state: &State, actor: &Actor, user_id: Uuid, day: Option<Date>) -> Result<Route, Error> {
    let scope = Scope { from: day, to: day, user_id: Some(user_id), days: 1, ..Scope::default() };
    let found: serde_json::Value = figures(state, actor, &[PERIOD, SQL], &scope, []).await?;
    if found["userId"].is_null() {
        return Err(Refusal::not_found("user").into());
    }
    let mut route: Route =
        serde_json::from_value(found).map_err(|error| Error::Internal(format!("a route cannot be read: {error}")))?;
    let mut last = None;
    for stop in &mut route.stops {
        let Some(place) = stop.latitude.zip(stop.longitude) else { continue };
        stop.kilometres = last.replace(place).map(|last| rounded(distance(last, place), 2));
    }
    // Of nothing, the sum is -0.
    route.kilometres = rounded(route.stops.iter().filter_map(|stop| stop.kilometres).sum::<f64>() + 0.0, 2);
    Ok(route)
}

impl Route {
    /// When it took place, by the tenant's clock.
    pub fn clock(&self, stop: &Stop) -> String {
        let zone = self.time_zone.parse().unwrap_or(Tz::UTC);
        stop.occurred.0.with_timezone(&zone).format("%H:%M").to_string()
    }
}

/// On a sphere, by the haversine formula; both places in degrees north and east.
fn distance((north, east): (f64, f64), (other_north, other_east): (f64, f64)) -> f64 {
    let half = |from: f64, to: f64| ((to - from).to_radians() / 2.0).sin().powi(2);
    let a =
        half(north, other_north) + north.to_radians().cos() * other_north.to_radians().cos() * half(east, other_east);
    2.0 * EARTH * a.sqrt().asin()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_shanghai_to_beijing() {
        let kilometres = distance((31.2304, 121.4737), (39.9042, 116.4074));
        assert!((kilometres - 1067.0).abs() < 2.0, "{kilometres}");
    }
}
