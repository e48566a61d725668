use poem_openapi::Object;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::kind::HoldStatus;
use crate::scalar::{Date, Points, Timestamp};
use crate::shape::Evidence;

/// An award that waits for a review, and why.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Object, Serialize, Deserialize)]
#[sea_orm(table_name = "hold")]
#[oai(rename = "Hold", rename_all = "camelCase", skip_serializing_if_is_none)]
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
    /// Whose award.
    pub user_id: Uuid,
    /// The entry that put the points on hold.
    pub entry_id: Uuid,
    pub activity_id: Uuid,
    pub points: Points,
    #[sea_orm(column_type = "JsonBinary")]
    pub evidence: Evidence,
    pub status: HoldStatus,
    /// The day on which it is released if nobody has decided.
    pub release_on: Date,
    /// Who decided; absent while it is open, and where time did.
    pub decided_by: Option<Uuid>,
    pub decided_at: Option<Timestamp>,
    /// Why, as the manager put it.
    pub decision: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
