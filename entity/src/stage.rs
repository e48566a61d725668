use poem_openapi::Object;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::kind::StageKey;
use crate::scalar::Timestamp;
use crate::shape::Names;

/// How the tenant runs one stage of its pipeline.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Object, Serialize, Deserialize)]
#[sea_orm(table_name = "stage")]
#[oai(rename = "Stage", rename_all = "camelCase", skip_serializing_if_is_none)]
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
    pub stage: StageKey,
    #[sea_orm(column_type = "JsonBinary")]
    pub names: Names,
    /// Chance in per cent that an opportunity in this stage is signed.
    pub probability: i32,
    /// Fields of an opportunity that must be filled to enter the stage, by their names on the wire.
    pub required_fields: Vec<String>,
    /// Days after which an opportunity that still stands here is stale.
    pub stale_days: Option<i32>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
