//! What the ledger says about leads: rights that were given, bought, used and lost, each with its receipt.

use entity::kind::{EntryKind, EntrySource, LedgerAccount};
use entity::points_entry;
use entity::rules::Explanation;
use entity::scalar::{Date, Points, Text, Timestamp};
use uuid::Uuid;

use super::facts::LeadFacts;
use crate::ledger::{Posting, post};
use crate::problem::Refusal;
use crate::work::UnitOfWork;

/// A booking about rights to pick leads.
pub struct Rights<'a> {
    pub user_id: Uuid,
    pub source: (EntrySource, Uuid),
    pub kind: EntryKind,
    pub leads: i32,
    pub points: Points,
    pub version: i32,
    pub arithmetic: String,
    pub en: &'a str,
    pub zh: &'a str,
}

/// Stages it for today. What goes out of the rep's sight for good goes to `Expired`, points to the reward account,
/// and all other rights from and to the pool.
pub fn book(work: &mut UnitOfWork, facts: &LeadFacts, rights: Rights<'_>) -> Result<Uuid, Refusal> {
    let number = facts.next_number(work, rights.source.1, rights.user_id);
    book_as(work, facts.today, number, rights)
}

/// Stages it under a number that the caller knows.
pub fn book_as(work: &mut UnitOfWork, day: Date, number: i32, rights: Rights<'_>) -> Result<Uuid, Refusal> {
    let counterpart = match rights.kind {
        EntryKind::Expiry => LedgerAccount::Expired,
        _ if rights.leads == 0 => LedgerAccount::Rewards,
        _ => LedgerAccount::Pool,
    };
    let explanation = receipt(rights.version, work.now, rights.arithmetic, rights.en, rights.zh);
    let posting = Posting {
        user_id: rights.user_id,
        source: rights.source,
        number,
        kind: rights.kind,
        on: LedgerAccount::Rep,
        counterpart,
        points: rights.points,
        leads: rights.leads,
        money: None,
        day,
        account_id: None,
        entry_id: None,
        offence: None,
        explanation,
    };
    post(work, posting)
}

/// The entries that this unit of work makes.
pub fn staged(work: &UnitOfWork) -> impl Iterator<Item = &points_entry::Model> {
    work.slots::<points_entry::Model>().filter(|slot| slot.found.is_none()).map(|slot| &slot.now)
}

fn receipt(version: i32, received: Timestamp, arithmetic: String, en: &str, zh: &str) -> Explanation {
    Explanation {
        rule_set_version: version,
        occurred: None,
        captured: None,
        captured_proven: None,
        received: Some(received),
        hours: None,
        delay_minutes: None,
        base: None,
        within_hours: None,
        percent: None,
        weights: Vec::new(),
        weight_filled: 0,
        weight_total: 0,
        missing: Vec::new(),
        capped: None,
        offence: None,
        due: None,
        arithmetic: Text(arithmetic),
        en: Text(en.to_owned()),
        zh: Text(zh.to_owned()),
    }
}
