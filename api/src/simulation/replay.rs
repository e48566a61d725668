//! Books a history anew, write by write, as it was booked: what came in, what corrections changed, and what a deletion
//! took back. Every score, share and step is that of `points`; here nothing is written, and what was booked so far is
//! kept in memory.
//!
//! Times that a phone could not prove are taken as they were bounded when they came in. What a review denied, and what an
//! appeal took back, is nobody's rule: it is not replayed.

use std::collections::HashMap;

use entity::kind::{CardKind, EntryKind, EntrySource, StageKey, WorkKind};
use entity::rules::{Caps, Explanation};
use entity::scalar::{Currency, Date, Money, Points, Timestamp};
use entity::{activity, opportunity, plan, stage_move};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::captured::Captured;
use crate::points::book::{began, work_kind};
use crate::points::card::{self, Card};
use crate::points::cards::Timeliness;
use crate::points::correction::reversal;
use crate::points::field::{Filled, filled, filled_opportunity, filled_plan};
use crate::points::plans::is_kept;
use crate::points::score::{Booking, Facts, Scorer};
use crate::points::signing::{Signature, bookings};
use crate::points::source::{Paid, difference};
use crate::points::totals::{Place, Totals, is_capped};

/// One write that may earn or cost something.
#[derive(Clone, Debug)]
pub enum Event {
    Activity {
        step: Step,
        /// Whether it was its author who wrote.
        own: bool,
        /// As it stood after the write.
        activity: Box<activity::Model>,
        /// Whether a photo of it was there then.
        photo: bool,
        /// Its plan as it stood then, and when that was last set to its day.
        plan: Option<(Box<plan::Model>, Option<Timestamp>)>,
    },
    Move(Box<Moved>),
    /// An opportunity went, with its moves.
    Gone {
        opportunity_id: Uuid,
        moves: Vec<Uuid>,
    },
    Card(Box<CardChange>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Created,
    Changed,
    Deleted,
}

/// A stage move.
#[derive(Clone, Debug)]
pub struct Moved {
    pub moved: stage_move::Model,
    /// As it stood after the move.
    pub opportunity: opportunity::Model,
    /// Whether it led forward to where the opportunity had never been, by the hand of somebody who earns.
    pub earns: bool,
    /// Who documented the account before it was reassigned.
    pub contributor: Option<Uuid>,
}

/// A write of an account or a contact.
#[derive(Clone, Debug)]
pub struct CardChange {
    pub on: CardKind,
    pub id: Uuid,
    pub account_id: Uuid,
    pub before: Filled,
    pub after: Filled,
    /// Who wrote it, if he earns.
    pub author: Option<Uuid>,
    pub captured: Timestamp,
    /// When the account was visited first, by what was known then.
    pub visited: Option<Timestamp>,
}

/// What would have been booked.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub user_id: Uuid,
    pub source: (EntrySource, Uuid),
    /// Counts what the user earns by the source from 1; 0 for offences, which stand beside that.
    pub number: i32,
    pub kind: EntryKind,
    pub points: Points,
    pub money: Option<(Money, Currency)>,
    pub day: Date,
    /// Names an offence.
    pub offence: Option<String>,
}

/// What one source has brought one user.
struct Booked {
    points: Points,
    /// What was fined in money, and in which currency.
    fined: Decimal,
    currency: Option<Currency>,
    /// What of the points would wait for a review, and the money that came back with it; zero or less.
    waits: Decimal,
    lent: Decimal,
    /// The latest time at which it began by any of its entries.
    newest: Option<Timestamp>,
    number: i32,
    latest: Explanation,
    /// Of the first entry.
    place: Place,
}

/// What is known from before.
#[derive(Default)]
pub struct Known {
    /// How the real ledger explained what it booked, by source: delays were reckoned with the calendar of their day.
    pub explained: HashMap<Uuid, Vec<Explanation>>,
    /// Where the cards stood when the period began.
    pub cards: HashMap<Uuid, Card>,
}

/// A ledger that only remembers what it needs to go on.
pub struct Replay<'a> {
    scorer: Scorer<'a>,
    explained: HashMap<Uuid, Vec<Explanation>>,
    cards: HashMap<Uuid, Card>,
    totals: Totals,
    /// By source, then user.
    booked: HashMap<Uuid, Vec<(Uuid, Booked)>>,
}

impl<'a> Replay<'a> {
    pub fn new(scorer: Scorer<'a>, known: Known) -> Self {
        let Known { explained, cards } = known;
        Replay { scorer, explained, cards, totals: Totals::default(), booked: HashMap::new() }
    }

