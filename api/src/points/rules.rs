//! The rule set that a tenant starts with, and what makes a rule set valid. Its shape is `entity::rules`.

use std::collections::BTreeSet;

use entity::kind::{BoardPrivacy, GrantPolicy, Hours, PenaltyKind, WorkKind};
use entity::rules::{Bracket, Caps, Grace, Holds, LeadRules, Penalty, Rules, Weight, WorkRule};
use entity::scalar::{Line, Points};
use rust_decimal::Decimal;

use super::field;

/// The largest number of points, either way, that one entry may bring.
const MOST_POINTS: Decimal = Decimal::from_parts(10_000, 0, 0, false, 0);
const MOST_BRACKETS: usize = 20;
/// The longest bracket, in hours: a leap year.
const LONGEST_BRACKET: i32 = 366 * 24;
/// The longest that a phone's wall clock is believed, in hours: thirty days.
const LONGEST_GRACE: i32 = 30 * 24;
const MOST_WEIGHT: i32 = 1_000;

/// The rules that a tenant starts with. The opportunity is not weighed: much good work concerns none.
pub fn first_rule_set() -> Rules {
    let bracket = |within_hours, percent| Bracket { within_hours, percent };
    let weight = |&(field, weight): &(&str, i32)| Weight {
        field: Line(field.to_owned()),
        weight,
        min_characters: None,
        with: None,
    };
    let work = |on, weights: &[(&str, i32)]| WorkRule {
        on,
        base: Points(Decimal::TEN),
        weights: weights.iter().map(weight).collect(),
    };
    Rules {
        hours: Hours::Calendar,
        brackets: vec![bracket(2, 100), bracket(24, 60), bracket(72, 20)],
        unproven: Grace { hours_per_entry: 72, hours_per_month: LONGEST_GRACE },
        work: vec![
            work(
                WorkKind::Visit,
                &[
                    ("summary", 30),
                    ("outcome", 20),
                    ("nextStep", 15),
                    ("nextStepOn", 10),
                    ("contactId", 10),
                    ("checkIn", 10),
                    ("checkOut", 5),
                ],
            ),
            work(
                WorkKind::Call,
                &[("summary", 40), ("outcome", 25), ("nextStep", 15), ("nextStepOn", 10), ("contactId", 10)],
            ),
            work(
                WorkKind::Meeting,
                &[
                    ("summary", 35),
                    ("outcome", 25),
                    ("nextStep", 15),
                    ("nextStepOn", 10),
                    ("contactId", 10),
                    ("durationMinutes", 5),
                ],
            ),
            work(WorkKind::Email, &[("summary", 60), ("contactId", 20), ("nextStep", 10), ("nextStepOn", 10)]),
            work(WorkKind::Note, &[("summary", 100)]),
        ],
        customer: Vec::new(),
        penalties: vec![Penalty {
            kind: PenaltyKind::LateEntry,
            points: Points(Decimal::from(-5)),
            money: None,
            after_days: None,
            below_percent: None,
        }],
        currency: None,
        caps: Caps::default(),
        holds: Holds {
            burst: None,
            similarity_percent: None,
            speed_kmh: None,
            accuracy_metres: None,
            future_minutes: None,
            release_after_days: 7,
        },
        leads: LeadRules {
            policies: vec![GrantPolicy::Quota],
            points_per_lead: None,
            monthly_quota: Some(25),
            daily_picks: 5,
            capacity: 60,
            cool_down_days: 30,
            work_within_days: 5,
            warn_before_days: 1,
            signing_points: Points::default(),
            contributor_percent: 0,
        },
        leaderboard: BoardPrivacy::Open,
    }
}

/// What an offence of this kind costs, if these rules fine it.
pub fn penalty(rules: &Rules, kind: PenaltyKind) -> Option<&Penalty> {
    rules.penalties.iter().find(|penalty| penalty.kind == kind)
}

