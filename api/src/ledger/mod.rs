//! The ledger of points and leads, in double entry: each entry moves both between a user's side and its counterpart, so
//! that all sides together are always zero. Entries are only ever added; the user's balance moves with them.
//!
//! Whoever posts holds the balance first (`load`). What earns or costs how much is `points`' business, not this one's.

use entity::kind::{EntryKind, EntrySource, LedgerAccount};
use entity::rules::Explanation;
use entity::scalar::{Currency, Date, Money, Points};
use entity::{appeal, hold, points_balance, points_entry};
use rust_decimal::Decimal;
use sea_orm::DbErr;
use uuid::Uuid;

use crate::problem::{Code, Refusal};
use crate::work::UnitOfWork;

pub mod payout;
pub mod review;
pub mod verify;

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

/// Reads the entries about these records, and the open holds and appeals behind them; call it after `load`, so that
/// nobody adds to them meanwhile.
pub async fn load_about(work: &mut UnitOfWork, sources: impl IntoIterator<Item = Uuid>) -> Result<(), DbErr> {
    let sources: Vec<Uuid> = sources.into_iter().collect();
    if sources.is_empty() {
        return Ok(());
    }
    work.load_where::<points_entry::Model>("source_id = ANY($2)", [sources.clone().into()]).await?;
    let of = |wanted: &dyn Fn(&points_entry::Model) -> bool| -> Vec<points_entry::Model> {
        let about = |entry: &&points_entry::Model| sources.contains(&entry.source_id) && wanted(entry);
        work.live::<points_entry::Model>().filter(about).cloned().collect()
    };
    let held: Vec<Uuid> =
        of(&|entry| entry.ledger_account == LedgerAccount::Held).iter().map(|e| e.source_id).collect();
    let frozen: Vec<Uuid> = of(&|entry| entry.kind == EntryKind::Freeze).iter().filter_map(|e| e.entry_id).collect();
    if !held.is_empty() {
        work.load_where::<hold::Model>("activity_id = ANY($2) AND status = 'open'", [held.into()]).await?;
    }
    if !frozen.is_empty() {
        work.load_where::<appeal::Model>("entry_id = ANY($2) AND status = 'open'", [frozen.into()]).await?;
    }
    Ok(())
}

/// The user's entries about this record, in the order in which they were made. What `load_about` has not read is not
/// among them.
pub fn about(work: &UnitOfWork, source_id: Uuid, user_id: Uuid) -> Vec<&points_entry::Model> {
    let mut entries: Vec<&points_entry::Model> = work
        .live::<points_entry::Model>()
        .filter(|entry| entry.source_id == source_id && entry.user_id == user_id)
        .collect();
    entries.sort_by_key(|entry| entry.number);
    entries
}

/// The number of the user's next entry about this record.
pub fn next_number(work: &UnitOfWork, source_id: Uuid, user_id: Uuid) -> i32 {
    about(work, source_id, user_id).last().map_or(1, |last| last.number + 1)
}

/// What an entry changes on one side.
pub fn change_of(entry: &points_entry::Model, side: LedgerAccount) -> Decimal {
    match side {
        _ if side == entry.ledger_account => entry.points.0,
        _ if side == entry.counterpart => -entry.points.0,
        _ => Decimal::ZERO,
    }
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
    post_as(work, Uuid::now_v7(), posting)
}

/// The same for an entry whose id is known before.
pub fn post_as(work: &mut UnitOfWork, id: Uuid, posting: Posting) -> Result<Uuid, Refusal> {
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
    let ordinal = after.entries;
    work.put(after);
    let (money, currency) = posting.money.map(|(money, currency)| (money, currency.0)).unzip();
    work.put(points_entry::Model {
        tenant_id: work.actor.tenant_id,
        id,
        revision: 0,
        created_at: work.now,
        updated_at: work.now,
        deleted_at: None,
        user_id: posting.user_id,
        ordinal,
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
