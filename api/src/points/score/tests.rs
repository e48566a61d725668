use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use chrono_tz::Tz;
use entity::shape::{Shift, SpecialDays, Week};

use super::*;
use crate::points::field::{self, FIELDS};
use crate::points::rules::first_rule_set;
use crate::points::validate::tests::any_rules;

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn facts(delay: TimeDelta, proven: bool, filled: &Filled) -> Facts<'_> {
    let occurred = time("2026-03-02T01:30:00Z");
    let at: Timestamp = (occurred.0 + delay).into();
    let received = (at.0.max(occurred.0) + TimeDelta::days(1)).into();
    let captured = Captured { at, proven };
    Facts { kind: WorkKind::Visit, about: None, occurred, captured, received, filled, judged: None, room: None }
}

/// Texts of twenty characters.
fn written(names: &[&'static str]) -> Filled {
    names.iter().map(|name| (*name, if field::field(name).unwrap().is_text { 20 } else { usize::MAX })).collect()
}

/// Everything that the first rule set weighs for a visit.
fn all() -> Filled {
    written(&FIELDS.map(|field| field.name))
}

/// Monday to Friday, nine to six, in Shanghai.
fn office() -> Calendar {
    let shift = |weekday| Shift { weekday, from: "09:00".into(), to: "18:00".into() };
    let week = Week { shifts: (1..=5).map(shift).collect() };
    Calendar::new(Tz::Asia__Shanghai, &week, &SpecialDays::default(), &SpecialDays::default())
}

fn booking(rules: &Rules, facts: &Facts<'_>) -> Booking {
    Scorer { rules, version: 7, calendar: &office() }.score(facts).expect("the rules speak of every kind")
}

fn booked(delay: TimeDelta, proven: bool, filled: &Filled) -> (String, EntryKind, Option<i32>) {
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
    let table: [(&[&'static str], &str); 5] = [
        (&[], "0.00"),
        (&["summary"], "3.00"),
        (&["summary", "outcome", "nextStep"], "6.50"),
        (&["summary", "opportunityId", "durationMinutes"], "3.00"), // the last two weigh nothing for a visit
        (&["summary", "outcome", "nextStep", "nextStepOn", "contactId", "checkIn", "checkOut"], "10.00"),
    ];
    for (filled, points) in table {
        let filled = written(filled);
        assert_eq!(booked(TimeDelta::hours(1), true, &filled).0, points, "{filled:?}");
        assert_eq!(booked(TimeDelta::days(9), true, &filled).0, "-5.00", "{filled:?}, late");
    }
}

#[test]
fn halves_are_rounded_away_from_zero() {
    let mut rules = first_rule_set();
    rules.work[0].base = Points::parse("0.05").unwrap();
    let arithmetic = |rules: &Rules, filled: &[&'static str]| {
        let filled = written(filled);
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
    let filled = written(&["summary", "outcome", "nextStep"]);
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
    let none = Filled::new();
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
    let none = Filled::new();
    let scorer = Scorer { rules: &rules, version: 1, calendar: &office() };
    assert_eq!(scorer.score(&facts(TimeDelta::days(30), true, &none)), None);
}

#[test]
fn a_condition_asks_for_length_and_company() {
    let mut rules = first_rule_set();
    let weights = &mut rules.work[0].weights;
    weights[0].min_characters = Some(20);
    weights[2].with = Some(entity::scalar::Line("nextStepOn".into()));
    let points = |filled: &Filled| booking(&rules, &facts(TimeDelta::zero(), true, filled)).points.to_string();
    let mut filled = written(&["summary", "nextStep"]);
    assert_eq!(points(&filled), "3.00", "twenty characters, and a next step without a day");
    filled.insert("summary", 19);
    assert_eq!(points(&filled), "0.00");
    filled.insert("nextStepOn", usize::MAX);
    assert_eq!(points(&filled), "2.50", "15 for the step and 10 for its day");
}

#[test]
fn delays_are_counted_in_working_hours_where_the_rules_say_so() {
    let rules = Rules { hours: Hours::Working, ..first_rule_set() };
    let all = all();
    // Monday 09:30. Two working hours end at 11:30, twenty-four on Wednesday at 15:30, seventy-two on Wednesday of next week.
    let table = [
        (TimeDelta::hours(2), "10.00", 120),
        (TimeDelta::minutes(121), "6.00", 121),
        (TimeDelta::hours(54), "6.00", 24 * 60),
        (TimeDelta::minutes(54 * 60 + 1), "2.00", 24 * 60 + 1),
        (TimeDelta::days(9), "2.00", 7 * 9 * 60),
        (TimeDelta::days(10), "2.00", 72 * 60),
        (TimeDelta::days(11), "-5.00", 81 * 60),
    ];
    for (delay, points, minutes) in table {
        let booking = booking(&rules, &facts(delay, true, &all));
        assert_eq!((booking.points.to_string().as_str(), booking.explanation.delay_minutes), (points, Some(minutes)));
    }
    let told = booking(&rules, &facts(TimeDelta::days(1), true, &all)).explanation;
    assert!(told.en.0.contains("delay 9 h in working hours."), "{}", told.en);
    assert!(told.zh.0.contains("延迟 工作时间 9 小时。"), "{}", told.zh);
}

#[test]
fn a_cap_pays_what_it_leaves_and_says_what_it_took() {
    let all = all();
    let of = |room: &str, delay| {
        let room = Some(Points::parse(room).unwrap().0);
        booking(&first_rule_set(), &Facts { room, ..facts(delay, true, &all) })
    };
    let capped = of("2.50", TimeDelta::zero());
    assert_eq!(capped.explanation.arithmetic.0, "min(10 × 100 % × 100/100, 2.50) = 2.50");
    assert_eq!(
        (capped.points.to_string(), capped.explanation.capped.unwrap().to_string()),
        ("2.50".into(), "7.50".into())
    );
    assert!(capped.explanation.en.0.contains("The day's cap takes 7.50 points away."), "{}", capped.explanation.en);
    assert!(capped.explanation.zh.0.contains("超出当日上限的 7.50 分不计"), "{}", capped.explanation.zh);
    assert_eq!(of("10.00", TimeDelta::zero()).explanation.capped, None);
    assert_eq!(of("0.00", TimeDelta::days(9)).points.to_string(), "-5.00", "a fine knows no cap");
}

#[test]
fn a_fine_may_cost_money_and_a_plan_is_not_fined_twice() {
    let mut rules = first_rule_set();
    rules.penalties[0].money = Some(Money(Decimal::from(50)));
    rules.currency = Some(Currency("CNY".into()));
    rules.work.push(entity::rules::WorkRule { on: WorkKind::Plan, base: Points(Decimal::ONE), weights: Vec::new() });
    let all = all();
    let late = booking(&rules, &facts(TimeDelta::days(9), true, &all));
    assert_eq!(late.money, Some((Money(Decimal::from(50)), Currency("CNY".into()))));
    assert!(late.explanation.en.0.ends_with("It also costs 50 CNY."), "{}", late.explanation.en);
    assert_eq!(booking(&rules, &facts(TimeDelta::days(9), false, &all)).money, None);
    let plan = booking(&rules, &Facts { kind: WorkKind::Plan, ..facts(TimeDelta::days(9), true, &all) });
    assert_eq!((plan.points.to_string().as_str(), plan.kind, plan.money), ("0.00", EntryKind::Award, None));
    rules.penalties[0].points = Points::default();
    assert_eq!(booking(&rules, &facts(TimeDelta::days(9), true, &all)).kind, EntryKind::Fine);
}

#[test]
fn what_was_judged_once_stays_judged() {
    let all = all();
    let first = booking(&first_rule_set(), &facts(TimeDelta::hours(1), true, &all)).explanation;
    let (occurred, captured) = (first.occurred.unwrap(), first.captured.unwrap());
    assert_eq!(Scorer::judged(&first, occurred, captured, Hours::Calendar), Some(60));
    assert_eq!(Scorer::judged(&first, occurred, occurred, Hours::Calendar), None);
    assert_eq!(Scorer::judged(&first, occurred, captured, Hours::Working), None);
    let judged = booking(&first_rule_set(), &Facts { judged: Some(9_000), ..facts(TimeDelta::hours(1), true, &all) });
    assert_eq!(judged.explanation.delay_minutes, Some(9_000));
}

fn any_kind() -> impl Strategy<Value = WorkKind> {
    use WorkKind::{Call, Email, Meeting, Note, Plan, StageMove, Visit};
    select(vec![Visit, Call, Meeting, Email, Note, StageMove, Plan])
}

/// Of activities, opportunities and plans alike, with texts of any length.
fn any_filled() -> impl Strategy<Value = Filled> {
    let names: Vec<_> = [WorkKind::Visit, WorkKind::StageMove, WorkKind::Plan]
        .into_iter()
        .flat_map(field::of_work)
        .map(|field| field.name)
        .collect();
    let lengths = proptest::collection::vec(1..50usize, names.len());
    (subsequence(names.clone(), 0..=names.len()), lengths)
        .prop_map(|(names, lengths)| names.into_iter().zip(lengths).collect())
}

fn any_room() -> impl Strategy<Value = Option<Decimal>> {
    proptest::option::of((0..2_500i64).prop_map(|hundredths| Decimal::new(hundredths, 2)))
}

proptest! {
    #[test]
    fn later_never_earns_more(
        rules in any_rules(), kind in any_kind(), filled in any_filled(), proven: bool, room in any_room(),
        a in -5_000i64..50_000, b in -5_000i64..50_000,
    ) {
        let points = |minutes| {
            booking(&rules, &Facts { kind, room, ..facts(TimeDelta::minutes(minutes), proven, &filled) }).points
        };
        prop_assert!(points(a.min(b)) >= points(a.max(b)));
    }

    #[test]
    fn more_complete_never_costs(
        rules in any_rules(), kind in any_kind(), filled in any_filled(), more in any_filled(), proven: bool, room in any_room(),
        minutes in -5_000i64..50_000,
    ) {
        let points = |filled: &Filled| {
            booking(&rules, &Facts { kind, room, ..facts(TimeDelta::minutes(minutes), proven, filled) }).points
        };
        // Each field at least as long as before, and perhaps others beside it.
        let mut fuller = filled.clone();
        more.into_iter().for_each(|(name, characters)| {
            fuller.entry(name).and_modify(|before| *before = characters.max(*before)).or_insert(characters);
        });
        prop_assert!(points(&filled) <= points(&fuller));
    }

    #[test]
    fn the_booking_is_within_the_rules_and_says_what_it_did(
        rules in any_rules(), kind in any_kind(), filled in any_filled(), proven: bool, room in any_room(),
        minutes in -5_000i64..50_000,
    ) {
        let booking = booking(&rules, &Facts { kind, room, ..facts(TimeDelta::minutes(minutes), proven, &filled) });
        let Explanation { within_hours, weight_filled, weight_total, missing, delay_minutes, arithmetic, en, zh, .. } =
            booking.explanation;
        prop_assert!(booking.points.0.scale() <= 2);
        let work = rules.work.iter().find(|work| work.on == kind).unwrap();
        prop_assert!(booking.points >= rules.penalties[0].points && booking.points <= work.base);
        prop_assert_eq!(booking.kind == EntryKind::Fine, booking.points.0 < Decimal::ZERO);
        prop_assert!(proven || booking.points.0 >= Decimal::ZERO);
        let delay_minutes = delay_minutes.unwrap();
        let passed = minutes.max(0);
        let (told, whole) = (i64::from(delay_minutes), rules.hours == Hours::Calendar);
        prop_assert!(told <= passed && (told == passed || !whole));
        prop_assert!(room.is_none_or(|room| booking.points.0 <= room));
        prop_assert_eq!(missing.is_empty(), weight_filled == weight_total);
        prop_assert!(arithmetic.0.ends_with(&words::points(booking.points)));
        prop_assert!(en.0.contains(&words::points(booking.points)) && zh.0.contains(&words::points(booking.points)));
        let first_that_fits = rules.brackets.iter().map(|b| b.within_hours).find(|h| delay_minutes <= h * 60);
        prop_assert_eq!(within_hours, first_that_fits);
    }
}
