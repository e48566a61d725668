use poem_openapi::Object;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::custom::Custom;
use crate::kind::{AccountKind, AccountTier};
use crate::scalar::{Money, Timestamp};
use crate::shape::{Address, Position};

/// A customer: a company, a person, a channel partner or a part of the own house.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Object, Serialize, Deserialize)]
#[sea_orm(table_name = "account")]
#[oai(rename = "Account", rename_all = "camelCase", skip_serializing_if_is_none)]
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
    pub kind: AccountKind,
    pub name: String,
    /// The user who answers for the account.
    pub owner_id: Uuid,
    /// The account that this one belongs to, such as a group's holding.
    pub parent_id: Option<Uuid>,
    pub phone: Option<String>,
    pub email: Option<String>,
    pub website: Option<String>,
    pub industry: Option<String>,
    /// Number of people who work there.
    pub employees: Option<i32>,
    pub annual_revenue: Option<Money>,
    pub founded_year: Option<i32>,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub address: Option<Address>,
    /// Where visits take place.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub position: Option<Position>,
    /// The company's registration number: the unified social credit code in China.
    pub credit_code: Option<String>,
    /// How much time the customer is to get; absent where nobody has decided.
    pub tier: Option<AccountTier>,
    pub note: Option<String>,
    /// The id that another system knows this account by; unique within the tenant.
    pub external_id: Option<String>,
    /// Values of the fields that the company defined itself, by key, each as text: `12.5`, `2026-03-02`, `true`.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub custom: Option<Custom>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
