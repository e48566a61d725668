//! One rep's year as a list of what he typed, when, and when it reached the server. Nothing here touches the database:
//! the years are told to it by `replay`. Customers, sales and activities have a file each.

mod customers;
mod delay;
mod sales;
mod visits;

use chrono::{NaiveDate, TimeDelta};
use entity::kind::Kind;
use entity::scalar::{Money, Timestamp};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::calendar::Calendar;
use super::dice::Dice;
use super::staff::Rep;
use crate::captured::Captured;
use crate::change::{Change, Intent};

/// One entry in a rep's year.
pub struct Step {
    pub captured: Captured,
    pub received: Timestamp,
    pub change: Change,
}

/// Something to sell.
pub struct Product {
    pub id: Uuid,
    /// List price in CNY.
    pub price: Money,
}

/// Share of the days on which the phone has no connection until the evening.
const OFFLINE: f64 = 0.12;
const EVENING: i64 = 19 * 60 + 30;
/// Share of the entries whose time the phone cannot prove, because it was restarted before it sent them.
const UNPROVEN: f64 = 0.03;

/// What a rep types, in the order of typing.
struct Diary<'a> {
    calendar: &'a Calendar,
    dice: Dice,
    rep: &'a Rep,
    offline: Vec<NaiveDate>,
    steps: Vec<Step>,
}

/// The year of one rep, in the order in which the server gets it.
pub fn year(calendar: &Calendar, mut dice: Dice, rep: &Rep, products: &[Product]) -> Vec<Step> {
    let offline = calendar.working_days().into_iter().filter(|_| dice.chance(OFFLINE)).collect();
    let mut diary = Diary { calendar, dice, rep, offline, steps: Vec::new() };
    let customers = customers::customers(&mut diary);
    let sales = sales::sales(&mut diary, &customers, products);
    visits::visits(&mut diary, &customers, &sales);
    let mut steps = diary.steps;
    steps.retain(|step| step.received < calendar.end());
    // Stable: what was typed at one moment stays in the order in which it was made up.
    steps.sort_by_key(|step| step.received);
    steps
}

impl Diary<'_> {
    fn enter(&mut self, captured: Timestamp, kind: Kind, id: Uuid, intent: Intent) {
        let captured = Captured { at: captured, proven: !self.dice.chance(UNPROVEN) };
        let change =
            Change { kind, id, fresh: false, intent, base: None, expected: None, clear: Vec::new(), reason: None };
        self.steps.push(Step { captured, received: self.received(captured.at), change });
    }

    /// When the server gets what is typed at `captured`: never in another order than it was typed.
    fn received(&self, captured: Timestamp) -> Timestamp {
        let (day, minutes) = self.calendar.local(captured);
        if minutes < EVENING && self.offline.contains(&day) {
            self.calendar.at(day, EVENING)
        } else {
            (captured.0 + TimeDelta::seconds(20)).into()
        }
    }

    /// Some moment in the working hours of a day.
    fn at_work(&mut self, day: NaiveDate) -> Timestamp {
        let minutes = self.dice.within(9 * 60..17 * 60 + 30);
        self.calendar.at(day, minutes)
    }
}

fn minutes_after(at: Timestamp, minutes: i64) -> Timestamp {
    (at.0 + TimeDelta::minutes(minutes)).into()
}

/// A number of a product at up to a sixth less than its list price.
fn offer(dice: &mut Dice, product: &Product) -> Money {
    let pieces = dice.weighted(&[(1, 30), (2, 25), (5, 20), (10, 15), (24, 10)]);
    let discount = Decimal::new(dice.within(84..101), 2);
    Money((product.price.0 * Decimal::from(pieces) * discount).round_dp(2))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chrono_tz::Tz;
    use entity::scalar::Date;

    use super::*;
    use crate::demo::places::REGIONS;

    fn told() -> (Calendar, Vec<Step>) {
        let calendar = Calendar::until(Date::parse("2026-03-02").unwrap(), Tz::Asia__Shanghai);
        let cities = REGIONS[0].teams[0].cities;
        let rep = Rep { user_id: Uuid::nil(), team: 0, english: false, cities };
        let products = [Product { id: Uuid::max(), price: Money::parse("4800").unwrap() }];
        (calendar, year(&calendar, Dice::new(1, 1), &rep, &products))
    }

    #[test]
    fn a_year_is_told_in_order_and_within_its_days() {
        let (calendar, steps) = told();
        assert!(steps.len() > 700, "{}", steps.len());
        assert!(steps.is_sorted_by_key(|step| step.received));
        assert!(steps.iter().all(|step| step.captured.at <= step.received));
        assert!(steps[0].captured.at >= calendar.start());
        assert!(steps.last().unwrap().received < calendar.end());
    }

    #[test]
    fn whatever_is_referred_to_was_told_before() {
        let (_, steps) = told();
        let mut known = BTreeSet::from([Uuid::max()]);
        for Step { change, .. } in &steps {
            if matches!(change.intent, Intent::Create(_)) {
                assert!(change.references().iter().all(|id| known.contains(id)), "{change:?}");
                assert!(known.insert(change.id), "{change:?}");
            } else {
                assert!(known.contains(&change.id), "{change:?}");
            }
        }
    }

    #[test]
    fn one_seed_gives_one_year() {
        let ids = || told().1.iter().map(|step| step.change.id).collect::<Vec<_>>();
        assert_eq!(ids(), ids());
    }
}
