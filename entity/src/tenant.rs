use poem_openapi::Object;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::scalar::Timestamp;
use crate::shape::TimePolicy;

/// A company. Not a record: it is one row of a small table that every server reads.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Object, Serialize, Deserialize)]
#[sea_orm(table_name = "tenant")]
#[oai(rename = "Tenant", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What users type to log in: lower-case letters, digits and hyphens.
    pub slug: String,
    pub name: String,
    /// IANA name of the zone whose midnight ends the tenant's days, such as `Asia/Shanghai`.
    pub time_zone: String,
    pub created_at: Timestamp,
    /// How the reps' time with customers is to be shared out among their tiers.
    #[sea_orm(column_type = "JsonBinary")]
    pub time_policy: TimePolicy,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
