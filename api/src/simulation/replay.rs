//! Scores a history of activities anew, write by write, as booking did: the first entry, what corrections changed, and what
//! a deletion took back. The steps are those of `points::book` on the functions that it uses; here nothing is written,
//! and what was booked so far is kept in memory.
//!
//! Times that a phone could not prove are taken as they were bounded when they came in. What a review denied, and what an
//! appeal took back, is nobody's rule: it is not replayed.

use std::collections::HashMap;

use entity::activity;
use entity::kind::{EntryKind, EntrySource};
use entity::rules::{Caps, Explanation};
use entity::scalar::{Currency, Date, Money, Points};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::captured::Captured;
use crate::points::book::work_kind;
use crate::points::correction::{correction, money, reversal};
use crate::points::field::filled;
use crate::points::score::{Booking, Facts, Scorer};
use crate::points::totals::{Place, Totals};

/// One write of an activity.
#[derive(Clone, Debug)]
pub struct Event {
    pub step: Step,
    /// As it stood after the write.
    pub activity: activity::Model,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Created,
    Changed,
    Deleted,
}

/// What would have been booked.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub user_id: Uuid,
    pub source_id: Uuid,
    pub number: i32,
    pub kind: EntryKind,
    pub points: Points,
    pub money: Option<(Money, Currency)>,
    pub day: Date,
}

/// What has been booked for one activity.
struct Booked {
    points: Points,
    /// What was fined in money, and in which currency.
    fined: Decimal,
    currency: Option<Currency>,
    number: i32,
    latest: Explanation,
}

/// A ledger that only remembers what it needs to go on.
pub struct Replay<'a> {
    scorer: Scorer<'a>,
    totals: Totals,
    booked: HashMap<Uuid, Booked>,
}

impl<'a> Replay<'a> {
    pub fn new(scorer: Scorer<'a>) -> Self {
        Replay { scorer, totals: Totals::default(), booked: HashMap::new() }
    }

    /// The entry that this write makes, if it makes one. `judged`: how the real ledger explained the first entry, whose
    /// delay was reckoned with the calendar of its day.
    pub fn apply(&mut self, event: &Event, judged: Option<&Explanation>) -> Option<Entry> {
        let activity = &event.activity;
        let place = Place {
            user_id: activity.owner_id,
            kind: EntrySource::Activity,
            source_id: activity.id,
            account_id: Some(activity.account_id),
            day: self.scorer.calendar.day(activity.occurred),
        };
        let before = self.booked.get(&activity.id);
        let booking = match (event.step, before) {
            (Step::Created, None) => self.worth(activity, judged, place)?,
            (Step::Changed, Some(booked)) => {
                let now = self.worth(activity, Some(&booked.latest), place)?;
                let fined = money(now.money.clone(), booked.fined, booked.currency.clone());
                Booking { money: fined, ..correction(EntrySource::Activity, booked.points, &booked.latest, &now)? }
            }
            (Step::Deleted, Some(booked)) => {
                let fined = money(None, booked.fined, booked.currency.clone());
                Booking { money: fined, ..reversal(EntrySource::Activity, booked.points, &booked.latest)? }
            }
            _ => return None,
        };
        let (number, points) =
            before.map_or((1, booking.points.0), |booked| (booked.number + 1, booked.points.0 + booking.points.0));
        self.totals.set(place, points);
        let entry = Entry {
            user_id: activity.owner_id,
            source_id: activity.id,
            number,
            kind: booking.kind,
            points: booking.points,
            money: booking.money.clone(),
            day: place.day,
        };
        let (fined, currency) = before.map_or((Decimal::ZERO, None), |before| (before.fined, before.currency.clone()));
        let booked = Booked {
            points: Points(points),
            fined: fined + booking.money.as_ref().map_or(Decimal::ZERO, |(money, _)| money.0),
            currency: booking.money.map(|(_, currency)| currency).or(currency),
            number,
            latest: booking.explanation,
        };
        self.booked.insert(activity.id, booked);
        Some(entry)
    }

    fn worth(&self, activity: &activity::Model, judged: Option<&Explanation>, place: Place) -> Option<Booking> {
        let rules = self.scorer.rules;
        self.scorer.score(&Facts {
            kind: work_kind(activity.kind),
            occurred: activity.occurred,
            captured: Captured { at: activity.captured, proven: activity.captured_proven },
            received: activity.received,
            filled: &filled(activity),
            judged: judged.and_then(|j| Scorer::judged(j, activity.occurred, activity.captured, rules.hours)),
            room: if rules.caps == Caps::default() { None } else { self.totals.room(&rules.caps, place) },
        })
    }
}
