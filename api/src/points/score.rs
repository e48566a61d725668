//! What one piece of work earns or costs by a rule set, with the explanation that its booking carries. Decides only:
//! writing the ledger, and what is booked already, are not known here (see `correction`). Live booking and simulations
//! come through here alike.

use entity::kind::{EntryKind, Hours, PenaltyKind, WorkKind};
use entity::rules::{Bracket, Explanation, Rules, WeighedField, Weight};
use entity::scalar::{Currency, Money, Points, Text, Timestamp};
use rust_decimal::{Decimal, RoundingStrategy};

use super::field::Filled;
use super::rules::penalty;
use super::tell;
use super::words;
use crate::calendar::Calendar;
use crate::captured::Captured;

/// Rules that have passed `validate`, and the calendar that they are read with.
#[derive(Clone, Copy, Debug)]
pub struct Scorer<'a> {
    pub rules: &'a Rules,
    /// Of the rule set.
    pub version: i32,
    pub calendar: &'a Calendar,
}

/// All that a score may depend on beside the rules.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    pub kind: WorkKind,
    /// What it is about, for the explanation: the name of the account, or of the opportunity that moves.
    pub about: Option<&'a str>,
    /// When it took place; of an activity the check-in, where that was earlier.
    pub occurred: Timestamp,
    /// When it was typed.
    pub captured: Captured,
    /// When the server got it; it is told in the explanation and earns nothing.
    pub received: Timestamp,
    /// The fields that are filled.
    pub filled: &'a Filled,
    /// The delay in whole minutes where it was judged before: the calendar of that day holds.
    pub judged: Option<i32>,
    /// What caps leave; `None` where there is none.
    pub room: Option<Decimal>,
}

/// Points to be booked, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Booking {
    pub points: Points,
    /// A fine in money.
    pub money: Option<(Money, Currency)>,
    pub kind: EntryKind,
    pub explanation: Explanation,
}

/// What the delay comes to.
pub(super) enum Timeliness<'a> {
    Within { hours: i32, percent: i32 },
    Late { brackets_end: Option<&'a Bracket> },
}

/// Points rounded to the hundredth, halves away from zero; whether they are exact.
pub fn rounded(exact: Decimal) -> (Points, bool) {
    let points = exact.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    (Points(points), exact == points)
}

/// Whether a weighed field counts: it is filled, long enough, and so is what must stand beside it.
pub fn counts(weight: &Weight, filled: &Filled) -> bool {
    let least = weight.min_characters.and_then(|least| usize::try_from(least).ok()).unwrap_or(1);
    filled.get(weight.field.0.as_str()).is_some_and(|characters| *characters >= least)
        && weight.with.as_ref().is_none_or(|with| filled.contains_key(with.0.as_str()))
}

/// The bracket of a delay: the first whose limit it does not exceed.
pub fn bracket(brackets: &[Bracket], delay_minutes: i64) -> Option<&Bracket> {
    brackets.iter().find(|bracket| delay_minutes <= i64::from(bracket.within_hours) * 60)
}