    /// The entries that this write makes.
    pub fn apply(&mut self, event: &Event) -> Vec<Entry> {
        match event {
            Event::Activity { step, own, activity, photo, plan } => {
                let mut made: Vec<Entry> = self.activity(*step, *own, activity, *photo).into_iter().collect();
                if let Some((plan, planned)) = plan {
                    made.extend(self.plan(plan, *planned, *step, activity));
                }
                made
            }
            Event::Move(moved) => self.moved(moved),
            Event::Gone { opportunity_id, moves } => {
                moves.iter().chain([opportunity_id]).flat_map(|source| self.take_back(*source)).collect()
            }
            Event::Card(change) => self.card(change),
        }
    }

    fn activity(&mut self, step: Step, own: bool, activity: &activity::Model, photo: bool) -> Option<Entry> {
        let place = self.place(EntrySource::Activity, activity.id, activity.owner_id, activity);
        let is_new = self.before(place).is_none();
        let facts = |filled| Facts {
            kind: work_kind(activity.kind),
            about: None,
            occurred: began(activity),
            captured: Captured { at: activity.captured, proven: activity.captured_proven },
            received: activity.received,
            filled,
            judged: None,
            room: None,
        };
        match (step, is_new) {
            (Step::Created, true) | (Step::Changed, false) => {
                let now = self.score(place, facts(&filled(activity, photo)))?;
                let before = self.before(place).and_then(|booked| booked.newest);
                let entry = self.settle(place, Some(now))?;
                self.wait(place, &entry, own && before.is_some_and(|before| before < began(activity)));
                Some(entry)
            }
            (Step::Deleted, false) if own => self.leave(place),
            (Step::Deleted, false) => self.settle(place, None),
            _ => None,
        }
    }

    fn plan(
        &mut self,
        plan: &plan::Model,
        planned: Option<Timestamp>,
        step: Step,
        activity: &activity::Model,
    ) -> Option<Entry> {
        let place = self.place(EntrySource::Plan, plan.id, activity.owner_id, activity);
        let is_kept = step != Step::Deleted && is_kept(plan, activity, place.day, planned);
        let facts = |filled| Facts {
            kind: WorkKind::Plan,
            about: None,
            occurred: began(activity),
            captured: Captured { at: activity.captured, proven: activity.captured_proven },
            received: activity.received,
            filled,
            judged: None,
            room: None,
        };
        let now = if is_kept { self.score(place, facts(&filled_plan(plan))) } else { None };
        self.settle(place, now)
    }

    fn moved(&mut self, Moved { moved, opportunity, earns, contributor }: &Moved) -> Vec<Entry> {
        let mut made = Vec::new();
        let captured = Captured { at: moved.captured, proven: moved.captured_proven };
        let place =
            |kind, source_id, user_id, day| Place { user_id, kind, source_id, account_id: opportunity.account_id, day };
        let day = self.scorer.calendar.day(moved.occurred);
        if *earns {
            let place = place(EntrySource::StageMove, moved.id, moved.actor_id, day);
            let facts = Facts {
                kind: WorkKind::StageMove,
                about: None,
                occurred: moved.occurred,
                captured,
                received: moved.received,
                filled: &filled_opportunity(opportunity),
                judged: None,
                room: None,
            };
            let now = self.score(place, facts);
            made.extend(now.and_then(|now| self.settle(place, Some(now))));
        }
        if moved.to_stage == StageKey::Signed && !moved.actor_id.is_nil() {
            let signature = Signature {
                opportunity,
                occurred: moved.occurred,
                captured,
                received: moved.received,
                contributor: *contributor,
            };
            for (user_id, booking) in bookings(&self.scorer.rules.leads, self.scorer.version, &signature) {
                made.extend(self.settle(place(EntrySource::Opportunity, opportunity.id, user_id, day), Some(booking)));
            }
        } else if moved.from_stage == Some(StageKey::Signed) {
            made.extend(self.take_back(opportunity.id));
        }
        made
    }

    fn card(&mut self, change: &CardChange) -> Vec<Entry> {
        let rules = self.scorer.rules;
        let rule = rules.customer.iter().find(|rule| rule.on == change.on);
        let kind = match change.on {
            CardKind::Account => EntrySource::Account,
            CardKind::Contact => EntrySource::Contact,
        };
        let day = self.scorer.calendar.day(change.captured);
        let place = |user_id| Place { user_id, kind, source_id: change.id, account_id: Some(change.account_id), day };
        let before = self.explained.get(&change.id).map_or(&[][..], Vec::as_slice);
        let percent = Timeliness::of(&self.scorer, rule, change.visited, change.captured, before).percent;
        let card = self.cards.entry(change.id).or_default();
        let room = |user_id| self.totals.room_beside(&rules.caps, place(user_id));
        let steps = card::steps(rule, card, (&change.before, &change.after), change.author, percent, room);
        let mut made = Vec::new();
        for step in steps {
            let card = self.cards.entry(change.id).or_default();
            step.fields.iter().for_each(|field| card::apply(card, step.user_id, field));
            let kind = if step.earns { EntryKind::Award } else { EntryKind::Reversal };
            let explanation = Explanation::bare(self.scorer.version);
            let booking = Booking { points: step.points(), money: None, kind, explanation };
            made.push(self.book(place(step.user_id), booking));
        }
        made
    }

