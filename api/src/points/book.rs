//! Books what an activity earns or costs.

use entity::kind::{ActivityKind, EntrySource, LedgerAccount, WorkKind};
use entity::{activity, points_entry};
use uuid::Uuid;

use super::correction::{correction, reversal};
use super::field::filled;
use super::score::{Booking, Facts, score};
use crate::captured::Captured;
use crate::change::Settings;
use crate::ledger::{self, Posting};
use crate::problem::Refusal;
use crate::work::UnitOfWork;
use entity::scalar::{Date, Points};

/// The first entry of a new activity.
pub fn entered(work: &mut UnitOfWork, settings: &Settings, activity: &activity::Model) -> Result<(), Refusal> {
    match worth(settings, activity) {
        Some(booking) => add(work, settings, activity, 1, booking),
        None => Ok(()),
    }
}

/// The difference that a correction makes, if it makes one.
pub fn corrected(work: &mut UnitOfWork, settings: &Settings, activity: &activity::Model) -> Result<(), Refusal> {
    let Some((booked, latest)) = booked(work, activity.id) else { return Ok(()) };
    let now = worth(settings, activity);
    match now.and_then(|now| correction(booked, &latest.explanation, &now)) {
        Some(booking) => add(work, settings, activity, latest.number + 1, booking),
        None => Ok(()),
    }
}

/// Takes back whatever a deleted activity brought.
pub fn deleted(work: &mut UnitOfWork, settings: &Settings, activity: &activity::Model) -> Result<(), Refusal> {
    let Some((booked, latest)) = booked(work, activity.id) else { return Ok(()) };
    match reversal(booked, &latest.explanation) {
        Some(booking) => add(work, settings, activity, latest.number + 1, booking),
        None => Ok(()),
    }
}

/// Timeliness is judged by the first entry, completeness by what stands there now.
fn worth(settings: &Settings, activity: &activity::Model) -> Option<Booking> {
    let facts = Facts {
        kind: work_kind(activity.kind),
        occurred: activity.occurred,
        captured: Captured { at: activity.captured, proven: activity.captured_proven },
        received: activity.received,
        filled: &filled(activity),
        zone: settings.zone,
    };
    score(&settings.rules, settings.rule_set_version, &facts)
}

fn work_kind(kind: ActivityKind) -> WorkKind {
    match kind {
        ActivityKind::Visit => WorkKind::Visit,
        ActivityKind::Call => WorkKind::Call,
        ActivityKind::Meeting => WorkKind::Meeting,
        ActivityKind::Email => WorkKind::Email,
        ActivityKind::Note => WorkKind::Note,
    }
}

/// The sum of an activity's entries and the newest of them.
fn booked(work: &UnitOfWork, activity_id: Uuid) -> Option<(Points, points_entry::Model)> {
    let entries = || work.live::<points_entry::Model>().filter(|entry| entry.source_id == activity_id);
    let latest = entries().max_by_key(|entry| entry.number)?.clone();
    Some((Points(entries().map(|entry| entry.points.0).sum()), latest))
}

fn add(
    work: &mut UnitOfWork,
    settings: &Settings,
    activity: &activity::Model,
    number: i32,
    booking: Booking,
) -> Result<(), Refusal> {
    let posting = Posting {
        user_id: activity.owner_id,
        source: (EntrySource::Activity, activity.id),
        number,
        kind: booking.kind,
        on: LedgerAccount::Rep,
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
    ledger::post(work, posting).map(drop)
}
