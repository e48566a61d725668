//! What users have earned on their days so far, and what a cap leaves. One day's work is what took place on that day,
//! whenever it was entered.

use std::collections::HashMap;

use entity::kind::{EntrySource, LedgerAccount};
use entity::points_entry;
use entity::rules::Caps;
use entity::scalar::Date;
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::offence::book::is_offence;

/// What one source has brought its user.
#[derive(Clone, Copy, Debug)]
struct Earned {
    day: Date,
    account_id: Option<Uuid>,
    points: Decimal,
}

/// Running totals. Live booking fills them from the ledger, a simulation as it goes.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    sources: HashMap<(Uuid, Uuid, Option<Date>), Earned>,
    days: HashMap<(Uuid, Date), Decimal>,
    account_days: HashMap<(Uuid, Uuid, Date), Decimal>,
}

/// Where an award would count.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub user_id: Uuid,
    pub kind: EntrySource,
    pub source_id: Uuid,
    pub account_id: Option<Uuid>,
    pub day: Date,
}

impl Place {
    /// A card earns on many days, each for itself; everything else counts as a whole on the day on which it last did.
    fn key(&self) -> (Uuid, Uuid, Option<Date>) {
        let is_card = matches!(self.kind, EntrySource::Account | EntrySource::Contact);
        (self.user_id, self.source_id, is_card.then_some(self.day))
    }
}

/// Whether awards for this count towards the caps: what is paid for work and cards does, shares and grants do not.
pub fn is_capped(source: EntrySource) -> bool {
    use EntrySource::{Account, Activity, Contact, Plan, StageMove};
    matches!(source, Activity | StageMove | Plan | Account | Contact)
}

impl Totals {
    /// Of all entries of the users and days that are asked for. What waits for a review counts until it is denied.
    pub fn of<'a>(entries: impl Iterator<Item = &'a points_entry::Model>) -> Self {
        let mut entries: Vec<_> = entries
            .filter(|entry| is_capped(entry.source_kind) && entry.counterpart == LedgerAccount::Rewards)
            .filter(|entry| !is_offence(entry))
            .collect();
        entries.sort_by_key(|entry| (entry.user_id, entry.source_id, entry.number));
        let mut totals = Totals::default();
        for entry in entries {
            let place = Place {
                user_id: entry.user_id,
                kind: entry.source_kind,
                source_id: entry.source_id,
                account_id: entry.account_id,
                day: entry.day,
            };
            totals.set(place, totals.earned(place) + entry.points.0);
        }
        totals
    }

    /// The source has brought its user so much in all; it counts on the day on which it last did.
    pub fn set(&mut self, place: Place, points: Decimal) {
        let now = Earned { day: place.day, account_id: place.account_id, points };
        if let Some(before) = self.sources.insert(place.key(), now) {
            self.add(place.user_id, before, Decimal::NEGATIVE_ONE);
        }
        self.add(place.user_id, now, Decimal::ONE);
    }

    /// What the source has brought its user so far; a card, on this day.
    pub fn earned(&self, place: Place) -> Decimal {
        self.sources.get(&place.key()).map_or(Decimal::ZERO, |earned| earned.points)
    }

    /// What the caps leave for one source beside all others; `None` where there is no cap.
    pub fn room(&self, caps: &Caps, place: Place) -> Option<Decimal> {
        let own = self.sources.get(&place.key()).filter(|own| own.day == place.day);
        let own_points = own.map_or(Decimal::ZERO, |own| own.points.max(Decimal::ZERO));
        let own_account = own.and_then(|own| own.account_id);
        let day = caps.per_day.map(|cap| {
            let all = self.days.get(&(place.user_id, place.day)).copied().unwrap_or_default();
            cap.0 - (all - own_points)
        });
        let account_day = caps.per_account_day.zip(place.account_id).map(|(cap, account_id)| {
            let all = self.account_days.get(&(place.user_id, account_id, place.day)).copied().unwrap_or_default();
            let own = if own_account == Some(account_id) { own_points } else { Decimal::ZERO };
            cap.0 - (all - own)
        });
        let least = match (day, account_day) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        least.map(|room| room.max(Decimal::ZERO))
    }

    /// The same for what comes to that which the source has brought already.
    pub fn room_beside(&self, caps: &Caps, place: Place) -> Option<Decimal> {
        let own = self.sources.get(&place.key()).filter(|own| own.day == place.day);
        let own_points = own.map_or(Decimal::ZERO, |own| own.points.max(Decimal::ZERO));
        self.room(caps, place).map(|room| (room - own_points).max(Decimal::ZERO))
    }

    fn add(&mut self, user_id: Uuid, earned: Earned, sign: Decimal) {
        let points = earned.points.max(Decimal::ZERO) * sign;
        *self.days.entry((user_id, earned.day)).or_default() += points;
        if let Some(account_id) = earned.account_id {
            *self.account_days.entry((user_id, account_id, earned.day)).or_default() += points;
        }
    }
}

#[cfg(test)]
mod tests {
    use entity::scalar::Points;

    use super::*;

    fn place(source: u128, account: u128, day: &str) -> Place {
        Place {
            user_id: Uuid::from_u128(1),
            kind: EntrySource::Activity,
            source_id: Uuid::from_u128(source),
            account_id: Some(Uuid::from_u128(account)),
            day: Date::parse(day).unwrap(),
        }
    }

    #[test]
    fn a_cap_leaves_what_others_of_the_day_have_not_taken() {
        let points = |text: &str| Points::parse(text).unwrap();
        let caps = Caps { per_day: Some(points("25")), per_account_day: Some(points("15")) };
        let mut totals = Totals::default();
        let monday = "2026-03-02";
        assert_eq!(totals.room(&caps, place(1, 7, monday)), Some(points("15").0));
        totals.set(place(1, 7, monday), points("10").0);
        totals.set(place(2, 8, monday), points("10").0);
        assert_eq!(totals.room(&caps, place(3, 7, monday)), Some(points("5").0));
        assert_eq!(totals.room(&caps, place(3, 9, monday)), Some(points("5").0));
        assert_eq!(totals.room(&caps, place(1, 7, monday)), Some(points("15").0), "its own points are not in its way");
        totals.set(place(4, 9, monday), points("-5").0);
        assert_eq!(totals.room(&caps, place(3, 9, monday)), Some(points("5").0), "a fine makes no room");
        totals.set(place(1, 7, "2026-03-03"), points("10").0);
        assert_eq!(totals.room(&caps, place(3, 7, monday)), Some(points("15").0), "it was moved to another day");
        assert_eq!(totals.room(&Caps::default(), place(3, 7, monday)), None);
    }

    #[test]
    fn a_card_counts_on_each_day_what_it_brought_on_it() {
        let points = |text: &str| Points::parse(text).unwrap();
        let caps = Caps { per_day: Some(points("10")), per_account_day: None };
        let card = |day| Place { kind: EntrySource::Account, ..place(7, 7, day) };
        let mut totals = Totals::default();
        totals.set(card("2026-03-02"), points("8").0);
        totals.set(card("2026-03-03"), points("3").0);
        assert_eq!(totals.room_beside(&caps, card("2026-03-02")), Some(points("2").0));
        assert_eq!(totals.room(&caps, place(1, 7, "2026-03-03")), Some(points("7").0));
    }
}