impl Scorer<'_> {
    /// What it earns or costs.
    ///
    /// The delay from occurrence to capture counts in whole minutes of the hours that the rules name, a started one not,
    /// and never less than zero. The first bracket whose limit it does not exceed gives base × per cent × Σ weights of
    /// the fields that count / Σ weights, rounded to the hundredth, halves away from zero, and at the most what caps
    /// leave. Later than every bracket, the penalty for a late entry applies whatever is filled, as a fine; but an
    /// unproven capture is never fined, nor is a plan, whose activity is: they then bring nothing. `None`: the rules say
    /// nothing about work of this kind.
    pub fn score(&self, facts: &Facts<'_>) -> Option<Booking> {
        let rules = self.rules;
        let work = rules.work.iter().find(|work| work.on == facts.kind)?;
        let delay = facts.judged.map_or_else(|| self.delay(facts), i64::from);
        let weights: Vec<WeighedField> = work
            .weights
            .iter()
            .map(|weight| WeighedField {
                field: weight.field.clone(),
                weight: weight.weight,
                filled: counts(weight, facts.filled),
                percent: None,
                points: None,
            })
            .collect();
        let mut explanation = Explanation {
            rule_set_version: self.version,
            occurred: Some(facts.occurred),
            captured: Some(facts.captured.at),
            captured_proven: Some(facts.captured.proven),
            received: Some(facts.received),
            hours: Some(rules.hours),
            delay_minutes: Some(i32::try_from(delay).unwrap_or(i32::MAX)),
            base: Some(work.base),
            within_hours: None,
            percent: None,
            weight_filled: weights.iter().filter(|w| w.filled).map(|w| w.weight).sum(),
            weight_total: weights.iter().map(|w| w.weight).sum(),
            missing: weights.iter().filter(|w| !w.filled).map(|w| w.field.clone()).collect(),
            weights,
            capped: None,
            offence: None,
            due: None,
            arithmetic: Text(String::new()),
            en: Text(String::new()),
            zh: Text(String::new()),
        };
        let timeliness = match bracket(&rules.brackets, delay) {
            Some(bracket) => Timeliness::Within { hours: bracket.within_hours, percent: bracket.percent },
            None => Timeliness::Late { brackets_end: rules.brackets.last() },
        };
        let fine = penalty(rules, PenaltyKind::LateEntry).filter(|_| facts.kind != WorkKind::Plan);
        let late = fine.map_or(Points::default(), |fine| fine.points);
        let mut money = None;
        let points = match timeliness {
            Timeliness::Within { hours, percent } => {
                (explanation.within_hours, explanation.percent) = (Some(hours), Some(percent));
                earned(&mut explanation, work.base.0, percent, facts.room)
            }
            Timeliness::Late { .. } if facts.captured.proven => {
                explanation.offence = fine.map(|fine| fine.kind);
                explanation.arithmetic = Text(words::points(late));
                money = fine.and_then(|fine| fine.money).filter(|money| !money.0.is_zero()).zip(rules.currency.clone());
                late
            }
            Timeliness::Late { .. } => {
                let none = Points::default();
                explanation.arithmetic = Text(format!("max({}, 0) = {}", words::points(late), words::points(none)));
                none
            }
        };
        (explanation.en, explanation.zh) =
            tell::work(facts, &explanation, &work.weights, &timeliness, (late, money.as_ref()), self.calendar.zone);
        let kind = if points.0 < Decimal::ZERO || money.is_some() { EntryKind::Fine } else { EntryKind::Award };
        Some(Booking { points, money, kind, explanation })
    }

    /// From occurrence to capture, in whole minutes.
    fn delay(&self, facts: &Facts<'_>) -> i64 {
        self.calendar.minutes(facts.occurred, facts.captured.at, self.rules.hours)
    }

    /// The delay as it was judged before, where nothing that it depends on has changed since.
    pub fn judged(before: &Explanation, occurred: Timestamp, captured: Timestamp, hours: Hours) -> Option<i32> {
        let same = before.occurred == Some(occurred) && before.captured == Some(captured);
        before.delay_minutes.filter(|_| same && before.hours == Some(hours))
    }
}

/// The award within a bracket, and its arithmetic.
fn earned(explanation: &mut Explanation, base: Decimal, percent: i32, room: Option<Decimal>) -> Points {
    let (filled, total) = (explanation.weight_filled, explanation.weight_total);
    let timely = base * Decimal::from(percent);
    let exact = if total == 0 {
        timely / Decimal::ONE_HUNDRED
    } else {
        timely * Decimal::from(filled) / (Decimal::ONE_HUNDRED * Decimal::from(total))
    };
    let (points, is_exact) = rounded(exact);
    let share = if total == 0 { "1".to_owned() } else { format!("{filled}/{total}") };
    let product = format!("{} × {percent} % × {share}", words::plain(base));
    let sign = if is_exact { "=" } else { "≈" };
    match room.filter(|room| *room < points.0) {
        Some(room) => {
            explanation.capped = Some(Points(points.0 - room));
            explanation.arithmetic =
                Text(format!("min({product}, {}) = {}", words::points(Points(room)), words::points(Points(room))));
            Points(room)
        }
        None => {
            explanation.arithmetic = Text(format!("{product} {sign} {}", words::points(points)));
            points
        }
    }
}

#[cfg(test)]
mod tests;
