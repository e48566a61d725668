//! `GET /v1/reports/activity`: what reps did, a rep and day, week or month each; plans, punctuality, and where the time went. Figures of a
//! person are for himself and for those who lead him.

mod look;
pub mod routes;

use entity::kind::AccountTier;
use entity::scalar::Date;
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use serde::Deserialize;
use uuid::{Uuid, uuid};

use super::figures::{PERIOD, Scope, both, figures};
use crate::auth::Actor;
use crate::problem::Error;
use crate::state::State;
use crate::work::days;
pub use routes::ActivityReportApi;

const SQL: &str = include_str!("activity.sql");

/// Periods of so many days and more are told by weeks unless asked otherwise, and of so many by months.
const WEEKS_FROM: i32 = 45;
const MONTHS_FROM: i32 = 190;

/// Days of the period where `from` is absent.
pub const DAYS: i32 = 28;

/// By what spans of time it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Deserialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Per {
    Day,
    /// From Monday.
    Week,
    Month,
}

impl Per {
    pub const ALL: [Per; 3] = [Per::Day, Per::Week, Per::Month];

    pub fn as_str(self) -> &'static str {
        match self {
            Per::Day => "day",
            Per::Week => "week",
            Per::Month => "month",
        }
    }
}

/// Which picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum ActivityChart {
    /// Visits a day, week or month, verified and others.
    #[default]
    Days,
    /// Visits a rep, and what became of plans.
    Reps,
    /// Share of time by tier, beside the policy.
    Time,
}

/// Work within a period.
#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
#[oai(rename = "ActivityReport", rename_all = "camelCase", skip_serializing_if_is_none, example)]
#[serde(rename_all = "camelCase")]
pub struct Activity {
    pub from: Date,
    pub to: Date,
    /// The day at whose end it is told; absent: now.
    pub as_of: Option<Date>,
    /// IANA name of the tenant's time zone, in which days begin and end.
    pub time_zone: String,
    pub total: ActivityFigures,
    /// Those who did or planned something, by name.
    pub reps: Vec<RepActivity>,
    /// By what spans of time it is told.
    pub per: Per,
    /// One a rep and span of time in which something was done.
    pub spans: Vec<SpanActivity>,
    /// The minutes of activities that tell how long they took, by the tier of their accounts.
    pub time: Vec<TierTime>,
    /// Activities that do not tell how long they took.
    pub untimed: i64,
    /// What the server had been told by the end of `asOf`, where it differs from what is known of that day now.
    pub known_then: Option<ActivityKnownThen>,
    #[oai(skip)]
    #[serde(skip)]
    pub chart: ActivityChart,
}

/// Another telling of the same days.
#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
pub struct ActivityKnownThen {
    pub total: ActivityFigures,
    pub reps: Vec<RepActivity>,
    pub spans: Vec<SpanActivity>,
    pub time: Vec<TierTime>,
}

/// Work of one or of all.
#[derive(Clone, Debug, Default, PartialEq, Object, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct ActivityFigures {
    pub activities: i64,
    pub visits: i64,
    /// Visits whose check-in proves the place.
    pub verified: i64,
    /// Visits whose check-in was elsewhere.
    pub outside: i64,
    /// `verified / visits`, 4 decimals; absent without visits.
    pub verified_share: Option<f64>,
    pub minutes: i64,
    /// Share of activities that were typed within 24 hours, 4 decimals.
    pub within_day_share: Option<f64>,
    /// Median of the hours from when it took place to when it was typed: delays are counted by steps (of 5 minutes at first, an
    /// hour at three, a day at two), and the middle one is told by its place in its step. 30 days or more count as 720 hours.
    pub median_delay_hours: Option<f64>,
    /// Visits that were planned for a day of the period.
    pub planned: i64,
    /// Of these, made.
    pub done: i64,
    /// Of these, not made in time.
    pub missed: i64,
    /// Of these, cancelled. The rest is still to be done.
    pub cancelled: i64,
}

#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct RepActivity {
    pub user_id: Uuid,
    pub name: String,
    pub team: String,
    pub figures: ActivityFigures,
}

#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct SpanActivity {
    /// Its first day within the period.
    pub from: Date,
    pub user_id: Uuid,
    pub name: String,
    pub activities: i64,
    pub visits: i64,
    pub verified: i64,
    pub minutes: i64,
}

#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct TierTime {
    /// Absent for accounts without a tier.
    pub tier: Option<AccountTier>,
    pub minutes: i64,
    /// Of all minutes, 4 decimals; absent where there are none.
    pub share: Option<f64>,
    /// What the tenant's policy wants (`timePolicy`): 0.6 for key customers, 0.3 for ordinary and 0.1 for potential ones unless it is set.
    pub policy_share: Option<f64>,
}

impl Example for Activity {
    fn example() -> Self {
        let day = |text| Date::parse(text).unwrap_or_default();
        let figures = ActivityFigures {
            activities: 12,
            visits: 8,
            verified: 6,
            outside: 1,
            verified_share: Some(0.75),
            minutes: 480,
            within_day_share: Some(0.9167),
            median_delay_hours: Some(2.5),
            planned: 9,
            done: 7,
            missed: 1,
            cancelled: 1,
        };
        let user_id = uuid!("0198c0de-0000-7000-8000-000000000001");
        let rep = RepActivity { user_id, name: "Wang Fang".into(), team: "East".into(), figures: figures.clone() };
        let one = SpanActivity {
            from: day("2026-03-02"),
            user_id,
            name: "Wang Fang".into(),
            activities: 3,
            visits: 2,
            verified: 2,
            minutes: 120,
        };
        let time = TierTime { tier: Some(AccountTier::Key), minutes: 300, share: Some(0.625), policy_share: Some(0.6) };
        Activity {
            from: day("2026-03-02"),
            to: day("2026-03-29"),
            as_of: None,
            time_zone: "Asia/Shanghai".into(),
            total: figures,
            reps: vec![rep],
            per: Per::Day,
            spans: vec![one],
            time: vec![time],
            untimed: 2,
            known_then: None,
            chart: ActivityChart::Days,
        }
    }
}

/// With a day in `as_of`, also what was known then. `per`: by the length of the period if absent.
///
/// # Errors
/// 422 if `from` lies after `to`, or `as_of` in the future.
pub async fn activity(state: &State, actor: &Actor, scope: &Scope, per: Option<Per>) -> Result<Activity, Error> {
    let (begin, end) = days::steps();
    let sql = SQL
        .replace("{steps_begin}", &begin)
        .replace("{steps_end}", &end)
        .replace("{days_shown}", &(WEEKS_FROM - 1).to_string())
        .replace("{weeks_shown}", &(MONTHS_FROM - 1).to_string())
        .replace("{sums}", &days::sums())
        .replace("{columns}", &days::columns("m"));
    let ask = |scope: Scope| {
        let sql = sql.as_str();
        async move { figures::<Activity>(state, actor, &[PERIOD, sql], &scope, [per.map(Per::as_str).into()]).await }
    };
    let (mut now, then) = both(scope, ask).await?;
    if let Some(Activity { total, reps, spans, time, .. }) = then
        && (&total, &reps, &spans, &time) != (&now.total, &now.reps, &now.spans, &now.time)
    {
        now.known_then = Some(ActivityKnownThen { total, reps, spans, time });
    }
    Ok(now)
}
