use poem_openapi::Object;
use sea_orm::FromJsonQueryResult;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::kind::{Locale, StageKey};
use crate::scalar::{Date, Money, Points, Timestamp};

/// What a manager is told on a Monday of the users below him. Made once and never changed.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Object, Serialize, Deserialize)]
#[sea_orm(table_name = "weekly_digest")]
#[oai(rename = "WeeklyDigest", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    #[oai(skip)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Counts the changes of this record; it is its `ETag`.
    pub revision: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Set when the record was deleted; clients see a tombstone instead.
    #[oai(skip)]
    pub deleted_at: Option<Timestamp>,
    /// The manager.
    pub user_id: Uuid,
    /// The day on which it was due.
    pub monday: Date,
    /// The language that he read then.
    pub locale: Locale,
    #[sea_orm(column_type = "JsonBinary")]
    pub figures: DigestFigures,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A week, and where things stand at its end.
#[derive(Clone, Debug, Default, PartialEq, Object, Serialize, Deserialize, FromJsonQueryResult)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct DigestFigures {
    /// The Monday of the week that is told.
    pub from: Date,
    /// Its Sunday.
    pub to: Date,
    /// First day of the twelve weeks up to `to` within which those of the funnel came to its stages.
    pub funnel_from: Date,
    /// The four stages of the way, in order.
    pub funnel: Vec<DigestStage>,
    /// By the month in which signatures are expected, the next three, one a month and currency; then what is overdue.
    pub forecast: Vec<DigestForecast>,
    pub activity: DigestActivity,
    pub exceptions: DigestExceptions,
    /// The first five of the week's leaderboard.
    pub leaders: Vec<DigestLeader>,
}

/// A stage of the funnel. Members that tell of going on are absent for `signed`.
#[derive(Clone, Debug, PartialEq, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct DigestStage {
    pub stage: StageKey,
    /// Opportunities that came to this stage, or past it, for the first time.
    pub entered: i64,
    /// Of these, those that ever came to the next stage or past it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advanced: Option<i64>,
    /// Of these, those that are lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<i64>,
    /// `advanced / entered`, 4 decimals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversion: Option<f64>,
    /// Median of the days from this stage to the next, 2 decimals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median_days: Option<f64>,
}

/// Open opportunities that are expected to be signed.
#[derive(Clone, Debug, PartialEq, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct DigestForecast {
    /// Such as `2026-04`; absent for what was expected on a day that has passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub month: Option<String>,
    /// ISO 4217 code; absent for amounts whose currency nobody has told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    pub open: i64,
    pub commit: Money,
    pub best_case: Money,
    pub pipeline: Money,
    pub weighted: Money,
}

/// What was done in the week.
#[derive(Clone, Debug, Default, PartialEq, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct DigestActivity {
    pub activities: i64,
    pub visits: i64,
    /// Visits of the week before.
    pub visits_before: i64,
    /// Visits whose check-in proves the place.
    pub verified: i64,
    /// Visits that were planned for the week.
    pub planned: i64,
    /// Of these, made.
    pub done: i64,
    /// Of these, not made in time.
    pub missed: i64,
    /// Share of activities that were typed within 24 hours, 4 decimals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within_day_share: Option<f64>,
}

/// What needs somebody.
#[derive(Clone, Debug, Default, PartialEq, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct DigestExceptions {
    /// Opportunities that stand beyond their stage's limit.
    pub stale: i64,
    /// Awards that wait for a review.
    pub holds: i64,
    /// Appeals that wait for a decision.
    pub appeals: i64,
    /// Key customers whom nobody spoke to for thirty days.
    pub neglected: i64,
    /// Of the stale ones, the five that have stood longest.
    pub worst: Vec<DigestStale>,
}

/// An opportunity that stands beyond its stage's limit.
#[derive(Clone, Debug, PartialEq, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct DigestStale {
    pub opportunity_id: Uuid,
    pub name: String,
    /// Name of who owns it.
    pub owner: String,
    pub stage: StageKey,
    /// How many whole days it has stood there.
    pub days: i64,
}

/// A place of the week's leaderboard.
#[derive(Clone, Debug, PartialEq, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct DigestLeader {
    pub rank: i32,
    pub user_id: Uuid,
    pub name: String,
    pub points: Points,
}
