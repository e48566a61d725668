use poem_openapi::Object;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::scalar::{Date, Money, Points, Timestamp};
use crate::shape::OtherMoney;

/// A rep's ledger of one month, or a team's, which adds up those of its reps: closed, numbered and never changed.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Object, Serialize, Deserialize)]
#[sea_orm(table_name = "statement")]
#[oai(rename = "Statement", rename_all = "camelCase", skip_serializing_if_is_none)]
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
    pub number: i32,
    /// Absent on a team's statement.
    pub user_id: Option<Uuid>,
    /// The team, or the user's team when the month was closed.
    pub team_id: Uuid,
    /// The first day of the month.
    pub month: Date,
    /// Points at its beginning and at its end.
    pub opening: Points,
    pub closing: Points,
    /// Points of awards, releases and shares.
    pub awarded: Points,
    /// Points of fines; zero or less.
    pub fined: Points,
    /// Points of corrections, reversals and decisions on appeals.
    pub corrected: Points,
    /// Points that bought rights to leads; zero or less.
    pub spent: Points,
    /// Points that were paid out; zero or less.
    pub paid_out: Points,
    /// Points that waited for a decision at its end.
    pub held: Points,
    /// Rights to pick leads, at its beginning and at its end.
    pub leads_opening: i32,
    pub leads_closing: i32,
    /// Rights that were granted, used and not used in time.
    pub leads_granted: i32,
    pub leads_claimed: i32,
    pub leads_expired: i32,
    /// Fines in money.
    pub money: Money,
    /// ISO 4217 code of the money; absent where there is none.
    pub currency: Option<String>,
    /// Fines in further currencies, where the rules changed theirs meanwhile; `money` tells those of the newest.
    #[sea_orm(column_type = "JsonBinary")]
    pub other_money: Option<OtherMoney>,
    /// How many entries it covers.
    pub entries: i32,
    /// The first and the last of them, by their ordinals; absent on a team's statement, the first also where there is none.
    pub first_entry: Option<i32>,
    pub last_entry: Option<i32>,
    /// In words, English.
    pub en: String,
    /// In words, Chinese (zh-CN).
    pub zh: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
