//! Books what an activity earns or costs.

use entity::kind::{ActivityKind, EntryKind, EntrySource, LedgerAccount, WorkKind};
use entity::rules::Rules;
use entity::scalar::{Currency, Date, Money, Points, Timestamp};
use entity::shape::Finding;
use entity::{account, activity, points_entry};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::correction::{self, correction, reversal};
use super::field::filled;
use super::photo;
use super::position::Position;
use super::score::{Booking, Facts, Scorer};
use super::totals::Place;
use crate::appeal;
use crate::appeal::decide::overtake;
use crate::captured::Captured;
use crate::change::{Context, Settings};
use crate::hold;
use crate::hold::detect::redated;
use crate::ledger::{self, Posting};
use crate::problem::{Code, Refusal};
use crate::work::UnitOfWork;

/// The first entry of a new activity; an award that stands out waits for a review.
pub fn entered(work: &mut UnitOfWork, context: &Context, activity: &activity::Model) -> Result<(), Refusal> {
    let settings = context.settings();
    let Some(booking) = worth(work, settings, activity) else { return Ok(()) };
    let findings = findings(work, context, activity, booking.points.0, None);
    if findings.is_empty() {
        return add(work, settings, activity, LedgerAccount::Rep, booking).map(drop);
    }
    let Booking { points, mut explanation, .. } = booking;
    explanation.en.0 += " It waits for a review.";
    explanation.zh.0 += "该奖励待复核。";
    let held = Booking { points, money: None, kind: EntryKind::Hold, explanation };
    let entry_id = add(work, settings, activity, LedgerAccount::Held, held)?;
    hold::raise(work, settings, activity, entry_id, points, findings);
    Ok(())
}

/// The difference that a correction makes, if it makes one.
pub fn corrected(work: &mut UnitOfWork, context: &Context, activity: &activity::Model) -> Result<(), Refusal> {
    let settings = context.settings();
    let Some(latest) = latest(work, activity) else { return Ok(()) };
    let Some(now) = worth(work, settings, activity) else { return Ok(()) };
    let entries = ledger::about(work, activity.id, activity.owner_id);
    let newest = entries.iter().filter_map(|entry| entry.explanation.occurred).max();
    let is_later = is_own(work, activity) && newest < Some(began(activity));
    if is_later && !appeal::decide::open(work, activity.id, activity.owner_id).is_empty() {
        let detail = "You appealed against the fine for this activity: its time stays until that is decided. Say in the \
                      appeal what is wrong with it, or ask your manager to correct it.";
        return Err(Refusal::conflict(Code::Locked, detail));
    }
    let lacks = settled(work, activity, now.points.0)?;
    let booked = Points(now.points.0 - lacks);
    let Some(booking) = correction(EntrySource::Activity, booked, &latest.explanation, &now) else { return Ok(()) };
    // What a review refused gives no money back either.
    let is_refused = !position(work, activity).denied.is_zero() && now.money.is_none();
    let money = if is_refused { None } else { less_fined(work, activity, now.money) };
    book(work, context, activity, Booking { money, ..booking }, newest)
}

/// Takes back what a deleted activity brought. A fine stays if it was its author who deleted it: that it was entered late
/// is true all the same, and who thinks that it is unjust appeals. What a manager or an admin deletes costs nothing.
pub fn deleted(work: &mut UnitOfWork, context: &Context, activity: &activity::Model) -> Result<(), Refusal> {
    let Some(latest) = latest(work, activity) else { return Ok(()) };
    let before = position(work, activity);
    let is_own = is_own(work, activity);
    let stays = if is_own { before.fine() } else { Decimal::ZERO };
    let booked = Points(-settled(work, activity, stays)?);
    let Some(booking) = reversal(EntrySource::Activity, booked, &latest.explanation) else { return Ok(()) };
    let money = if is_own { owed(work, activity, -before.lent) } else { less_fined(work, activity, None) };
    book(work, context, activity, Booking { money, ..booking }, None)
}

/// Whether it is its author who writes.
fn is_own(work: &UnitOfWork, activity: &activity::Model) -> bool {
    work.actor.user_id == activity.owner_id
}

/// What the books lack to an activity that is worth so much now. If they lack anything, appeals against what is
/// corrected are over.
fn settled(work: &mut UnitOfWork, activity: &activity::Model, worth: Decimal) -> Result<Decimal, Refusal> {
    let lacks = position(work, activity).lacks(worth);
    if !lacks.is_zero() {
        overtake(work, activity.id, activity.owner_id)?;
    }
    Ok(lacks)
}

/// Books a difference on the sides that it belongs to, the money with the first of them. `newest`: the latest
/// time at which it began by the entries before.
fn book(
    work: &mut UnitOfWork,
    context: &Context,
    activity: &activity::Model,
    booking: Booking,
    newest: Option<Timestamp>,
) -> Result<(), Refusal> {
    let settings = context.settings();
    let findings = findings(work, context, activity, booking.points.0, newest);
    let waits = !findings.is_empty() || !hold::open(work, activity.id).is_empty();
    let mut money = booking.money.clone();
    for (side, points) in position(work, activity).steps(booking.points.0, waits) {
        let part = Booking { points: Points(points), money: money.take(), ..booking.clone() };
        let entry_id = add(work, settings, activity, side, part)?;
        match side {
            LedgerAccount::Held if points > Decimal::ZERO => {
                hold::raise(work, settings, activity, entry_id, Points(points), findings.clone());
            }
            LedgerAccount::Held => hold::lower(work, activity.id, Points(-points)),
            _ => {}
        }
    }
    Ok(())
}

