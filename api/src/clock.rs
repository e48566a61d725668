//! What time it is. The server owns one clock and hands it down; only this file asks the machine.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use entity::scalar::Timestamp;

/// The machine's clock, or one that stands still until a test moves it. Clones of a clock show the same time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Fixed(Arc<Mutex<DateTime<Utc>>>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Clock(Source::System)
    }

    /// A clock that stands at `moment` until [`Clock::set`] or [`Clock::advance`] moves it.
    pub fn fixed(moment: DateTime<Utc>) -> Self {
        Clock(Source::Fixed(Arc::new(Mutex::new(moment))))
    }

    /// This moment, cut to the millisecond.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => system_now().into(),
            Source::Fixed(hand) => (*lock(hand)).into(),
        }
    }

    /// Puts a fixed clock to `moment`, forward or backward.
    ///
    /// # Panics
    /// The machine's clock cannot be set.
    pub fn set(&self, moment: DateTime<Utc>) {
        *self.hand() = moment;
    }

    /// Moves a fixed clock by `span`, backward where it is negative.
    ///
    /// # Panics
    /// The machine's clock cannot be moved.
    pub fn advance(&self, span: TimeDelta) {
        *self.hand() += span;
    }

    fn hand(&self) -> MutexGuard<'_, DateTime<Utc>> {
        match &self.0 {
            Source::System => panic!("the machine's clock is not ours to move: make the clock with Clock::fixed"),
            Source::Fixed(hand) => lock(hand),
        }
    }
}

/// A test that panicked while it held the lock left a whole time behind: poison means nothing here.
fn lock(hand: &Mutex<DateTime<Utc>>) -> MutexGuard<'_, DateTime<Utc>> {
    hand.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for the time")]
fn system_now() -> DateTime<Utc> {
    Utc::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> DateTime<Utc> {
        "2026-03-02T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_fixed_clock_moves_only_when_told_and_for_all_who_hold_it() {
        let clock = Clock::fixed(noon());
        let held_elsewhere = clock.clone();
        assert_eq!(clock.now(), noon().into());
        clock.advance(TimeDelta::hours(2));
        assert_eq!(held_elsewhere.now(), (noon() + TimeDelta::hours(2)).into());
        held_elsewhere.advance(TimeDelta::hours(-3));
        assert_eq!(clock.now(), (noon() - TimeDelta::hours(1)).into());
        clock.set(noon());
        assert_eq!(held_elsewhere.now(), noon().into());
    }

    #[test]
    fn times_are_cut_to_the_millisecond_that_the_wire_carries() {
        let clock = Clock::fixed(noon() + TimeDelta::nanoseconds(1_999_999));
        assert_eq!(clock.now().to_string(), "2026-03-02T12:00:00.001Z");
    }

    #[test]
    fn the_system_clock_runs() {
        let clock = Clock::system();
        let before = clock.now();
        assert!(before.0 > noon() - TimeDelta::days(366 * 5), "{before}");
        assert!(clock.now() >= before);
    }

    #[test]
    #[should_panic(expected = "not ours to move")]
    fn the_system_clock_cannot_be_set() {
        Clock::system().set(noon());
    }
}