/// Whether a rule set is fair and can be computed: later never earns more, complete never costs. The error holds all
/// faults as JSON pointer and message.
pub fn validate(rules: &Rules) -> Result<(), Vec<(String, String)>> {
    let mut faults = Vec::new();
    brackets(&rules.brackets, &mut faults);
    penalties(&rules.penalties, &mut faults);
    if !(0..=LONGEST_GRACE).contains(&rules.unproven.hours_per_entry) {
        fault(&mut faults, "/unproven/hoursPerEntry", format!("must be from 0 to {LONGEST_GRACE}"));
    }
    work(&rules.work, &mut faults);
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn fault(faults: &mut Vec<(String, String)>, pointer: impl Into<String>, message: impl Into<String>) {
    faults.push((pointer.into(), message.into()));
}

fn brackets(brackets: &[Bracket], faults: &mut Vec<(String, String)>) {
    if !(1..=MOST_BRACKETS).contains(&brackets.len()) {
        fault(faults, "/brackets", format!("must have 1 to {MOST_BRACKETS} brackets"));
    }
    let mut before: Option<&Bracket> = None;
    for (index, bracket) in brackets.iter().enumerate() {
        let pointer = |member: &str| format!("/brackets/{index}/{member}");
        if !(1..=LONGEST_BRACKET).contains(&bracket.within_hours) {
            fault(faults, pointer("withinHours"), format!("must be from 1 to {LONGEST_BRACKET}"));
        } else if before.is_some_and(|before| bracket.within_hours <= before.within_hours) {
            fault(faults, pointer("withinHours"), "must be more than in the bracket before");
        }
        if !(0..=100).contains(&bracket.percent) {
            fault(faults, pointer("percent"), "must be from 0 to 100");
        } else if before.is_some_and(|before| bracket.percent > before.percent) {
            fault(
                faults,
                pointer("percent"),
                "must not be more than in the bracket before: a later entry never earns more",
            );
        }
        before = Some(bracket);
    }
}

fn penalties(penalties: &[Penalty], faults: &mut Vec<(String, String)>) {
    for (index, penalty) in penalties.iter().enumerate() {
        let points = penalty.points.0;
        if points > Decimal::ZERO || points < -MOST_POINTS || points.normalize().scale() > 2 {
            let message = format!("must be from -{MOST_POINTS} to 0, with at most 2 digits after the point");
            fault(faults, format!("/penalties/{index}/points"), message);
        }
    }
}

fn work(entries: &[WorkRule], faults: &mut Vec<(String, String)>) {
    let mut kinds = BTreeSet::new();
    for (index, entry) in entries.iter().enumerate() {
        if !kinds.insert(entry.on) {
            fault(faults, format!("/work/{index}/on"), format!("{} must stand here once", entry.on));
        }
        let base = entry.base.0;
        if base < Decimal::ZERO || base > MOST_POINTS || base.normalize().scale() > 2 {
            let message = format!("must be from 0 to {MOST_POINTS}, with at most 2 digits after the point");
            fault(faults, format!("/work/{index}/base"), message);
        }
        let mut fields = BTreeSet::new();
        for (place, weight) in entry.weights.iter().enumerate() {
            let pointer = |member: &str| format!("/work/{index}/weights/{place}/{member}");
            let name = weight.field.0.as_str();
            if field::field(name).is_none() {
                let known: Vec<_> = field::FIELDS.iter().map(|field| field.name).collect();
                fault(faults, pointer("field"), format!("must be one of {}", known.join(", ")));
            } else if !field::fits(name, entry.on) {
                fault(faults, pointer("field"), format!("{name} cannot be filled in for kind {}", entry.on));
            } else if !fields.insert(name) {
                fault(faults, pointer("field"), format!("{name} must stand here once"));
            }
            if !(1..=MOST_WEIGHT).contains(&weight.weight) {
                fault(faults, pointer("weight"), format!("must be from 1 to {MOST_WEIGHT}"));
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
