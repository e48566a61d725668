use entity::kind::CardKind;
use entity::rules::{Bracket, Weight};
use proptest::prelude::*;
use proptest::sample::subsequence;

use super::*;

const LIN: Uuid = Uuid::from_u128(1);
const BO: Uuid = Uuid::from_u128(2);
const FIELDS: [&str; 4] = ["phone", "email", "website", "note"];

/// 30, 30, 30 and 10 of 10 points; a note counts with twenty characters.
fn rule() -> CustomerRule {
    let weight = |(name, weight): (&&str, i32)| Weight {
        field: Line((*name).into()),
        weight,
        min_characters: (*name == "note").then_some(20),
        with: None,
    };
    CustomerRule {
        on: CardKind::Account,
        base: Points(Decimal::TEN),
        brackets: vec![Bracket { within_hours: 72, percent: 100 }],
        weights: FIELDS.iter().zip([30, 30, 30, 10]).map(weight).collect(),
    }
}

fn filled(names: &[&'static str]) -> Filled {
    names.iter().map(|name| (*name, 20)).collect()
}

/// A card with its books: who has what of it.
#[derive(Default)]
struct Story {
    card: Card,
    filled: Filled,
    points: BTreeMap<Uuid, Decimal>,
}

impl Story {
    /// Books a change as `cards` does.
    fn change(&mut self, author: Option<Uuid>, after: Filled, percent: i32) -> Vec<Step> {
        let steps = steps(Some(&rule()), &self.card, (&self.filled, &after), author, percent, |_| None);
        for step in &steps {
            *self.points.entry(step.user_id).or_default() += step.points().0;
            step.fields.iter().for_each(|field| apply(&mut self.card, step.user_id, field));
        }
        self.filled = after;
        steps
    }

    fn of(&self, user: Uuid) -> String {
        Points(self.points.get(&user).copied().unwrap_or_default()).to_string()
    }
}

#[test]
fn each_field_earns_its_share_of_the_moment_at_which_it_is_filled() {
    let mut story = Story::default();
    story.change(Some(LIN), filled(&["phone"]), 100);
    story.change(Some(BO), filled(&["phone", "email"]), 50);
    assert_eq!((story.of(LIN), story.of(BO)), ("3.00".into(), "1.50".into()));
    // Another value is not another field, and a short note does not count.
    let mut short = filled(&["phone", "email", "note"]);
    short.insert("note", 19);
    assert_eq!(story.change(Some(BO), short, 50), []);
    story.change(Some(BO), filled(&["phone", "email", "note"]), 50);
    assert_eq!(story.of(BO), "2.00");
}

#[test]
fn emptying_takes_back_from_who_earned_and_refilling_gives_it_to_him() {
    let mut story = Story::default();
    story.change(Some(LIN), filled(&["phone", "email"]), 100);
    story.change(Some(BO), filled(&["email"]), 100);
    assert_eq!((story.of(LIN), story.of(BO)), ("3.00".into(), "0.00".into()));
    story.change(Some(BO), filled(&["phone", "email"]), 50);
    assert_eq!((story.of(LIN), story.of(BO)), ("4.50".into(), "0.00".into()));
    // An admin's hand takes, too.
    story.change(None, Filled::new(), 100);
    assert_eq!(story.of(LIN), "0.00");
}

#[test]
fn what_nobody_earned_is_not_earned_by_emptying_it() {
    let mut story = Story { filled: filled(&["phone"]), ..Story::default() };
    let emptied = story.change(Some(LIN), Filled::new(), 100);
    assert_eq!((emptied.len(), emptied[0].points().to_string()), (1, "0.00".into()));
    assert_eq!(story.change(Some(LIN), filled(&["phone"]), 100), []);
    assert_eq!(story.change(None, filled(&["phone", "email"]), 100), [], "an integration earns nothing");
    story.change(Some(BO), filled(&["phone"]), 100);
    assert_eq!(story.change(Some(LIN), filled(&["phone", "email"]), 100), []);
}

#[test]
fn caps_are_used_up_field_by_field() {
    let room = |_| Some(Decimal::from(5));
    let steps = steps(Some(&rule()), &Card::new(), (&Filled::new(), &filled(&FIELDS)), Some(LIN), 100, room);
    let points: Vec<_> = steps[0].fields.iter().map(|field| field.points.unwrap().to_string()).collect();
    assert_eq!(points, ["3.00", "2.00", "0.00", "0.00"]);
    assert_eq!(steps[0].points().to_string(), "5.00");
}

proptest! {
    /// Whatever is done by whomever: nobody goes below zero, all together have at most the base, and an empty card is
    /// worth nothing.
    #[test]
    fn a_card_never_brings_more_than_its_base(
        changes in proptest::collection::vec((0..3usize, subsequence(FIELDS.to_vec(), 0..=4), 0..=100i32), 1..20),
    ) {
        let mut story = Story::default();
        for (author, fields, percent) in changes {
            story.change([Some(LIN), Some(BO), None][author], filled(&fields), percent);
            prop_assert!(story.points.values().all(|points| *points >= Decimal::ZERO));
            prop_assert!(story.points.values().sum::<Decimal>() <= Decimal::TEN);
        }
        story.change(None, Filled::new(), 100);
        prop_assert!(story.points.values().all(|points| points.is_zero()));
    }

    /// Filled earlier, each field brings at least as much; filled as well, a further field takes nothing away.
    #[test]
    fn earlier_and_more_never_earn_less(
        fields in subsequence(FIELDS.to_vec(), 0..=4), more in subsequence(FIELDS.to_vec(), 0..=4),
        percent in 0..=100i32, sooner in 0..=100i32,
    ) {
        let worth = |fields: &[&'static str], percent| {
            let mut story = Story::default();
            story.change(Some(LIN), filled(fields), percent);
            story.points.get(&LIN).copied().unwrap_or_default()
        };
        prop_assert!(worth(&fields, percent) <= worth(&fields, percent.max(sooner)));
        let both: Vec<_> = fields.iter().chain(&more).copied().collect();
        prop_assert!(worth(&fields, percent) <= worth(&both, percent));
    }
}
