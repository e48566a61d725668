//! `GET /v1/reports/quota`: how far goals are reached. Signed opportunities count on the day of their newest move, for who
//! owns them now; a team's goal is reached by everybody who is in it or below it now.

mod look;
pub mod routes;

use entity::scalar::{Date, Money};
use poem_openapi::Object;
use poem_openapi::types::Example;
use rust_decimal::Decimal;
use serde::Deserialize;
use uuid::{Uuid, uuid};

use super::figures::{PERIOD, Scope, figures};
use crate::auth::Actor;
use crate::goal::{self, GoalMeasure};
use crate::problem::Error;
use crate::state::State;
pub use routes::QuotaApi;

const SQL: &str = include_str!("quota.sql");

/// The goals that run within a period.
#[derive(Clone, Debug, PartialEq, Object, Deserialize)]
#[oai(rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase")]
pub struct Quota {
    pub from: Date,
    pub to: Date,
    /// IANA name of the tenant's time zone, in which days begin and end.
    pub time_zone: String,
    /// Those of teams first, by name.
    pub goals: Vec<Attainment>,
}

/// A goal and what was reached of it, in all of its days up to now.
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
            attainment: 0.75,
            elapsed: 0.8333,
        };
        Quota { from: day("2026-03-16"), to: day("2026-03-16"), time_zone: "Asia/Shanghai".into(), goals: vec![goal] }
    }
}

/// # Errors
/// 422 if `from` lies after `to`.
pub async fn quota(state: &State, actor: &Actor, scope: &Scope) -> Result<Quota, Error> {
    let seen = if actor.sees_all() { "true" } else { goal::SEEN };
    figures(state, actor, &[PERIOD, &SQL.replace("{seen}", seen)], scope, []).await
}
