use poem_openapi::Object;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::kind::AppealStatus;
use crate::scalar::Timestamp;

/// A rep's objection to a fine, which is frozen until a manager decides.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Object, Serialize, Deserialize)]
#[sea_orm(table_name = "appeal")]
#[oai(rename = "Appeal", rename_all = "camelCase", skip_serializing_if_is_none)]
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
    /// Whose fine.
    pub user_id: Uuid,
    /// The fine.
    pub entry_id: Uuid,
    /// Why it is wrong, as the rep put it.
    pub reason: String,
    pub status: AppealStatus,
    pub decided_by: Option<Uuid>,
    pub decided_at: Option<Timestamp>,
    /// Why, as the manager put it.
    pub decision: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
