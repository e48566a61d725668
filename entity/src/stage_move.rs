use poem_openapi::Object;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::kind::{LostReason, StageKey};
use crate::scalar::{Money, Timestamp};

/// One move of an opportunity between stages. What it says is never changed afterwards; only `accountId` and `ownerId`
/// follow the opportunity, so that those who see it see its moves.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Object, Serialize, Deserialize)]
#[sea_orm(table_name = "stage_move")]
#[oai(rename = "StageMove", rename_all = "camelCase", skip_serializing_if_is_none)]
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
    pub opportunity_id: Uuid,
    /// The account of the opportunity, if it has one.
    pub account_id: Option<Uuid>,
    /// The owner of the opportunity.
    pub owner_id: Uuid,
    /// Counts the moves of the opportunity from 1.
    pub number: i32,
    /// Absent for the first move, which brings the opportunity into being.
    pub from_stage: Option<StageKey>,
    pub to_stage: StageKey,
    pub occurred: Timestamp,
    /// True where the source did not tell when the move took place.
    pub occurred_assumed: bool,
    pub captured: Timestamp,
    /// False where the time of capture rests on the phone's wall clock alone.
    pub captured_proven: bool,
    pub received: Timestamp,
    /// Who made the move.
    pub actor_id: Uuid,
    pub amount: Option<Money>,
    pub currency: Option<String>,
    /// Chance of signature in per cent that the tenant gave the stage at that moment.
    pub probability: i32,
    /// Why it went backward, was reopened or was changed after the signature.
    pub reason: Option<String>,
    pub lost_reason: Option<LostReason>,
    /// What was said about the loss.
    pub lost_note: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
