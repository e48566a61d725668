//! What goes over the wire, and the result as it is stored.

use entity::scalar::{Date, Money, Points, Timestamp};
use poem_openapi::{Enum, Object};
use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The period to replay.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", deny_unknown_fields)]
pub struct StartSimulation {
    /// First day; work counts on the day on which it took place.
    pub from: Date,
    /// Last day, which counts too; today at the latest.
    pub to: Date,
}

/// How far a simulation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum SimulationStatus {
    Running,
    Finished,
    /// Something went wrong on the server; start another.
    Failed,
}

/// A past period replayed under a rule set. Nothing is booked.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename = "Simulation", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct Simulation {
    pub id: Uuid,
    pub rule_set_id: Uuid,
    pub from: Date,
    pub to: Date,
    pub status: SimulationStatus,
    /// Records that have been read: activities, opportunities that moved, cards that were written.
    pub done: i32,
    /// Records to be read; 0 until they have been counted.
    pub total: i32,
    pub requested_by: Uuid,
    pub requested_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    /// Present when it is finished.
    pub result: Option<SimulationResult>,
}

/// What was booked in the period (`then`) beside what would have been (`now`).
#[derive(Clone, Debug, PartialEq, Object, Serialize, Deserialize, FromJsonQueryResult)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct SimulationResult {
    /// The budget as it was.
    pub then: SimulatedTotals,
    /// The budget as it would have been.
    pub now: SimulatedTotals,
    /// Reps who come out below zero and did not before.
    pub newly_losing: i32,
    /// Reps who come out with less than they had, below zero or not.
    #[serde(default)]
    pub earning_less: i32,
    /// Every rep and manager, who loses most first.
    pub reps: Vec<SimulatedRep>,
}

/// All reps together.
#[derive(Clone, Debug, PartialEq, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct SimulatedTotals {
    pub points: Points,
    /// Of these, the fines.
    pub fines: Points,
    /// Fines in money.
    pub money: Money,
    /// ISO 4217 code of the money.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Rights to pick leads. Then: those that were given. Now: the quota of the months that begin in the period, and what the
    /// points buy.
    pub leads: i64,
    /// How unevenly points are spread (Gini): 0 where everybody has the same, near 1 where one has all.
    pub gini: f64,
}

/// One rep, then and now.
#[derive(Clone, Debug, PartialEq, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct SimulatedRep {
    pub user_id: Uuid,
    pub name: String,
    pub team_id: Uuid,
    pub then: SimulationFigures,
    pub now: SimulationFigures,
    /// Points now less points then.
    pub difference: Points,
    /// Below zero now, and not then.
    pub newly_loses: bool,
    /// Fewer points now than then.
    #[serde(default)]
    pub earns_less: bool,
}

/// What the rules bring one rep in the period.
#[derive(Clone, Debug, PartialEq, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct SimulationFigures {
    pub points: Points,
    /// Of these, the fines.
    pub fines: Points,
    /// Fines in money.
    pub money: Money,
    /// Rights to pick leads. Then: those that were given. Now: the quota of the months that begin in the period, and what the
    /// points buy.
    pub leads: i32,
}
