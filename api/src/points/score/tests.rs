use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;
use crate::points::field::FIELDS;
use crate::points::rules::first_rule_set;
use crate::points::rules::tests::any_rules;

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn facts<'a>(delay: TimeDelta, proven: bool, filled: &'a BTreeSet<&'a str>) -> Facts<'a> {
    let occurred = time("2026-03-02T01:30:00Z");
    let at: Timestamp = (occurred.0 + delay).into();
    let received = (at.0.max(occurred.0) + TimeDelta::days(1)).into();
    let captured = Captured { at, proven };
    Facts { kind: WorkKind::Visit, occurred, captured, received, filled, zone: Tz::Asia__Shanghai }
}

/// Everything that the first rule set weighs for a visit.
fn all() -> BTreeSet<&'static str> {
    FIELDS.into_iter().map(|field| field.name).collect()
}

fn booking(rules: &Rules, facts: &Facts<'_>) -> Booking {
    score(rules, 7, facts).expect("the rules speak of every kind")
}

fn booked(delay: TimeDelta, proven: bool, filled: &BTreeSet<&str>) -> (String, EntryKind, Option<i32>) {
    let booking = booking(&first_rule_set(), &facts(delay, proven, filled));
    (booking.points.to_string(), booking.kind, booking.explanation.within_hours)
}

#[test]
fn the_limits_of_the_brackets_are_inclusive_and_a_started_minute_does_not_count() {
    let table = [
        (TimeDelta::zero(), "10.00", EntryKind::Award, Some(2)),
        (TimeDelta::minutes(-90), "10.00", EntryKind::Award, Some(2)),
        (TimeDelta::hours(2), "10.00", EntryKind::Award, Some(2)),
        (TimeDelta::seconds(2 * 3_600 + 59), "10.00", EntryKind::Award, Some(2)),
        (TimeDelta::minutes(121), "6.00", EntryKind::Award, Some(24)),
        (TimeDelta::hours(24), "6.00", EntryKind::Award, Some(24)),
        (TimeDelta::minutes(24 * 60 + 1), "2.00", EntryKind::Award, Some(72)),
        (TimeDelta::hours(72), "2.00", EntryKind::Award, Some(72)),
        (TimeDelta::minutes(72 * 60 + 1), "-5.00", EntryKind::Fine, None),
        (TimeDelta::days(10_000), "-5.00", EntryKind::Fine, None),
    ];
    for (delay, points, kind, within) in table {
        assert_eq!(booked(delay, true, &all()), (points.into(), kind, within), "{delay}");
        // Without proof the same, but never a fine.
        let unproven = if kind == EntryKind::Fine { "0.00" } else { points };
        assert_eq!(booked(delay, false, &all()), (unproven.into(), EntryKind::Award, within), "{delay}, unproven");
    }
}

#[test]
fn completeness_is_the_weighted_share() {
    let table: [(&[&str], &str); 5] = [
        (&[], "0.00"),
        (&["summary"], "3.00"),
        (&["summary", "outcome", "nextStep"], "6.50"),
        (&["summary", "opportunityId", "durationMinutes"], "3.00"), // the last two weigh nothing for a visit
        (&["summary", "outcome", "nextStep", "nextStepOn", "contactId", "checkIn", "checkOut"], "10.00"),
    ];
    for (filled, points) in table {
        let filled = filled.iter().copied().collect();
        assert_eq!(booked(TimeDelta::hours(1), true, &filled).0, points, "{filled:?}");
        assert_eq!(booked(TimeDelta::days(9), true, &filled).0, "-5.00", "{filled:?}, late");
    }
}

