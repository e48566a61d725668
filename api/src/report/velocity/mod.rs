//! `GET /v1/reports/velocity`: how long opportunities stay in a stage, which of them stay too long, how many come and go in
//! a week, and where they go. Every stay counts, also the second in a stage that an opportunity came back to.

mod look;
pub mod routes;

use entity::kind::{LostReason, StageKey};
use entity::scalar::{Date, Money};
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use rust_decimal::Decimal;
use serde::Deserialize;
use uuid::{Uuid, uuid};

use super::figures::{PERIOD, PICKED, Scope, both, figures};
use crate::auth::Actor;
use crate::problem::Error;
use crate::state::State;
pub use routes::VelocityApi;

const SQL: &str = include_str!("velocity.sql");

/// Days of the period where `from` is absent: twelve weeks.
pub const DAYS: i32 = 84;

/// Which picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum VelocityChart {
    /// Median and 90th percentile of the days in each stage.
    #[default]
    Days,
    /// How many more came to a stage than left it, week by week.
    Weeks,
    /// Where moves came from and went to.
    Moves,
}

/// How opportunities move.
#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, example)]
#[serde(rename_all = "camelCase")]
pub struct Velocity {
    pub from: Date,
    pub to: Date,
    /// The day at whose end it is told; absent: now.
    pub as_of: Option<Date>,
    /// IANA name of the tenant's time zone, in which days and weeks begin and end.
    pub time_zone: String,
    /// The three stages that an opportunity can stay in.
    pub stages: Vec<StageDays>,
    /// One a week, from Monday, and stage; the first and the last week count as far as they lie within the period.
    pub weeks: Vec<WeekFlow>,
    /// The moves of the period, the most frequent first.
    pub moves: Vec<MoveCount>,
    /// Those that stand beyond their stage's limit at the end of the period: up to 100, the worst first.
    pub stale: Vec<StaleOpportunity>,
    /// What the server had been told by the end of `asOf`, where it differs from what is known of that day now.
    pub known_then: Option<VelocityKnownThen>,
    #[oai(skip)]
    #[serde(skip)]
    pub chart: VelocityChart,
}

/// Another telling of the same days.
#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
pub struct VelocityKnownThen {
    pub stages: Vec<StageDays>,
    pub weeks: Vec<WeekFlow>,
    pub moves: Vec<MoveCount>,
    pub stale: Vec<StaleOpportunity>,
}

#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct StageDays {
    pub stage: StageKey,
    /// Stays that ended within the period, whichever way the opportunity went.
    pub ended: i64,
    /// Median of the days of these stays, 2 decimals.
    pub median_days: Option<f64>,
    pub p90_days: Option<f64>,
    /// Opportunities that stood here at the end of the period, or stand now if it has not ended.
    pub standing: i64,
    /// Median of the days that they had stood by then.
    pub median_standing_days: Option<f64>,
    /// Beyond how many days one is stale; absent where the tenant has set no limit.
    pub stale_days: Option<i32>,
    /// Those of `standing` beyond the limit.
    pub stale: i64,
}

#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
pub struct WeekFlow {
    /// Its Monday.
    pub week: Date,
    pub stage: StageKey,
    pub entered: i64,
    pub left: i64,
    /// `entered - left`
    pub net: i64,
}

#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
pub struct MoveCount {
    /// Absent for the first move, which brings an opportunity into being.
    pub from: Option<StageKey>,
    pub to: StageKey,
    /// For moves to `lost`.
    pub reason: Option<LostReason>,
    pub count: i64,
}

#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct StaleOpportunity {
    pub opportunity_id: Uuid,
    pub name: String,
    pub owner_id: Uuid,
    pub owner: String,
    pub stage: StageKey,
    /// How long it has stood there.
    pub days: f64,
    pub stale_days: i32,
    pub amount: Option<Money>,
    pub currency: Option<String>,
}

impl Example for Velocity {
    fn example() -> Self {
        let day = |text| Date::parse(text).unwrap_or_default();
        let stage = StageDays {
            stage: StageKey::PreSale,
            ended: 21,
            median_days: Some(12.5),
            p90_days: Some(40.0),
            standing: 9,
            median_standing_days: Some(15.0),
            stale_days: Some(30),
            stale: 2,
        };
        let stale = StaleOpportunity {
            opportunity_id: uuid!("0198c0de-0000-7000-8000-000000000002"),
            name: "Fibre for the harbour".into(),
            owner_id: uuid!("0198c0de-0000-7000-8000-000000000001"),
            owner: "Wang Fang".into(),
            stage: StageKey::PreSale,
            days: 47.0,
            stale_days: 30,
            amount: Some(Money(Decimal::from(120_000))),
            currency: Some("CNY".into()),
        };
        let lost = (StageKey::PreSale, StageKey::Lost, Some(LostReason::Price));
        Velocity {
            from: day("2026-01-05"),
            to: day("2026-03-29"),
            as_of: None,
            time_zone: "Asia/Shanghai".into(),
            stages: vec![stage],
            weeks: vec![WeekFlow { week: day("2026-01-05"), stage: StageKey::PreSale, entered: 5, left: 3, net: 2 }],
            moves: vec![MoveCount { from: Some(lost.0), to: lost.1, reason: lost.2, count: 4 }],
            stale: vec![stale],
            known_then: None,
            chart: VelocityChart::Days,
        }
    }
}

/// With a day in `as_of`, also what was known then.
///
/// # Errors
/// 422 if `from` lies after `to`, or `as_of` in the future.
pub async fn velocity(state: &State, actor: &Actor, scope: &Scope) -> Result<Velocity, Error> {
    let ask = |scope: Scope| async move { figures::<Velocity>(state, actor, &[PERIOD, PICKED, SQL], &scope, []).await };
    let (mut now, then) = both(&scope.of(actor), ask).await?;
    if let Some(Velocity { stages, weeks, moves, stale, .. }) = then
        && (&stages, &weeks, &moves, &stale) != (&now.stages, &now.weeks, &now.moves, &now.stale)
    {
        now.known_then = Some(VelocityKnownThen { stages, weeks, moves, stale });
    }
    Ok(now)
}
