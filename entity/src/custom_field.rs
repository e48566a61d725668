use poem_openapi::{NewType, Object};
use sea_orm::FromJsonQueryResult;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::kind::{CustomKind, CustomType};
use crate::scalar::{Line, Timestamp};
use crate::shape::Names;

/// A field that the tenant defined itself, beside those that every record of its kind has.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Object, Serialize, Deserialize)]
#[sea_orm(table_name = "custom_field")]
#[oai(rename = "CustomField", rename_all = "camelCase", skip_serializing_if_is_none)]
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
    /// Fields are archived, never deleted.
    #[oai(skip)]
    pub deleted_at: Option<Timestamp>,
    /// The records that have it.
    pub record_kind: CustomKind,
    /// Its name in `custom`; it never changes.
    pub key: String,
    /// What it holds; it never changes.
    pub value_type: CustomType,
    /// What people call it.
    #[sea_orm(column_type = "JsonBinary")]
    pub names: Names,
    /// What may be chosen, in this order; empty for other types.
    #[sea_orm(column_type = "JsonBinary")]
    pub choices: Choices,
    /// Since when its values can be read, but no longer changed.
    pub archived_at: Option<Timestamp>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, NewType, Serialize, Deserialize, FromJsonQueryResult)]
#[oai(from_parameter = false, from_multipart = false, to_header = false)]
pub struct Choices(pub Vec<Choice>);

/// One value that may be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Object, Serialize, Deserialize)]
#[oai(deny_unknown_fields)]
pub struct Choice {
    /// What records hold.
    pub value: Line,
    /// What people read.
    pub names: Names,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
