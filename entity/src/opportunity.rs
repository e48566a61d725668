use poem_openapi::Object;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::custom::Custom;
use crate::kind::{LostReason, StageKey};
use crate::scalar::{Date, Money, Timestamp};

/// A possible sale on its way through the pipeline.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Object, Serialize, Deserialize)]
#[sea_orm(table_name = "opportunity")]
#[oai(rename = "Opportunity", rename_all = "camelCase", skip_serializing_if_is_none)]
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
    /// Absent while the customer is not known; then only the owner sees the opportunity.
    pub account_id: Option<Uuid>,
    pub contact_id: Option<Uuid>,
    pub product_id: Option<Uuid>,
    pub owner_id: Uuid,
    pub name: String,
    pub stage: StageKey,
    /// When it entered the stage that it is in.
    pub stage_since: Timestamp,
    pub amount: Option<Money>,
    /// ISO 4217 code of the amount.
    pub currency: Option<String>,
    /// The day on which a signature is expected.
    pub expected_on: Option<Date>,
    /// The day of the signature.
    pub signed_on: Option<Date>,
    /// Where the opportunity came from, such as `fair` or `referral`.
    pub source: Option<String>,
    /// For a lost one, the stage that it was lost from.
    pub lost_from: Option<StageKey>,
    pub lost_reason: Option<LostReason>,
    pub lost_note: Option<String>,
    pub note: Option<String>,
    /// The id that another system knows this opportunity by; unique within the tenant.
    pub external_id: Option<String>,
    /// Values of the fields that the company defined itself, by key, each as text: `12.5`, `2026-03-02`, `true`.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub custom: Option<Custom>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
