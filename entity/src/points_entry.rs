use poem_openapi::Object;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::kind::EntryKind;
use crate::rules::Explanation;
use crate::scalar::{Points, Timestamp};

/// One booking of points, with the arithmetic behind it. Never changed afterwards.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Object, Serialize, Deserialize)]
#[sea_orm(table_name = "points_entry")]
#[oai(rename = "PointsEntry", rename_all = "camelCase", skip_serializing_if_is_none)]
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
    /// Whose points.
    pub user_id: Uuid,
    pub activity_id: Uuid,
    /// Counts the entries of the activity from 1.
    pub number: i32,
    pub kind: EntryKind,
    pub points: Points,
    #[sea_orm(column_type = "JsonBinary")]
    pub explanation: Explanation,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
