//! What becomes of a fine on appeal: it is taken back, or it stands.

use entity::appeal;
use entity::kind::{AppealStatus, EntryKind, LedgerAccount};
use entity::points_entry;
use entity::rules::Explanation;
use entity::scalar::{Points, Text};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{about, credit};
use crate::change::{Change, Outcome, current};
use crate::ledger::review::{Ruling, may_review};
use crate::ledger::{self, Posting};
use crate::points::words;
use crate::problem::{Code, Refusal};
use crate::work::UnitOfWork;

/// A manager or an admin grants the appeal, or not.
pub fn decide(work: &mut UnitOfWork, change: &Change, grants: bool, ruling: &Ruling) -> Result<Outcome, Refusal> {
    let appeal: appeal::Model = current(work, change)?;
    may_review(work, appeal.user_id)?;
    if appeal.status != AppealStatus::Open {
        return Err(Refusal::conflict(Code::Conflict, "This appeal has been decided already."));
    }
    let reason = &ruling.reason.0;
    let told = if grants {
        (
            format!("The appeal was granted: {reason}. The fine is taken back"),
            format!("申诉成立：{reason}。扣分予以撤销"),
        )
    } else {
        (format!("The appeal was rejected: {reason}. The fine stands"), format!("申诉不成立：{reason}。维持扣分"))
    };
    let revision = settle(work, appeal, grants, Some(reason.clone()), told)?;
    Ok(Outcome { revision, ..Outcome::default() })
}

/// A correction takes the fine back by itself: the appeal against it has nothing to be decided any more. Call it before
/// what takes the fine back is booked.
pub fn overtake(work: &mut UnitOfWork, source_id: Uuid, user_id: Uuid) -> Result<(), Refusal> {
    for appeal in open(work, source_id, user_id) {
        let told = (
            "What was fined was corrected, which decides the appeal: the fine counts again and is taken back with it"
                .to_owned(),
            "所涉内容已更正，申诉随之了结：扣分恢复计入，并随更正冲销".to_owned(),
        );
        let decision = Some("What was fined was corrected or deleted, and the fine with it.".to_owned());
        restore(work, &appeal, told)?;
        let decided_at = Some(work.now);
        work.put(appeal::Model { status: AppealStatus::Granted, decided_at, decision, ..appeal });
    }
    Ok(())
}

/// The appeals against fines about this record that nobody has decided.
pub fn open(work: &UnitOfWork, source_id: Uuid, user_id: Uuid) -> Vec<appeal::Model> {
    let entries = ledger::about(work, source_id, user_id);
    let fines: Vec<Uuid> =
        entries.iter().filter(|entry| entry.kind == EntryKind::Freeze).filter_map(|entry| entry.entry_id).collect();
    let open = |appeal: &&appeal::Model| appeal.status == AppealStatus::Open && fines.contains(&appeal.entry_id);
    work.live::<appeal::Model>().filter(open).cloned().collect()
}

fn settle(
    work: &mut UnitOfWork,
    appeal: appeal::Model,
    grants: bool,
    decision: Option<String>,
    told: (String, String),
) -> Result<i32, Refusal> {
    if grants {
        let (fine, frozen) = parts(work, &appeal)?;
        let explanation = explain(&fine, frozen.points, told);
        let posting = Posting {
            on: LedgerAccount::Held,
            counterpart: LedgerAccount::Rewards,
            points: frozen.points,
            ..about(work, &fine, explanation)
        };
        ledger::post(work, posting)?;
    } else {
        restore(work, &appeal, told)?;
    }
    let decided_by = Some(work.actor.user_id).filter(|user| !user.is_nil());
    let status = if grants { AppealStatus::Granted } else { AppealStatus::Rejected };
    Ok(work.put(appeal::Model { status, decided_by, decided_at: Some(work.now), decision, ..appeal }))
}

/// The fine counts again.
fn restore(work: &mut UnitOfWork, appeal: &appeal::Model, told: (String, String)) -> Result<(), Refusal> {
    let (fine, frozen) = parts(work, appeal)?;
    let points = Points(-frozen.points.0);
    let explanation = explain(&fine, points, told);
    let money = credit(&fine, -frozen.money.map_or(Decimal::ZERO, |money| money.0));
    let posting = Posting { points, money, ..about(work, &fine, explanation) };
    ledger::post(work, posting).map(drop)
}

/// The fine, and the entry that froze it.
fn parts(work: &UnitOfWork, appeal: &appeal::Model) -> Result<(points_entry::Model, points_entry::Model), Refusal> {
    let fine = work.get::<points_entry::Model>(appeal.entry_id).cloned().ok_or_else(Refusal::internal)?;
    let frozen = ledger::about(work, fine.source_id, fine.user_id)
        .into_iter()
        .find(|entry| entry.kind == EntryKind::Freeze && entry.entry_id == Some(fine.id))
        .cloned()
        .ok_or_else(Refusal::internal)?;
    Ok((fine, frozen))
}

fn explain(fine: &points_entry::Model, points: Points, (en, zh): (String, String)) -> Explanation {
    let arithmetic = words::points(points);
    Explanation {
        en: Text(format!("{en}: {arithmetic}.")),
        zh: Text(format!("{zh}：{arithmetic}。")),
        arithmetic: Text(arithmetic),
        ..fine.explanation.clone()
    }
}
