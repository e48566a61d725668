//! Appeals: a rep's objection to a fine. It freezes the fine, a manager decides (`decide`).

pub mod decide;
pub mod routes;

use entity::kind::{AppealStatus, EntryKind, EntrySource, LedgerAccount};
use entity::rules::Explanation;
use entity::scalar::{Currency, Money, Points, Text};
use entity::{appeal, points_entry};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::change::{Change, Outcome, creatable};
use crate::fields;
use crate::hold;
use crate::ledger::{self, Posting, change_of};
use crate::points::words;
use crate::problem::{Code, Refusal};
use crate::work::UnitOfWork;
pub use routes::AppealApi;

fields! {
    /// What can be set on an appeal. To create one, `entryId` and `reason` are required.
    AppealFields of appeal::Model;
    required {
        /// Why the fine is wrong; the manager reads it.
        reason: Text,
    }
    optional {}
    fixed {
        /// The fine.
        entry_id: Uuid,
    }
    needs ["entryId", "reason"]
    refers { entry_id => PointsEntry, }
    example {
        "entryId": "0198c0de-0000-7000-8000-000000000001",
        "reason": "The phone was in repair from Monday to Thursday; see the shop's receipt."
    }
}

pub fn create(work: &mut UnitOfWork, change: &Change, fields: &AppealFields) -> Result<Outcome, Refusal> {
    creatable(work, change, fields)?;
    let (Some(entry_id), Some(reason)) = (fields.entry_id, fields.reason.clone()) else {
        return Err(Refusal::invalid("", "entryId and reason are required."));
    };
    if reason.0.trim().is_empty() {
        return Err(Refusal::invalid("/reason", "Say why the fine is wrong: whoever decides reads it."));
    }
    let fine: points_entry::Model = work.visible(entry_id)?;
    if fine.user_id != work.actor.user_id {
        return Err(Refusal::forbidden("Only who was fined appeals."));
    }
    if fine.kind != EntryKind::Fine {
        let detail = "Only a fine is appealed against; this entry is none.";
        return Err(Refusal::conflict(Code::Conflict, detail));
    }
    if work.live::<appeal::Model>().any(|appeal| appeal.entry_id == entry_id) {
        return Err(Refusal::conflict(Code::Duplicate, "This fine has been appealed against already."));
    }
    if !hold::open(work, fine.source_id).is_empty() {
        let detail = "A correction of what was fined waits for a review. Appeal after it, if the fine still stands.";
        return Err(Refusal::conflict(Code::Conflict, detail));
    }
    let (points, money) = standing(work, &fine);
    if points.is_zero() && money.is_zero() {
        return Err(Refusal::conflict(Code::Conflict, "This fine has been taken back already."));
    }
    freeze(work, &fine, points, money)?;
    let revision = work.put(appeal::Model {
        tenant_id: work.actor.tenant_id,
        id: change.id,
        revision: 0,
        created_at: work.now,
        updated_at: work.now,
        deleted_at: None,
        user_id: fine.user_id,
        entry_id,
        reason: reason.into(),
        status: AppealStatus::Open,
        decided_by: None,
        decided_at: None,
        decision: None,
    });
    Ok(Outcome { revision, ..Outcome::default() })
}

/// What is left of a fine in points and in money, both zero or more: corrections of an activity take its fines back
/// without naming them, other entries name what they take back.
fn standing(work: &UnitOfWork, fine: &points_entry::Model) -> (Decimal, Decimal) {
    let about = ledger::about(work, fine.source_id, fine.user_id);
    let counts = |entry: &&&points_entry::Model| {
        fine.source_kind == EntrySource::Activity || entry.id == fine.id || entry.entry_id == Some(fine.id)
    };
    let points: Decimal = about.iter().filter(counts).map(|entry| change_of(entry, LedgerAccount::Rep)).sum();
    let money: Decimal = about.iter().filter(counts).filter_map(|entry| entry.money).map(|money| money.0).sum();
    let fined = fine.money.map_or(Decimal::ZERO, |money| money.0);
    (
        (-points).clamp(Decimal::ZERO, (-fine.points.0).max(Decimal::ZERO)),
        money.clamp(Decimal::ZERO, fined.max(Decimal::ZERO)),
    )
}

/// The points go back to the rep for as long as nobody has decided; what waits is short of them.
fn freeze(work: &mut UnitOfWork, fine: &points_entry::Model, points: Decimal, money: Decimal) -> Result<(), Refusal> {
    let points = Points(points);
    let arithmetic = words::points(points);
    let explanation = Explanation {
        en: Text(format!("You appealed against this fine, so it waits for a decision: {arithmetic}.")),
        zh: Text(format!("您已对该扣分提出申诉，裁定前暂缓执行：{arithmetic}。")),
        arithmetic: Text(arithmetic),
        ..fine.explanation.clone()
    };
    let money = credit(fine, -money);
    let posting = Posting { kind: EntryKind::Freeze, points, money, ..about(work, fine, explanation) };
    ledger::post(work, posting).map(drop)
}

/// An amount in the currency of the fine, unless it is none.
fn credit(fine: &points_entry::Model, amount: Decimal) -> Option<(Money, Currency)> {
    let currency = fine.currency.clone().filter(|_| !amount.is_zero())?;
    Some((Money(amount), Currency(currency)))
}

/// An entry of no amount from the held side to the rep about the same as the fine, to be completed.
fn about(work: &UnitOfWork, fine: &points_entry::Model, explanation: Explanation) -> Posting {
    Posting {
        user_id: fine.user_id,
        source: (fine.source_kind, fine.source_id),
        number: ledger::next_number(work, fine.source_id, fine.user_id),
        kind: EntryKind::Reversal,
        on: LedgerAccount::Rep,
        counterpart: LedgerAccount::Held,
        points: Points::default(),
        leads: 0,
        money: None,
        day: fine.day,
        account_id: fine.account_id,
        entry_id: Some(fine.id),
        offence: None,
        explanation,
    }
}
