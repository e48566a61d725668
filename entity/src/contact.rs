use poem_openapi::Object;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::custom::Custom;
use crate::scalar::Timestamp;

/// A person at an account.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Object, Serialize, Deserialize)]
#[sea_orm(table_name = "contact")]
#[oai(rename = "Contact", rename_all = "camelCase", skip_serializing_if_is_none)]
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
    pub name: String,
    /// Position in the company, such as head of purchasing.
    pub title: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
    pub note: Option<String>,
    /// The id that another system knows this contact by; unique within the tenant.
    pub external_id: Option<String>,
    /// Values of the fields that the company defined itself, by key, each as text: `12.5`, `2026-03-02`, `true`.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub custom: Option<Custom>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
