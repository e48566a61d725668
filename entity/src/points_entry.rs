use poem_openapi::Object;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::kind::{EntryKind, EntrySource, LedgerAccount};
use crate::rules::Explanation;
use crate::scalar::{Date, Money, Points, Timestamp};

/// One booking: points and leads that moved between two sides of the ledger, with the arithmetic behind it. Never
/// changed afterwards.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Object, Serialize, Deserialize)]
#[sea_orm(table_name = "points_entry")]
#[oai(rename = "PointsEntry", rename_all = "camelCase", skip_serializing_if_is_none)]
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
    /// Whose.
    pub user_id: Uuid,
    /// Counts the user's entries from 1, without a gap.
    pub ordinal: i32,
    pub source_kind: EntrySource,
    /// The record that it is about; for `month` and `user`, the user.
    pub source_id: Uuid,
    /// Counts the user's entries about this source from 1.
    pub number: i32,
    pub kind: EntryKind,
    /// The side that `points` and `leads` change: `rep` or `held`.
    pub ledger_account: LedgerAccount,
    /// The side that changes by the same amounts the other way.
    pub counterpart: LedgerAccount,
    pub points: Points,
    /// Rights to pick leads.
    pub leads: i32,
    /// A fine in money; it is told to payroll and no part of the balance.
    pub money: Option<Money>,
    /// ISO 4217 code of the money.
    pub currency: Option<String>,
    /// The tenant's day that it counts for: that of the work, or of the offence.
    pub day: Date,
    /// The customer account that it is about.
    pub account_id: Option<Uuid>,
    /// The entry that this one releases, denies, freezes or takes back.
    pub entry_id: Option<Uuid>,
    /// Names an offence, so that it is booked once.
    #[oai(skip)]
    pub offence: Option<String>,
    #[sea_orm(column_type = "JsonBinary")]
    pub explanation: Explanation,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
