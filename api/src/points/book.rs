//! Books what an activity earns or costs: entries are only ever added, and the balance moves with them.

use entity::{activity, points_balance, points_entry};
use uuid::Uuid;

use super::correction::{correction, reversal};
use super::field::filled;
use super::score::{Booking, Facts, score};
use crate::captured::Captured;
use crate::change::Settings;
use crate::work::UnitOfWork;
use entity::scalar::Points;

/// The first entry of a new activity.
pub fn entered(work: &mut UnitOfWork, settings: &Settings, activity: &activity::Model) {
    let booking = worth(settings, activity);
    add(work, activity, 1, booking);
}

/// The difference that a correction makes, if it makes one.
pub fn corrected(work: &mut UnitOfWork, settings: &Settings, activity: &activity::Model) {
    let Some((booked, latest)) = booked(work, activity.id) else { return };
    if let Some(booking) = correction(booked, &latest.explanation, &worth(settings, activity)) {
        add(work, activity, latest.number + 1, booking);
    }
}

/// Takes back whatever a deleted activity brought.
pub fn deleted(work: &mut UnitOfWork, activity: &activity::Model) {
    let Some((booked, latest)) = booked(work, activity.id) else { return };
    if let Some(booking) = reversal(booked, &latest.explanation) {
        add(work, activity, latest.number + 1, booking);
    }
}

/// Timeliness is judged by the first entry, completeness by what stands there now.
fn worth(settings: &Settings, activity: &activity::Model) -> Booking {
    let facts = Facts {
        kind: activity.kind,
        occurred: activity.occurred,
        captured: Captured { at: activity.captured, proven: activity.captured_proven },
        received: activity.received,
        filled: &filled(activity),
        zone: settings.zone,
    };
    score(&settings.rules, settings.rule_set_version, &facts)
}

/// The sum of an activity's entries and the newest of them.
fn booked(work: &UnitOfWork, activity_id: Uuid) -> Option<(Points, points_entry::Model)> {
    let entries = || work.live::<points_entry::Model>().filter(|entry| entry.activity_id == activity_id);
    let latest = entries().max_by_key(|entry| entry.number)?.clone();
    Some((Points(entries().map(|entry| entry.points.0).sum()), latest))
}

fn add(work: &mut UnitOfWork, activity: &activity::Model, number: i32, booking: Booking) {
    let (tenant_id, now, user_id) = (work.actor.tenant_id, work.now, activity.owner_id);
    let balance = work.get::<points_balance::Model>(user_id).cloned();
    let balance = balance.unwrap_or(points_balance::Model {
        tenant_id,
        id: user_id,
        revision: 0,
        created_at: now,
        updated_at: now,
        deleted_at: None,
        points: Points::default(),
        entries: 0,
    });
    work.put(points_balance::Model {
        points: Points(balance.points.0 + booking.points.0),
        entries: balance.entries + 1,
        ..balance
    });
    work.put(points_entry::Model {
        tenant_id,
        id: Uuid::now_v7(),
        revision: 0,
        created_at: now,
        updated_at: now,
        deleted_at: None,
        user_id,
        activity_id: activity.id,
        number,
        kind: booking.kind,
        points: booking.points,
        explanation: booking.explanation,
    });
}