    fn place(&self, kind: EntrySource, source_id: Uuid, user_id: Uuid, activity: &activity::Model) -> Place {
        let day = self.scorer.calendar.day(activity.occurred);
        Place { user_id, kind, source_id, account_id: Some(activity.account_id), day }
    }

    fn before(&self, place: Place) -> Option<&Booked> {
        let of = self.booked.get(&place.source_id)?;
        of.iter().find(|(user_id, _)| *user_id == place.user_id).map(|(_, booked)| booked)
    }

    /// The score, with a delay that was judged before and what caps leave.
    fn score(&self, place: Place, facts: Facts<'_>) -> Option<Booking> {
        let rules = self.scorer.rules;
        let judged = |before: &Explanation| Scorer::judged(before, facts.occurred, facts.captured.at, rules.hours);
        let latest = self.before(place).and_then(|booked| judged(&booked.latest));
        let explained = || self.explained.get(&place.source_id).and_then(|before| before.iter().find_map(judged));
        let room = if rules.caps == Caps::default() { None } else { self.totals.room(&rules.caps, place) };
        self.scorer.score(&Facts { judged: latest.or_else(explained), room, ..facts })
    }

    /// Brings the books to what the source is worth now; `None`: to nothing.
    fn settle(&mut self, place: Place, now: Option<Booking>) -> Option<Entry> {
        let booking = match self.before(place) {
            None => now?,
            Some(Booked { points, fined, currency, latest, .. }) => {
                let paid = Paid { points: *points, money: *fined, currency: currency.as_ref(), latest };
                difference(place.kind, paid, now.as_ref())?
            }
        };
        Some(self.book(place, booking))
    }

    /// Remembers what of an activity's points waits for a review because its author moved it to a later time.
    fn wait(&mut self, place: Place, entry: &Entry, redated: bool) {
        let mut of = self.booked.get_mut(&place.source_id).into_iter().flatten();
        let Some((_, booked)) = of.find(|(user_id, _)| *user_id == place.user_id) else { return };
        let money = entry.money.as_ref().map_or(Decimal::ZERO, |(money, _)| money.0);
        if entry.points.0 > Decimal::ZERO {
            if redated || !booked.waits.is_zero() {
                booked.waits += entry.points.0;
                booked.lent += money;
            }
        } else {
            booked.waits = (booked.waits + entry.points.0).max(Decimal::ZERO);
            booked.lent = if booked.waits.is_zero() { Decimal::ZERO } else { booked.lent + money };
        }
    }

    /// What its author's deletion books: a fine stays.
    fn leave(&mut self, place: Place) -> Option<Entry> {
        let Booked { points, waits, lent, currency, latest, .. } = self.before(place)?;
        let stays = (points.0 - waits).min(Decimal::ZERO);
        let owed = currency.clone().filter(|_| !lent.is_zero()).map(|currency| (Money(-lent), currency));
        let booking = reversal(place.kind, Points(points.0 - stays), latest)?;
        Some(self.book(place, Booking { money: owed, ..booking }))
    }

    /// Takes back from everybody what the source brought him, on the day for which he got it.
    fn take_back(&mut self, source_id: Uuid) -> Vec<Entry> {
        let of = self.booked.get(&source_id).into_iter().flatten();
        let places: Vec<Place> = of.map(|(_, booked)| booked.place).collect();
        places.into_iter().filter_map(|place| self.settle(place, None)).collect()
    }

    fn book(&mut self, place: Place, booking: Booking) -> Entry {
        if is_capped(place.kind) {
            self.totals.set(place, self.totals.earned(place) + booking.points.0);
        }
        let of = self.booked.entry(place.source_id).or_default();
        let at = of.iter().position(|(user_id, _)| *user_id == place.user_id).unwrap_or_else(|| {
            let latest = booking.explanation.clone();
            let none = Booked {
                points: Points::default(),
                fined: Decimal::ZERO,
                currency: None,
                waits: Decimal::ZERO,
                lent: Decimal::ZERO,
                newest: None,
                number: 0,
                latest,
                place,
            };
            of.push((place.user_id, none));
            of.len() - 1
        });
        let booked = &mut of[at].1;
        booked.points.0 += booking.points.0;
        booked.number += 1;
        booked.newest = booked.newest.max(booking.explanation.occurred);
        booked.latest = booking.explanation;
        if let Some((money, currency)) = &booking.money {
            booked.fined += money.0;
            booked.currency = Some(currency.clone());
        }
        Entry {
            user_id: place.user_id,
            source: (place.kind, place.source_id),
            number: booked.number,
            kind: booking.kind,
            points: booking.points,
            money: booking.money,
            day: place.day,
            offence: None,
        }
    }
}
