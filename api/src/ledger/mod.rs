//! The ledger of points and leads, in double entry: each entry moves both between a user's side and its counterpart, so
//! that all sides together are always zero. Entries are only ever added; the user's balance moves with them.
//!
//! Whoever posts holds the balance first (`load`). What earns or costs how much is `points`' business, not this one's.

use entity::kind::{EntryKind, EntrySource, LedgerAccount};
use entity::rules::Explanation;
use entity::scalar::{Currency, Date, Money, Points};
use entity::{points_balance, points_entry};
use rust_decimal::Decimal;
use sea_orm::DbErr;
use uuid::Uuid;

use crate::problem::{Code, Refusal};
use crate::work::UnitOfWork;

/// An entry to be made.
#[derive(Clone, Debug)]
pub struct Posting {
    pub user_id: Uuid,
    pub source: (EntrySource, Uuid),
    /// Counts the user's entries about this source from 1.
    pub number: i32,
    pub kind: EntryKind,
    /// `Rep` or `Held`: the side that `points` and `leads` change.
    pub on: LedgerAccount,
    pub counterpart: LedgerAccount,
    pub points: Points,
    pub leads: i32,
    pub money: Option<(Money, Currency)>,
    /// The tenant's day that it counts for.
    pub day: Date,
    pub account_id: Option<Uuid>,
    /// The entry that this one releases, denies, freezes or takes back.
    pub entry_id: Option<Uuid>,
    /// Names an offence, so that it is booked once.
    pub offence: Option<String>,
    pub explanation: Explanation,
}

/// Reads and locks the balances of these users; call it after the loads of records and before any `post`.
pub async fn load(work: &mut UnitOfWork, users: impl IntoIterator<Item = Uuid>) -> Result<(), DbErr> {
    work.load::<points_balance::Model>(users).await
}

/// The user's balance as it stands in this unit of work.
pub fn balance(work: &UnitOfWork, user_id: Uuid) -> points_balance::Model {
    work.get::<points_balance::Model>(user_id).cloned().unwrap_or(points_balance::Model {
        tenant_id: work.actor.tenant_id,
        id: user_id,
        revision: 0,
        created_at: work.now,
        updated_at: work.now,
        deleted_at: None,
        points: Points::default(),
        held: Points::default(),
        leads: 0,
        entries: 0,
    })
}

/// Stages an entry and moves the balance. Returns the entry's id. Refused if a claim, an expiry or a payout would take
/// points or leads below zero; nothing is staged then.
pub fn post(work: &mut UnitOfWork, posting: Posting) -> Result<Uuid, Refusal> {
    let mut after = balance(work, posting.user_id);
    let (points, leads) = (posting.points.0, posting.leads);
    match (posting.on, posting.counterpart) {
        (LedgerAccount::Rep, counterpart) => {
            after.points.0 += points;
            after.leads += leads;
            if counterpart == LedgerAccount::Held {
                after.held.0 -= points;
            }
        }
        (_, counterpart) => {
            after.held.0 += points;
            if counterpart == LedgerAccount::Rep {
                after.points.0 -= points;
            }
        }
    }
    let spends = matches!(posting.kind, EntryKind::Claim | EntryKind::Expiry | EntryKind::Payout | EntryKind::Grant);
    if spends && after.points.0 < Decimal::ZERO && points < Decimal::ZERO {
        let has = balance(work, posting.user_id).points;
        return Err(Refusal::conflict(
            Code::BalanceTooLow,
            format!("This takes {} points, and {has} are there. Earn the rest first.", Points(-points)),
        ));
    }
    if after.leads < 0 {
        return Err(Refusal::conflict(
            Code::BalanceTooLow,
            "No right to pick a lead is left. It comes with the month's quota or for points.",
        ));
    }
    after.entries += 1;
    work.put(after);
    let id = Uuid::now_v7();
    let (money, currency) = posting.money.map(|(money, currency)| (money, currency.0)).unzip();
    work.put(points_entry::Model {
        tenant_id: work.actor.tenant_id,
        id,
        revision: 0,
        created_at: work.now,
        updated_at: work.now,
        deleted_at: None,
        user_id: posting.user_id,
        source_kind: posting.source.0,
        source_id: posting.source.1,
        number: posting.number,
        kind: posting.kind,
        ledger_account: posting.on,
        counterpart: posting.counterpart,
        points: posting.points,
        leads: posting.leads,
        money,
        currency,
        day: posting.day,
        account_id: posting.account_id,
        entry_id: posting.entry_id,
        offence: posting.offence,
        explanation: posting.explanation,
    });
    Ok(id)
}
