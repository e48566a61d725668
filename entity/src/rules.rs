//! The shape of a rule set and of the explanation that every booking of points carries.

use poem_openapi::Object;
use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

use crate::kind::ActivityKind;
use crate::scalar::{Line, Points, Text, Timestamp};

/// Points for one activity: those of the first bracket that its delay fits, times its completeness.
#[derive(Clone, Debug, PartialEq, Object, Serialize, Deserialize, FromJsonQueryResult)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct Rules {
    /// In order of rising delay.
    pub brackets: Vec<Bracket>,
    /// Points for an entry later than every bracket; zero or less, whatever the completeness.
    pub late_points: Points,
    /// How many hours before its receipt an entry may be dated by the phone's wall clock alone.
    pub unproven_grace_hours: i32,
    /// What counts as complete, one for each kind of activity.
    pub completeness: Vec<Completeness>,
}

/// A span of delay from occurrence to capture, and what it is worth.
#[derive(Clone, Debug, PartialEq, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct Bracket {
    /// The delay is at most this many hours.
    pub within_hours: i32,
    /// Points for a complete entry.
    pub points: Points,
}

/// Which fields make one kind of activity complete.
#[derive(Clone, Debug, PartialEq, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct Completeness {
    pub activity: ActivityKind,
    pub weights: Vec<Weight>,
}

/// What one filled field adds to completeness.
#[derive(Clone, Debug, PartialEq, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct Weight {
    /// The field's name on the wire.
    pub field: Line,
    /// Its share; the weights of a kind add up to the whole.
    pub weight: i32,
}

/// Why a booking has the points that it has: the rule, what went in, and the arithmetic.
#[derive(Clone, Debug, PartialEq, Object, Serialize, Deserialize, FromJsonQueryResult)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Version of the rule set.
    pub rule_set_version: i32,
    pub occurred: Timestamp,
    pub captured: Timestamp,
    pub captured_proven: bool,
    pub received: Timestamp,
    /// Delay from occurrence to capture, in whole minutes.
    pub delay_minutes: i32,
    /// The bracket that applied, in hours; absent when later than every bracket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within_hours: Option<i32>,
    /// Sum of the weights of the filled fields.
    pub weight_filled: i32,
    /// Sum of all weights.
    pub weight_total: i32,
    /// Names of the fields that were empty.
    pub missing: Vec<Line>,
    /// The calculation, such as `10 × 70/100 = 7.00`.
    pub arithmetic: Text,
    /// In words, English.
    pub en: Text,
    /// In words, Chinese (zh-CN).
    pub zh: Text,
}