#[test]
fn halves_are_rounded_away_from_zero() {
    let mut rules = first_rule_set();
    rules.work[0].base = Points::parse("0.05").unwrap();
    let arithmetic = |rules: &Rules, filled: &[&str]| {
        let filled = filled.iter().copied().collect();
        booking(rules, &facts(TimeDelta::zero(), true, &filled)).explanation.arithmetic.0
    };
    assert_eq!(arithmetic(&rules, &["summary", "outcome"]), "0.05 × 100 % × 50/100 ≈ 0.03"); // 0.025: the even one is below
    assert_eq!(arithmetic(&rules, &["outcome"]), "0.05 × 100 % × 20/100 = 0.01");
    rules.work[0].weights.truncate(3);
    rules.work[0].weights.iter_mut().for_each(|weight| weight.weight = 1);
    rules.work[0].base = Points::parse("10.00").unwrap();
    assert_eq!(arithmetic(&rules, &["summary"]), "10 × 100 % × 1/3 ≈ 3.33");
    assert_eq!(arithmetic(&rules, &["summary", "outcome"]), "10 × 100 % × 2/3 ≈ 6.67");
}

#[test]
fn the_explanation_shows_what_went_in() {
    let filled = BTreeSet::from(["summary", "outcome", "nextStep"]);
    let facts = facts(TimeDelta::minutes(85), true, &filled);
    let Explanation { en, zh, arithmetic, missing, .. } = booking(&first_rule_set(), &facts).explanation;
    assert_eq!(
        missing.iter().map(|m| m.0.as_str()).collect::<Vec<_>>(),
        ["nextStepOn", "contactId", "checkIn", "checkOut"]
    );
    assert_eq!(arithmetic.0, "10 × 100 % × 65/100 = 6.50");
    assert_eq!(
        en.0,
        "Visit of 2026-03-02 09:30, entered 2026-03-02 10:55 (Asia/Shanghai): delay 1 h 25 min. An entry within \
         2 h earns 100 % of 10 points if complete. It is complete to 65/100; missing: date of the next step, contact, \
         check-in, check-out. Points: 10 × 100 % × 65/100 = 6.50."
    );
    assert_eq!(
        zh.0,
        "拜访发生于 2026-03-02 09:30，录入于 2026-03-02 10:55（Asia/Shanghai）：延迟 1 小时 25 分钟。2 小时内录入且填写完整，\
         得 10 分的 100%。完整度为 65/100，未填写：下一步日期、联系人、签到、签退。得分：10 × 100 % × 65/100 = 6.50。"
    );
}

#[test]
fn a_fine_says_why_and_an_unproven_one_why_not() {
    let all = all();
    let tell = |proven| booking(&first_rule_set(), &facts(TimeDelta::minutes(4_581), proven, &all)).explanation;
    let fine = tell(true);
    assert_eq!(fine.arithmetic.0, "−5.00");
    assert_eq!(
        fine.en.0,
        "Visit of 2026-03-02 09:30, entered 2026-03-05 13:51 (Asia/Shanghai): delay 3 d 4 h 21 min. That is later than \
         72 h, the last bracket that earns points; a late entry brings −5.00 points, whatever is filled in."
    );
    let spared = tell(false);
    assert_eq!(spared.arithmetic.0, "max(−5.00, 0) = 0.00");
    assert!(spared.en.0.contains("The phone could not prove the time of entry"), "{}", spared.en);
    assert!(spared.en.0.ends_with("without proof nobody is fined. Points: max(−5.00, 0) = 0.00."), "{}", spared.en);
    assert!(spared.zh.0.ends_with("未经证明不予扣分。得分：max(−5.00, 0) = 0.00。"), "{}", spared.zh);
    let early = booking(&first_rule_set(), &facts(TimeDelta::hours(-1), true, &all)).explanation;
    assert!(early.en.0.contains("delay 0 min. What is entered before it took place has no delay."), "{}", early.en);
    assert!(early.en.0.ends_with("It is complete. Points: 10 × 100 % × 100/100 = 10.00."), "{}", early.en);
}

#[test]
fn a_tenant_may_fine_nobody() {
    let rules = Rules { penalties: Vec::new(), ..first_rule_set() };
    let all = all();
    let booking = booking(&rules, &facts(TimeDelta::days(30), true, &all));
    assert_eq!((booking.points.to_string().as_str(), booking.kind), ("0.00", EntryKind::Award));
}

