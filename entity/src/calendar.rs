use poem_openapi::Object;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::scalar::Timestamp;
use crate::shape::{SpecialDays, Week};

/// When a tenant works. Its id is the tenant's; the zone is the tenant's too.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Object, Serialize, Deserialize)]
#[sea_orm(table_name = "calendar")]
#[oai(rename = "Calendar", rename_all = "camelCase", skip_serializing_if_is_none)]
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
    /// The working hours of each weekday; a day that is not named is free.
    #[sea_orm(column_type = "JsonBinary")]
    pub week: Week,
    /// Days that are free although the week says otherwise.
    #[sea_orm(column_type = "JsonBinary")]
    pub holidays: SpecialDays,
    /// Days that are worked although the week says otherwise, with the hours of a Monday.
    #[sea_orm(column_type = "JsonBinary")]
    pub working_days: SpecialDays,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
