use poem_openapi::Object;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::kind::RuleSetStatus;
use crate::rules::Rules;
use crate::scalar::{Date, Timestamp};

/// The rules by which timely and complete entry earns points.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Object, Serialize, Deserialize)]
#[sea_orm(table_name = "rule_set")]
#[oai(rename = "RuleSet", rename_all = "camelCase", skip_serializing_if_is_none)]
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
    /// Counts up within the tenant.
    pub version: i32,
    pub status: RuleSetStatus,
    /// The first day on which it is or was active; for a shadow one, on which it began to score.
    pub starts_on: Option<Date>,
    /// The last day on which it was active.
    pub ended_on: Option<Date>,
    #[sea_orm(column_type = "JsonBinary")]
    pub rules: Rules,
    /// Rules, calendar and zone signed by the server: a JWS in compact form (RFC 7515) that
    /// `/.well-known/jwks.json` verifies. Present while it is shadow or active.
    pub bundle: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
