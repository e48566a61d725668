use poem_openapi::Object;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::scalar::Timestamp;

/// What a phone sent and the server did not take, kept so that nothing typed is lost.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Object, Serialize, Deserialize)]
#[sea_orm(table_name = "rejected_write")]
#[oai(rename = "RejectedWrite", rename_all = "camelCase", skip_serializing_if_is_none)]
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
    /// Who typed it.
    pub user_id: Uuid,
    /// The device that sent it; absent where it did not come by sync.
    pub device_id: Option<Uuid>,
    pub mutation_id: Uuid,
    pub record_kind: String,
    pub record_id: Uuid,
    /// What was to be done, such as `create`, `update` or `advance`.
    pub op: String,
    /// The values that were not taken, as JSON text.
    pub fields: String,
    /// The stable type of the problem.
    pub problem: String,
    /// What happened and what to do.
    pub detail: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
