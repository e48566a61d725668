use poem_openapi::Object;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::custom::Custom;
use crate::kind::{ActivityKind, Verdict};
use crate::scalar::{Date, Timestamp};
use crate::shape::Check;

/// Work done for an account.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Object, Serialize, Deserialize)]
#[sea_orm(table_name = "activity")]
#[oai(rename = "Activity", rename_all = "camelCase", skip_serializing_if_is_none)]
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
    pub account_id: Uuid,
    pub contact_id: Option<Uuid>,
    pub opportunity_id: Option<Uuid>,
    /// The plan that this activity fulfilled.
    pub plan_id: Option<Uuid>,
    /// Who did it.
    pub owner_id: Uuid,
    pub kind: ActivityKind,
    /// When it took place.
    pub occurred: Timestamp,
    /// When it was typed.
    pub captured: Timestamp,
    /// False where the time of capture rests on the phone's wall clock alone.
    pub captured_proven: bool,
    /// When the server got it.
    pub received: Timestamp,
    pub duration_minutes: Option<i32>,
    pub summary: Option<String>,
    pub outcome: Option<String>,
    pub next_step: Option<String>,
    pub next_step_on: Option<Date>,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub check_in: Option<Check>,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub check_out: Option<Check>,
    /// For a visit: whether the check-in proves the place.
    pub verdict: Option<Verdict>,
    /// Metres between check-in and account, where both positions are known.
    pub distance: Option<i32>,
    /// The id that another system knows this activity by; unique within the tenant.
    pub external_id: Option<String>,
    /// Seconds that it took to enter it, as the client measured them. No rule asks for it or rewards it.
    pub entry_seconds: Option<i32>,
    /// Values of the fields that the company defined itself, by key, each as text: `12.5`, `2026-03-02`, `true`.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub custom: Option<Custom>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
