//! The rule set that a tenant starts with. Its shape is `entity::rules`, what makes one valid stands in `validate`.

use entity::kind::{BoardPrivacy, GrantPolicy, Hours, PenaltyKind, WorkKind};
use entity::rules::{Bracket, Caps, Grace, Holds, LeadRules, Penalty, Rules, Weight, WorkRule};
use entity::scalar::{Line, Points};
use rust_decimal::Decimal;

use super::validate::LONGEST_GRACE;

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
