//! Payouts: points that leave the books because the tenant pays for them elsewhere.

use entity::kind::{EntryKind, EntrySource, LedgerAccount, Role};
use entity::rules::Explanation;
use entity::scalar::{Date, Line, Points, Text};
use entity::{points_entry, user};
use poem_openapi::Object;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{Posting, balance, next_number, post_as};
use crate::change::{Change, Context, Intent, Outcome};
use crate::points::words;
use crate::problem::{Code, FieldError, Refusal};
use crate::work::UnitOfWork;

/// Points that are paid out.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct PayOut {
    /// Whose.
    pub user_id: Uuid,
    /// More than zero, at most what the balance has.
    pub points: Points,
    /// What for, or where it is booked; the rep reads it.
    pub note: Option<Line>,
}

/// Whose balances and own entries these changes need.
pub fn users(changes: &[Change]) -> Vec<Uuid> {
    let of = |change: &Change| match &change.intent {
        Intent::PayOut(payout) => Some(payout.user_id),
        _ => None,
    };
    changes.iter().filter_map(of).collect()
}

pub fn pay(work: &mut UnitOfWork, context: &Context, change: &Change, payout: &PayOut) -> Result<Outcome, Refusal> {
    if work.actor.role != Role::Admin {
        return Err(Refusal::forbidden("Only an administrator pays points out."));
    }
    if work.get::<points_entry::Model>(change.id).is_some() {
        let taken = FieldError::new("/id", "This id is taken. Make a new UUIDv7.");
        return Err(Refusal::fields(Code::Duplicate, vec![taken]));
    }
    let live = |user: &&user::Model| user.deleted_at.is_none();
    if work.get::<user::Model>(payout.user_id).filter(live).is_none() {
        return Err(Refusal::invalid("/userId", "There is no such user."));
    }
    let points = payout.points.0.normalize();
    if points <= Decimal::ZERO || points.scale() > 2 {
        return Err(Refusal::invalid("/points", "Must be more than zero, with at most two digits after the point."));
    }
    let settings = context.settings();
    let before = balance(work, payout.user_id).points;
    let after = Points(before.0 - points);
    let arithmetic =
        format!("{} − {} = {}", words::points(before), words::points(Points(points)), words::points(after));
    let (note_en, note_zh) =
        payout.note.as_ref().map_or_else(Default::default, |note| (format!(" {note}."), format!("{note}。")));
    let explanation = Explanation {
        rule_set_version: settings.rule_set_version,
        occurred: None,
        captured: None,
        captured_proven: None,
        received: None,
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
        en: Text(format!("Paid out: {}.{note_en} Balance: {arithmetic}.", words::points(Points(points)))),
        zh: Text(format!("已兑付：{} 分。{note_zh}余额：{arithmetic}。", words::points(Points(points)))),
        arithmetic: Text(arithmetic),
    };
    let posting = Posting {
        user_id: payout.user_id,
        source: (EntrySource::User, payout.user_id),
        number: next_number(work, payout.user_id, payout.user_id),
        kind: EntryKind::Payout,
        on: LedgerAccount::Rep,
        counterpart: LedgerAccount::Rewards,
        points: Points(-points),
        leads: 0,
        money: None,
        day: Date(work.now.0.with_timezone(&settings.zone).date_naive()),
        account_id: None,
        entry_id: None,
        offence: None,
        explanation,
    };
    post_as(work, change.id, posting)?;
    Ok(Outcome { revision: 1, ..Outcome::default() })
}
