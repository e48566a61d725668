//! Books what something other than an activity earns: a stage move, a plan, a card, a signature. Awards for these do not
//! wait for a review. Fines for offences stand beside them in the books and are not theirs (`offence`).

use entity::kind::{EntrySource, LedgerAccount};
use entity::points_entry;
use entity::rules::Explanation;
use entity::scalar::{Currency, Date, Points};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::correction::{correction, money, reversal};
use super::score::Booking;
use crate::appeal::decide::overtake;
use crate::ledger::{self, Posting};
use crate::offence::book::is_offence;
use crate::problem::Refusal;
use crate::work::UnitOfWork;

/// What a booking is about, and for whom.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    pub kind: EntrySource,
    pub id: Uuid,
    pub user_id: Uuid,
    pub account_id: Option<Uuid>,
    pub day: Date,
}

/// What one source has brought its user so far.
#[derive(Clone, Copy, Debug)]
pub struct Paid<'a> {
    pub points: Points,
    /// Fines in money, in the currency of the last of them.
    pub money: Decimal,
    pub currency: Option<&'a Currency>,
    /// Explains the newest entry.
    pub latest: &'a Explanation,
}

/// The booking that brings a source from what was paid to what it is worth now; `None`: to nothing.
pub fn difference(of: EntrySource, paid: Paid<'_>, now: Option<&Booking>) -> Option<Booking> {
    let fined = money(now.and_then(|now| now.money.clone()), paid.money, paid.currency.cloned());
    let booking = match now {
        Some(now) => correction(of, paid.points, paid.latest, now)?,
        None => reversal(of, paid.points, paid.latest)?,
    };
    Some(Booking { money: fined, ..booking })
}

/// The user's entries about the source, oldest first, without those about offences.
pub fn earnings(work: &UnitOfWork, source_id: Uuid, user_id: Uuid) -> Vec<&points_entry::Model> {
    ledger::about(work, source_id, user_id).into_iter().filter(|entry| !is_offence(entry)).collect()
}

/// Brings the books to what the source is worth now; `None`: to nothing.
pub fn settle(work: &mut UnitOfWork, source: &Source, now: Option<Booking>) -> Result<(), Refusal> {
    let entries = earnings(work, source.id, source.user_id);
    let Some(latest) = entries.last().map(|entry| entry.explanation.clone()) else {
        return now.map_or(Ok(()), |now| add(work, source, now));
    };
    let paid: Vec<_> = entries.iter().filter(|entry| entry.counterpart == LedgerAccount::Rewards).collect();
    let currency = paid.iter().rev().find_map(|entry| entry.currency.clone()).map(Currency);
    let paid = Paid {
        points: Points(paid.iter().map(|entry| entry.points.0).sum()),
        money: paid.iter().filter_map(|entry| entry.money).map(|money| money.0).sum(),
        currency: currency.as_ref(),
        latest: &latest,
    };
    match difference(source.kind, paid, now.as_ref()) {
        Some(booking) => {
            overtake(work, source.id, source.user_id)?;
            add(work, source, booking)
        }
        None => Ok(()),
    }
}

/// Takes back from everybody what the source brought him.
pub fn take_back(work: &mut UnitOfWork, source_id: Uuid) -> Result<(), Refusal> {
    let entries = work.live::<points_entry::Model>().filter(|entry| entry.source_id == source_id && !is_offence(entry));
    let mut sources: Vec<Source> = Vec::new();
    for entry in entries {
        let (kind, user_id, account_id, day) = (entry.source_kind, entry.user_id, entry.account_id, entry.day);
        if !sources.iter().any(|source| source.user_id == user_id) {
            sources.push(Source { kind, id: source_id, user_id, account_id, day });
        }
    }
    sources.iter().try_for_each(|source| settle(work, source, None))
}

/// Books it as it is.
pub fn add(work: &mut UnitOfWork, source: &Source, booking: Booking) -> Result<(), Refusal> {
    let posting = Posting {
        user_id: source.user_id,
        source: (source.kind, source.id),
        number: ledger::next_number(work, source.id, source.user_id),
        kind: booking.kind,
        on: LedgerAccount::Rep,
        counterpart: LedgerAccount::Rewards,
        points: booking.points,
        leads: 0,
        money: booking.money,
        day: source.day,
        account_id: source.account_id,
        entry_id: None,
        offence: None,
        explanation: booking.explanation,
    };
    ledger::post(work, posting).map(drop)
}
