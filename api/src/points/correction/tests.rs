use chrono::TimeDelta;
use chrono_tz::Tz;
use entity::kind::WorkKind;
use entity::scalar::Timestamp;
use proptest::prelude::*;
use proptest::sample::subsequence;

use super::*;
use crate::calendar::Calendar;
use crate::captured::Captured;
use crate::points::field::{FIELDS, Filled};
use crate::points::rules::first_rule_set;
use crate::points::score::{Facts, Scorer};
use crate::points::validate::tests::any_rules;

fn facts(delay_minutes: i64, proven: bool, filled: &Filled) -> Facts<'_> {
    let at = Timestamp::parse("2026-03-02T09:30:00Z").unwrap();
    let occurred = (at.0 - TimeDelta::minutes(delay_minutes)).into();
    let captured = Captured { at, proven };
    Facts { kind: WorkKind::Visit, about: None, occurred, captured, received: at, filled, judged: None, room: None }
}

fn score(rules: &entity::rules::Rules, version: i32, facts: &Facts<'_>) -> Booking {
    Scorer { rules, version, calendar: &Calendar::always(Tz::UTC) }.score(facts).unwrap()
}

fn visit(version: i32, delay_minutes: i64, filled: &[&'static str]) -> Booking {
    let filled = filled.iter().map(|name| (*name, 20)).collect();
    score(&first_rule_set(), version, &facts(delay_minutes, true, &filled))
}

#[test]
fn a_correction_books_the_difference_and_says_what_changed() {
    let before = visit(1, 60, &["summary", "checkOut"]);
    let now = visit(2, 180, &["summary", "outcome", "nextStep"]);
    let entry = correction(EntrySource::Activity, before.points, &before.explanation, &now).unwrap();
    assert_eq!((entry.points.to_string().as_str(), entry.kind), ("0.40", EntryKind::Correction));
    assert_eq!(entry.explanation.arithmetic.0, "3.90 − 3.50 = 0.40");
    assert_eq!(
        entry.explanation.en.0,
        "The activity was corrected. Its time was changed. No longer missing: outcome, next step. Now missing: \
         check-out. Version 2 of the rules applies. Visit of 2026-03-02 06:30, entered 2026-03-02 09:30 (UTC): delay \
         3 h. An entry within 24 h earns 60 % of 10 points if complete. It is complete to 65/100; missing: date of the next \
         step, contact, check-in, check-out. Points: 10 × 60 % × 65/100 = 3.90. Less what was booked before: 3.90 − 3.50 = 0.40."
    );
    assert!(entry.explanation.zh.0.starts_with("活动已更正。发生时间已修改。已补充：结果、下一步。现缺少：签退。"));
    assert!(entry.explanation.zh.0.ends_with("减去此前已记分数：3.90 − 3.50 = 0.40。"));
    assert_eq!(entry.explanation.weight_filled, 65);
}

#[test]
fn a_correction_out_of_a_fine_takes_the_fine_back() {
    let fine = visit(1, 5_000, &["summary"]);
    let now = visit(1, 60, &["summary"]);
    let entry = correction(EntrySource::Activity, fine.points, &fine.explanation, &now).unwrap();
    assert_eq!(entry.explanation.arithmetic.0, "3.00 − (−5.00) = 8.00");
    assert_eq!(entry.points.to_string(), "8.00");
}

#[test]
fn where_no_point_changes_nothing_is_booked() {
    let before = visit(1, 60, &["summary"]);
    assert_eq!(
        correction(
            EntrySource::Activity,
            before.points,
            &before.explanation,
            &visit(1, 90, &["summary", "opportunityId"])
        ),
        None
    );
    let empty = visit(1, 60, &[]);
    assert_eq!(reversal(EntrySource::Activity, empty.points, &empty.explanation), None);
}

#[test]
fn a_reversal_takes_back_awards_and_fines() {
    for (delay, arithmetic) in [(60, "0.00 − 3.00 = −3.00"), (5_000, "0.00 − (−5.00) = 5.00")] {
        let booked = visit(1, delay, &["summary"]);
        let entry = reversal(EntrySource::Activity, booked.points, &booked.explanation).unwrap();
        assert_eq!(entry.kind, EntryKind::Reversal);
        assert_eq!(entry.points.0 + booked.points.0, Decimal::ZERO);
        assert_eq!(entry.explanation.arithmetic.0, arithmetic);
        assert!(entry.explanation.en.0.ends_with(&format!("is taken back: {arithmetic}.")));
        assert!(entry.explanation.zh.0.ends_with(&format!("予以冲销：{arithmetic}。")));
        assert_eq!(entry.explanation.occurred, booked.explanation.occurred);
    }
}

proptest! {
    #[test]
    fn entries_always_add_up_to_the_score_and_after_a_deletion_to_nothing(
        rules in any_rules(),
        versions in proptest::collection::vec(
            (-100i64..50_000, any::<bool>(), subsequence(FIELDS.to_vec(), 0..=FIELDS.len())), 1..8,
        ),
    ) {
        let mut total = Decimal::ZERO;
        let mut latest: Option<Explanation> = None;
        for (delay, proven, fields) in versions {
            let filled = fields.iter().map(|field| (field.name, 20)).collect();
            let now = score(&rules, 1, &facts(delay, proven, &filled));
            let entry = match &latest {
                None => Some(now.clone()),
                Some(latest) => correction(EntrySource::Activity, Points(total), latest, &now),
            };
            prop_assert_eq!(entry.is_none(), total == now.points.0 && latest.is_some());
            if let Some(entry) = entry {
                total += entry.points.0;
                latest = Some(entry.explanation);
            }
            prop_assert_eq!(total, now.points.0);
        }
        if let Some(entry) = reversal(EntrySource::Activity, Points(total), &latest.unwrap()) {
            total += entry.points.0;
        }
        prop_assert_eq!(total, Decimal::ZERO);
    }
}