/// What stands out about an activity that gains points; a loss is not looked at.
fn findings(
    work: &UnitOfWork,
    context: &Context,
    activity: &activity::Model,
    gain: Decimal,
    newest: Option<Timestamp>,
) -> Vec<Finding> {
    if gain <= Decimal::ZERO {
        return Vec::new();
    }
    let settings = context.settings();
    let mut findings = context.lately.findings(work, settings, activity);
    if let Some(before) = newest.filter(|newest| is_own(work, activity) && *newest < began(activity)) {
        findings.push(redated(before, began(activity), settings.zone));
    }
    findings
}

/// When it began, as far as anything tells: a check-in proves that it was no later.
pub fn began(activity: &activity::Model) -> Timestamp {
    activity.check_in.as_ref().map_or(activity.occurred, |check| check.at.min(activity.occurred))
}

fn position(work: &UnitOfWork, activity: &activity::Model) -> Position {
    Position::of(ledger::about(work, activity.id, activity.owner_id))
}

/// What is fined in money now, less what was; `None` where that is nothing, or the currency is another one by now.
fn less_fined(
    work: &UnitOfWork,
    activity: &activity::Model,
    now: Option<(Money, Currency)>,
) -> Option<(Money, Currency)> {
    let entries = ledger::about(work, activity.id, activity.owner_id);
    let currency = entries.iter().rev().find_map(|entry| entry.currency.clone()).map(Currency);
    correction::money(now, Position::of(entries).money, currency)
}

/// An amount in the currency of the last fine, unless it is none.
fn owed(work: &UnitOfWork, activity: &activity::Model, amount: Decimal) -> Option<(Money, Currency)> {
    let entries = ledger::about(work, activity.id, activity.owner_id);
    let currency = entries.iter().rev().find_map(|entry| entry.currency.clone()).map(Currency)?;
    (!amount.is_zero()).then_some((Money(amount), currency))
}

/// Timeliness is judged by the first entry, completeness by what stands there now, both by the rules under which it was
/// entered.
fn worth(work: &UnitOfWork, settings: &Settings, activity: &activity::Model) -> Option<Booking> {
    let entries = ledger::about(work, activity.id, activity.owner_id);
    let latest = entries.last().map(|entry| &entry.explanation);
    let scorer = settings.scorer(latest.map(|latest| latest.rule_set_version));
    let hours = scorer.rules.hours;
    let place = Place {
        user_id: activity.owner_id,
        kind: EntrySource::Activity,
        source_id: activity.id,
        account_id: Some(activity.account_id),
        day: settings.day(activity.occurred),
    };
    let account = work.get::<account::Model>(activity.account_id).map(|account| account.name.as_str());
    scorer.score(&Facts {
        kind: work_kind(activity.kind),
        about: account,
        occurred: began(activity),
        captured: Captured { at: activity.captured, proven: activity.captured_proven },
        received: activity.received,
        filled: &filled(activity, photo::is_there(work, activity.id)),
        judged: latest.and_then(|latest| Scorer::judged(latest, began(activity), activity.captured, hours)),
        room: settings.room(work, &scorer, place),
    })
}

/// The rules by which an activity is judged: those under which it was entered.
pub fn rules_of<'a>(work: &UnitOfWork, settings: &'a Settings, activity: &activity::Model) -> &'a Rules {
    let entries = ledger::about(work, activity.id, activity.owner_id);
    settings.scorer(entries.last().map(|entry| entry.explanation.rule_set_version)).rules
}

/// The kind of work that an activity is.
pub fn work_kind(kind: ActivityKind) -> WorkKind {
    match kind {
        ActivityKind::Visit => WorkKind::Visit,
        ActivityKind::Call => WorkKind::Call,
        ActivityKind::Meeting => WorkKind::Meeting,
        ActivityKind::Email => WorkKind::Email,
        ActivityKind::Note => WorkKind::Note,
    }
}

/// The newest entry of the activity's owner about it.
fn latest(work: &UnitOfWork, activity: &activity::Model) -> Option<points_entry::Model> {
    ledger::about(work, activity.id, activity.owner_id).last().map(|entry| (*entry).clone())
}

fn add(
    work: &mut UnitOfWork,
    settings: &Settings,
    activity: &activity::Model,
    on: LedgerAccount,
    booking: Booking,
) -> Result<Uuid, Refusal> {
    let posting = Posting {
        user_id: activity.owner_id,
        source: (EntrySource::Activity, activity.id),
        number: ledger::next_number(work, activity.id, activity.owner_id),
        kind: booking.kind,
        on,
        counterpart: LedgerAccount::Rewards,
        points: booking.points,
        leads: 0,
        money: booking.money,
        day: Date(activity.occurred.0.with_timezone(&settings.zone).date_naive()),
        account_id: Some(activity.account_id),
        entry_id: None,
        offence: None,
        explanation: booking.explanation,
    };
    ledger::post(work, posting)
}
