//! `GET /v1/reports/quota`: how far goals are reached. Signed opportunities count on the day of their newest move, for who
//! owns them now, or did on the past day that it is told of; a team's goal is reached by everybody who is in it or below it.

mod look;
pub mod routes;

use std::collections::BTreeMap;

use entity::scalar::{Date, Money};
use poem_openapi::Object;
use poem_openapi::types::Example;
use rust_decimal::Decimal;
use serde::Deserialize;
use uuid::{Uuid, uuid};

use super::figures::{PERIOD, Scope, both, figures};
use crate::auth::Actor;
use crate::goal::{self, GoalMeasure};
use crate::problem::Error;
use crate::state::State;
pub use routes::QuotaApi;

const SQL: &str = include_str!("quota.sql");

/// The goals that run within a period.
#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, example)]
#[serde(rename_all = "camelCase")]
pub struct Quota {
    pub from: Date,
    pub to: Date,
    /// The day at whose end it is told; absent: now.
    pub as_of: Option<Date>,
    /// IANA name of the tenant's time zone, in which days begin and end.
    pub time_zone: String,
    /// Those of teams first, by name.
    pub goals: Vec<Attainment>,
}

/// A goal and what was reached of it, in all of its days up to now or to the end of a past day.
#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct Attainment {
    pub goal_id: Uuid,
    pub user_id: Option<Uuid>,
    pub team_id: Option<Uuid>,
    /// Of the user or team.
    pub name: String,
    pub measure: GoalMeasure,
    pub target: Money,
    /// Of an amount.
    pub currency: Option<String>,
    pub from: Date,
    pub to: Date,
    pub actual: Money,
    /// What the server had been told of by the end of `asOf`, where it differs from what is known of that day now.
    pub actual_known_then: Option<Money>,
    /// `actual / target`, 4 decimals.
    pub attainment: f64,
    /// Share of the goal's days that have begun, 4 decimals.
    pub elapsed: f64,
}

impl Example for Quota {
    fn example() -> Self {
        let day = |text| Date::parse(text).unwrap_or_default();
        let goal = Attainment {
            goal_id: uuid!("0198c0de-0000-7000-8000-000000000004"),
            user_id: Some(uuid!("0198c0de-0000-7000-8000-000000000001")),
            team_id: None,
            name: "Wang Fang".into(),
            measure: GoalMeasure::Visits,
            target: Money(Decimal::from(60)),
            currency: None,
            from: day("2026-01-01"),
            to: day("2026-03-31"),
            actual: Money(Decimal::from(45)),
            actual_known_then: None,
            attainment: 0.75,
            elapsed: 0.8333,
        };
        Quota {
            from: day("2026-03-16"),
            to: day("2026-03-16"),
            as_of: None,
            time_zone: "Asia/Shanghai".into(),
            goals: vec![goal],
        }
    }
}

/// With a day in `as_of`, also what was known then. The goals themselves are those of now.
///
/// # Errors
/// 422 if `from` lies after `to`, or `as_of` in the future.
pub async fn quota(state: &State, actor: &Actor, scope: &Scope) -> Result<Quota, Error> {
    let seen = if actor.sees_all() { "true" } else { goal::SEEN };
    // The stage that it is in now spares a look at the moves of all others.
    let signed_now = if scope.as_of.is_none() { "AND o.stage = 'signed'" } else { "" };
    let sql = &SQL.replace("{seen}", seen).replace("{signed_now}", signed_now);
    let ask = |scope: Scope| async move { figures::<Quota>(state, actor, &[PERIOD, sql], &scope, []).await };
    let (mut now, then) = both(scope, ask).await?;
    let then = then.into_iter().flat_map(|then| then.goals);
    let then: BTreeMap<Uuid, Money> = then.map(|goal| (goal.goal_id, goal.actual)).collect();
    for goal in &mut now.goals {
        goal.actual_known_then = then.get(&goal.goal_id).copied().filter(|then| *then != goal.actual);
    }
    Ok(now)
}