#[test]
fn a_kind_without_weights_is_complete() {
    let mut rules = first_rule_set();
    rules.work[0].weights.clear();
    let none = BTreeSet::new();
    let booking = booking(&rules, &facts(TimeDelta::hours(3), true, &none));
    assert_eq!(booking.explanation.arithmetic.0, "10 × 60 % × 1 = 6.00");
    assert!(
        booking.explanation.en.0.ends_with("It is complete. Points: 10 × 60 % × 1 = 6.00."),
        "{}",
        booking.explanation.en
    );
}

#[test]
fn what_the_rules_do_not_speak_of_is_not_booked() {
    let rules = Rules { work: Vec::new(), ..first_rule_set() };
    let none = BTreeSet::new();
    assert_eq!(score(&rules, 1, &facts(TimeDelta::days(30), true, &none)), None);
}

fn any_kind() -> impl Strategy<Value = WorkKind> {
    use WorkKind::{Call, Email, Meeting, Note, Visit};
    select(vec![Visit, Call, Meeting, Email, Note])
}

fn any_filled() -> impl Strategy<Value = BTreeSet<&'static str>> {
    let names: Vec<_> = FIELDS.into_iter().map(|field| field.name).collect();
    subsequence(names.clone(), 0..=names.len()).prop_map(|names| names.into_iter().collect())
}

proptest! {
    #[test]
    fn later_never_earns_more(
        rules in any_rules(), kind in any_kind(), filled in any_filled(), proven: bool,
        a in -5_000i64..50_000, b in -5_000i64..50_000,
    ) {
        let points = |minutes| {
            booking(&rules, &Facts { kind, ..facts(TimeDelta::minutes(minutes), proven, &filled) }).points
        };
        prop_assert!(points(a.min(b)) >= points(a.max(b)));
    }

    #[test]
    fn more_complete_never_costs(
        rules in any_rules(), kind in any_kind(), filled in any_filled(), more in any_filled(), proven: bool,
        minutes in -5_000i64..50_000,
    ) {
        let points = |filled: &BTreeSet<&str>| {
            booking(&rules, &Facts { kind, ..facts(TimeDelta::minutes(minutes), proven, filled) }).points
        };
        prop_assert!(points(&filled) <= points(&(&filled | &more)));
    }

    #[test]
    fn the_booking_is_within_the_rules_and_says_what_it_did(
        rules in any_rules(), kind in any_kind(), filled in any_filled(), proven: bool, minutes in -5_000i64..50_000,
    ) {
        let booking = booking(&rules, &Facts { kind, ..facts(TimeDelta::minutes(minutes), proven, &filled) });
        let Explanation { within_hours, weight_filled, weight_total, missing, delay_minutes, arithmetic, en, zh, .. } =
            booking.explanation;
        prop_assert!(booking.points.0.scale() <= 2);
        let work = rules.work.iter().find(|work| work.on == kind).unwrap();
        prop_assert!(booking.points >= rules.penalties[0].points && booking.points <= work.base);
        prop_assert_eq!(booking.kind == EntryKind::Fine, booking.points.0 < Decimal::ZERO);
        prop_assert!(proven || booking.points.0 >= Decimal::ZERO);
        let delay_minutes = delay_minutes.unwrap();
        prop_assert_eq!(i64::from(delay_minutes), minutes.max(0));
        prop_assert_eq!(missing.is_empty(), weight_filled == weight_total);
        prop_assert!(arithmetic.0.ends_with(&words::points(booking.points)));
        prop_assert!(en.0.contains(&words::points(booking.points)) && zh.0.contains(&words::points(booking.points)));
        let first_that_fits = rules.brackets.iter().map(|b| b.within_hours).find(|h| delay_minutes <= h * 60);
        prop_assert_eq!(within_hours, first_that_fits);
    }
}
