use poem_openapi::Object;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::kind::LeadStatus;
use crate::scalar::{Date, Timestamp};
use crate::shape::Likenesses;

/// A possible customer: in the pool until somebody picks it.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Object, Serialize, Deserialize)]
#[sea_orm(table_name = "lead")]
#[oai(rename = "Lead", rename_all = "camelCase", skip_serializing_if_is_none)]
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
    /// The company, or the person.
    pub name: String,
    pub contact_name: Option<String>,
    pub title: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
    pub website: Option<String>,
    /// The company's registration number: the unified social credit code in China.
    pub credit_code: Option<String>,
    /// Where it came from, such as `fair` or `web_form`.
    pub source: String,
    pub region: Option<String>,
    pub industry: Option<String>,
    /// The company's size.
    pub employees: Option<i32>,
    pub note: Option<String>,
    pub status: LeadStatus,
    /// Who picked it.
    pub owner_id: Option<Uuid>,
    pub claimed_at: Option<Timestamp>,
    /// The last day on which it can be worked before it returns to the pool.
    pub due_on: Option<Date>,
    /// When its owner was warned that it is about to return.
    pub warned_at: Option<Timestamp>,
    /// When its owner first worked it.
    pub worked_at: Option<Timestamp>,
    /// Why the owner asks for more time.
    pub excuse: Option<String>,
    /// Who had it last; he may not pick it again before `cool_down_until`.
    pub former_owner_id: Option<Uuid>,
    pub cool_down_until: Option<Date>,
    /// Who brought it in or documented it.
    pub contributor_id: Option<Uuid>,
    /// Accounts, contacts and leads that it may be the same as.
    #[sea_orm(column_type = "JsonBinary")]
    pub likenesses: Likenesses,
    /// For a merged one: the lead that goes on in its place.
    pub merged_into_id: Option<Uuid>,
    /// What it became, or the account that it was linked to.
    pub account_id: Option<Uuid>,
    pub contact_id: Option<Uuid>,
    pub opportunity_id: Option<Uuid>,
    /// The id that another system knows this lead by; unique within the tenant.
    pub external_id: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
