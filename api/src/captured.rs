//! When an entry was typed, judged from the phone's clocks. What the moment earns or costs is `points`' business.
//!
//! The wall clock of a phone can be set by whoever holds it. Its monotonic clock (which must be one that also counts
//! while the phone sleeps) cannot, and it runs through as long as the boot id stays the same. So the age of an entry
//! at the push is the difference of two monotonic readings, and the server's own clock does the rest.

use chrono::TimeDelta;
use entity::scalar::Timestamp;

/// No phone is up for longer than this, in days: a greater age by the monotonic clock is a broken reading.
const LONGEST_UPTIME_DAYS: i64 = 400;

/// What a phone's clocks showed at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The clock that the user sees and may set.
    pub wall: Timestamp,
    /// Milliseconds since some moment that stays the same until the phone restarts.
    pub monotonic_ms: i64,
    /// Changes with every start of the phone; empty where the phone cannot tell.
    pub boot_id: String,
}

/// The readings of an entry and of the push that brought it.
#[derive(Clone, Copy, Debug)]
pub struct Readings<'a> {
    /// When the entry was typed.
    pub captured: &'a Reading,
    /// When the push left the phone.
    pub sent: &'a Reading,
}

/// When an entry was typed, and whether that rests on more than the phone's wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Captured {
    /// Never later than the receipt.
    pub at: Timestamp,
    /// True where the phone's monotonic clock vouches for it.
    pub proven: bool,
}

/// Judges when an entry was typed that the server got at `received`.
///
/// - Both readings carry one boot id: `received − (sent.monotonic − captured.monotonic)`, proven.
/// - Otherwise the wall clock, corrected by the offset that it shows at this push, and not earlier than
///   the `grace` before the receipt: unproven.
/// - No readings: the receipt, unproven. That is harmless on both sides: no entry is typed after its receipt, so
///   leaving the readings out can only make the delay longer, and what is unproven is never fined.
pub fn captured(readings: Option<Readings<'_>>, received: Timestamp, grace: TimeDelta) -> Captured {
    let Some(readings) = readings else { return Captured { at: received, proven: false } };
    if let Some(age) = monotonic_age(readings) {
        return Captured { at: (received.0 - age).into(), proven: true };
    }
    // Same as `captured.wall + (received - sent.wall)`, without leaving the range of times on the way.
    let age = readings.sent.wall.0 - readings.captured.wall.0;
    Captured { at: (received.0 - age.clamp(TimeDelta::zero(), grace.max(TimeDelta::zero()))).into(), proven: false }
}

/// The age of the entry when it was sent, by the monotonic clock; `None` where the readings prove nothing.
fn monotonic_age(Readings { captured, sent }: Readings<'_>) -> Option<TimeDelta> {
    let one_boot = captured.boot_id == sent.boot_id && !captured.boot_id.trim().is_empty();
    let age = sent.monotonic_ms.checked_sub(captured.monotonic_ms).and_then(TimeDelta::try_milliseconds)?;
    (one_boot && (TimeDelta::zero()..=TimeDelta::days(LONGEST_UPTIME_DAYS)).contains(&age)).then_some(age)
}

#[cfg(test)]
mod tests;
