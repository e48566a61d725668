//! What a review decides: the points go to the rep, or back to the tenant.

use entity::hold;
use entity::kind::{EntryKind, EntrySource, HoldStatus, LedgerAccount};
use entity::points_entry;
use entity::rules::Explanation;
use entity::scalar::{Currency, Money, Points, Text};

use crate::change::{Change, Outcome, current};
use crate::ledger::review::{Ruling, may_review};
use crate::ledger::{self, Posting};
use crate::points::position::Position;
use crate::points::words;
use crate::problem::{Code, Refusal};
use crate::work::UnitOfWork;

/// A manager or an admin lets the award pass, or not.
pub fn decide(work: &mut UnitOfWork, change: &Change, passes: bool, ruling: &Ruling) -> Result<Outcome, Refusal> {
    let hold: hold::Model = current(work, change)?;
    may_review(work, hold.user_id)?;
    if hold.status != HoldStatus::Open {
        return Err(Refusal::conflict(Code::Conflict, "This hold has been decided already."));
    }
    let (en, zh) = if passes {
        ("A review let the award pass", "复核通过")
    } else {
        ("A review refused the award", "复核未通过")
    };
    let told = (format!("{en}: {}", ruling.reason.0), format!("{zh}：{}", ruling.reason.0));
    let revision = settle(work, hold, passes, Some(ruling.reason.0.clone()), told)?;
    Ok(Outcome { revision, ..Outcome::default() })
}

/// Books the decision and closes the hold; `told` says why, in English and Chinese. Returns the hold's revision.
pub fn settle(
    work: &mut UnitOfWork,
    hold: hold::Model,
    passes: bool,
    decision: Option<String>,
    told: (String, String),
) -> Result<i32, Refusal> {
    let entries = ledger::about(work, hold.activity_id, hold.user_id);
    let entry: points_entry::Model = entries
        .iter()
        .find(|entry| entry.id == hold.entry_id)
        .map(|entry| (*entry).clone())
        .ok_or_else(Refusal::internal)?;
    let number = ledger::next_number(work, hold.activity_id, hold.user_id);
    let (en, zh) = told;
    let points = words::points(hold.points);
    // With an award that is refused, a fine in money that came back with it counts again.
    let owed = -Position::of(entries.iter().copied()).lent;
    let currency = entries.iter().rev().find_map(|entry| entry.currency.clone()).map(Currency);
    let money = currency.filter(|_| !passes && !owed.is_zero()).map(|currency| (Money(owed), currency));
    let (arithmetic, mut en, mut zh) = if passes {
        (
            points.clone(),
            format!("{en}. {points} points that were on hold are yours."),
            format!("{zh}。暂扣的 {points} 分已发放。"),
        )
    } else {
        let taken = words::points(Points(-hold.points.0));
        (
            taken,
            format!("{en}. {points} points that were on hold are not paid."),
            format!("{zh}。暂扣的 {points} 分不予发放。"),
        )
    };
    if let Some((money, currency)) = &money {
        en += &format!(" The fine of {money} {currency} counts again.");
        zh += &format!("罚款 {money} {currency} 恢复计入。");
    }
    let explanation = Explanation { arithmetic: Text(arithmetic), en: Text(en), zh: Text(zh), ..entry.explanation };
    let (kind, on, counterpart, moved) = if passes {
        (EntryKind::Release, LedgerAccount::Rep, LedgerAccount::Held, hold.points)
    } else {
        (EntryKind::Denial, LedgerAccount::Held, LedgerAccount::Rewards, Points(-hold.points.0))
    };
    let posting = Posting {
        user_id: hold.user_id,
        source: (EntrySource::Activity, hold.activity_id),
        number,
        kind,
        on,
        counterpart,
        points: moved,
        leads: 0,
        money,
        day: entry.day,
        account_id: entry.account_id,
        entry_id: Some(hold.entry_id),
        offence: None,
        explanation,
    };
    ledger::post(work, posting)?;
    let decided_by = Some(work.actor.user_id).filter(|user| !user.is_nil());
    let status = if passes { HoldStatus::Released } else { HoldStatus::Denied };
    Ok(work.put(hold::Model { status, decided_by, decided_at: Some(work.now), decision, ..hold }))
}
