use poem_openapi::Object;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::scalar::{Date, Timestamp};
use crate::shape::DraftTurns;

/// A draft: reps pick leads in turn, in the order of a leaderboard.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Object, Serialize, Deserialize)]
#[sea_orm(table_name = "lead_draft")]
#[oai(rename = "LeadDraft", rename_all = "camelCase", skip_serializing_if_is_none)]
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
    /// The team whose reps take part, with those of the teams below it.
    pub team_id: Uuid,
    /// First day of the period whose leaderboard gives the order.
    pub from_on: Date,
    /// Last day of it.
    pub to_on: Date,
    /// How long a turn lasts at the most.
    pub turn_minutes: i32,
    #[sea_orm(column_type = "JsonBinary")]
    pub turns: DraftTurns,
    /// Whose turn it is: an index into `turns`, from 0.
    pub turn: i32,
    /// When that turn is passed over; absent once the draft is closed.
    pub turn_ends_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
