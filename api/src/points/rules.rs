//! The rule set that a tenant starts with, and what makes a rule set valid. Its shape is `entity::rules`.

use std::collections::BTreeSet;

use entity::kind::ActivityKind;
use entity::rules::{Bracket, Completeness, Rules, Weight};
use entity::scalar::{Line, Points};
use rust_decimal::Decimal;

use super::field;

/// Every kind of activity: a rule set has something to say about each.
const KINDS: [ActivityKind; 5] =
    [ActivityKind::Visit, ActivityKind::Call, ActivityKind::Meeting, ActivityKind::Email, ActivityKind::Note];

/// The largest number of points, either way, that one activity may bring.
const MOST_POINTS: Decimal = Decimal::from_parts(10_000, 0, 0, false, 0);
const MOST_BRACKETS: usize = 20;
/// The longest bracket, in hours: a leap year.
const LONGEST_BRACKET: i32 = 366 * 24;
/// The longest that a phone's wall clock is believed, in hours: thirty days.
const LONGEST_GRACE: i32 = 30 * 24;
const MOST_WEIGHT: i32 = 1_000;

/// The rules that a tenant starts with. The opportunity is not weighed: much good work concerns none.
pub fn first_rule_set() -> Rules {
    let bracket = |within_hours, points| Bracket { within_hours, points: Points(Decimal::from(points)) };
    let weights = |activity, weights: &[(&str, i32)]| Completeness {
        activity,
        weights: weights.iter().map(|&(field, weight)| Weight { field: Line(field.to_owned()), weight }).collect(),
    };
    Rules {
        brackets: vec![bracket(2, 10), bracket(24, 6), bracket(72, 2)],
        late_points: Points(Decimal::from(-5)),
        unproven_grace_hours: 72,
        completeness: vec![
            weights(
                ActivityKind::Visit,
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
            weights(
                ActivityKind::Call,
                &[("summary", 40), ("outcome", 25), ("nextStep", 15), ("nextStepOn", 10), ("contactId", 10)],
            ),
            weights(
                ActivityKind::Meeting,
                &[
                    ("summary", 35),
                    ("outcome", 25),
                    ("nextStep", 15),
                    ("nextStepOn", 10),
                    ("contactId", 10),
                    ("durationMinutes", 5),
                ],
            ),
            weights(ActivityKind::Email, &[("summary", 60), ("contactId", 20), ("nextStep", 10), ("nextStepOn", 10)]),
            weights(ActivityKind::Note, &[("summary", 100)]),
        ],
    }
}

/// Whether a rule set is fair and can be computed: later never earns more, complete never costs, and every kind of
/// activity is told what counts. The error holds all faults as JSON pointer and message.
pub fn validate(rules: &Rules) -> Result<(), Vec<(String, String)>> {
    let mut faults = Vec::new();
    brackets(&rules.brackets, &mut faults);
    let late = rules.late_points.0;
    if late > Decimal::ZERO || late < -MOST_POINTS || late.normalize().scale() > 2 {
        fault(
            &mut faults,
            "/latePoints",
            format!("must be from -{MOST_POINTS} to 0, with at most 2 digits after the point"),
        );
    }
    if !(0..=LONGEST_GRACE).contains(&rules.unproven_grace_hours) {
        fault(&mut faults, "/unprovenGraceHours", format!("must be from 0 to {LONGEST_GRACE}"));
    }
    completeness(&rules.completeness, &mut faults);
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
        let points = bracket.points.0;
        if !(1..=LONGEST_BRACKET).contains(&bracket.within_hours) {
            fault(faults, pointer("withinHours"), format!("must be from 1 to {LONGEST_BRACKET}"));
        } else if before.is_some_and(|before| bracket.within_hours <= before.within_hours) {
            fault(faults, pointer("withinHours"), "must be more than in the bracket before");
        }
        if points < Decimal::ZERO || points > MOST_POINTS || points.normalize().scale() > 2 {
            let message = format!("must be from 0 to {MOST_POINTS}, with at most 2 digits after the point");
            fault(faults, pointer("points"), message);
        } else if before.is_some_and(|before| points > before.points.0) {
            fault(
                faults,
                pointer("points"),
                "must not be more than in the bracket before: a later entry never earns more",
            );
        }
        before = Some(bracket);
    }
}

fn completeness(entries: &[Completeness], faults: &mut Vec<(String, String)>) {
    let mut kinds = BTreeSet::new();
    for (index, entry) in entries.iter().enumerate() {
        if !kinds.insert(entry.activity) {
            fault(
                faults,
                format!("/completeness/{index}/activity"),
                format!("{} must stand here once", entry.activity),
            );
        }
        if entry.weights.is_empty() {
            fault(faults, format!("/completeness/{index}/weights"), "must name at least one field");
        }
        let mut fields = BTreeSet::new();
        for (place, weight) in entry.weights.iter().enumerate() {
            let pointer = |member: &str| format!("/completeness/{index}/weights/{place}/{member}");
            let name = weight.field.0.as_str();
            if field::field(name).is_none() {
                let known: Vec<_> = field::FIELDS.iter().map(|field| field.name).collect();
                fault(faults, pointer("field"), format!("must be one of {}", known.join(", ")));
            } else if !field::fits(name, entry.activity) {
                fault(faults, pointer("field"), format!("{name} cannot be filled in for kind {}", entry.activity));
            } else if !fields.insert(name) {
                fault(faults, pointer("field"), format!("{name} must stand here once"));
            }
            if !(1..=MOST_WEIGHT).contains(&weight.weight) {
                fault(faults, pointer("weight"), format!("must be from 1 to {MOST_WEIGHT}"));
            }
        }
    }
    let absent: Vec<_> = KINDS.into_iter().filter(|kind| !kinds.contains(kind)).map(|kind| kind.as_str()).collect();
    if !absent.is_empty() {
        fault(faults, "/completeness", format!("must also say what counts for {}", absent.join(", ")));
    }
}

#[cfg(test)]
pub(super) mod tests;
