use entity::kind::{Hours, WorkKind};
use entity::rules::Weight;
use entity::scalar::Points;
use entity::shape::{Shift, SpecialDay, SpecialDays, Week};
use serde_json::json;

use super::super::timeline::{Moved, Op, Write};
use super::*;
use crate::points::rules::first_rule_set;

const REP: Uuid = Uuid::from_u128(7);
const HEIR: Uuid = Uuid::from_u128(8);
const ID: Uuid = Uuid::from_u128(9);

fn day(text: &str) -> Date {
    Date::parse(text).expect("a day")
}

/// Nine in the morning of a day in Shanghai.
fn at(text: &str) -> Timestamp {
    Timestamp::parse(&format!("{text}T01:00:00Z")).expect("a time")
}

fn calendar() -> Calendar {
    let shift = |weekday| Shift { weekday, from: "09:00".into(), to: "18:00".into() };
    let holiday = SpecialDay { day: day("2026-03-05"), name: Line("Founders' Day".into()) };
    let week = Week { shifts: (1..=5).map(shift).collect() };
    Calendar::new(chrono_tz::Asia::Shanghai, &week, &SpecialDays { days: vec![holiday] }, &SpecialDays::default())
}

fn rules() -> Rules {
    let penalty = |kind, after_days| Penalty {
        kind,
        points: Points::parse("-3").expect("points"),
        money: None,
        after_days,
        below_percent: Some(60),
    };
    let weight = |field: &str, weight| Weight {
        field: Line(field.into()),
        weight,
        min_characters: (field == "note").then_some(5),
        with: None,
    };
    let weights = vec![weight("phone", 60), weight("note", 40)];
    let rules = first_rule_set();
    assert_eq!((rules.hours, rules.work[0].on), (Hours::Calendar, WorkKind::Visit));
    Rules {
        penalties: vec![
            penalty(PenaltyKind::MissedPlan, None),
            penalty(PenaltyKind::IdleOpportunity, Some(3)),
            penalty(PenaltyKind::StaleStage, None),
            penalty(PenaltyKind::IncompleteAccount, Some(2)),
        ],
        customer: vec![CustomerRule {
            on: CardKind::Account,
            base: Points::parse("10").expect("points"),
            brackets: Vec::new(),
            weights,
        }],
        ..rules
    }
}

/// The keys without their id, of what falls due from the second to the thirty-first of March.
fn due(lines: &Timelines) -> Vec<String> {
    let (rules, calendar) = (rules(), calendar());
    let stale_days = BTreeMap::from([(StageKey::Intent, 10)]);
    let law = Law { rules: &rules, starts_on: day("2026-03-02"), calendar: &calendar, stale_days: &stale_days };
    let found = law.offences(lines, day("2026-03-01"), day("2026-03-31"));
    for offence in &found {
        assert!(law.stands(lines, &offence.key(), offence.due), "what was booked a moment ago stands");
    }
    found.iter().map(|offence| format!("{} {} of {}", offence.kind, offence.due, offence.user_id.as_u128())).collect()
}

fn create(on: &str, document: Value) -> Write {
    Write { captured: at(on), op: Op::Create(document.as_object().expect("an object").clone()) }
}

fn update(on: &str, changes: Value) -> Write {
    Write { captured: at(on), op: Op::Update(changes.as_object().expect("an object").clone()) }
}

fn plan(later: Vec<Write>, visited: Option<&str>) -> Vec<String> {
    let first = create("2026-03-02", json!({ "plannedOn": "2026-03-04", "status": "planned", "ownerId": REP }));
    let history = History { writes: [vec![first], later].concat() };
    let line = PlanLine { history, visited: visited.map(day) };
    due(&Timelines { plans: [(ID, line)].into(), ..Timelines::default() })
}

#[test]
fn a_plan_is_missed_when_its_day_is_over() {
    let missed = "missed_plan 2026-03-04 of 7";
    assert_eq!(plan(vec![], None), [missed]);
    assert_eq!(plan(vec![], Some("2026-03-04")), [""; 0]);
    assert_eq!(plan(vec![], Some("2026-03-03")), [""; 0]);
    assert_eq!(plan(vec![], Some("2026-03-05")), [missed]);
    let cancelled = |on| vec![update(on, json!({ "status": ["planned", "cancelled"] }))];
    assert_eq!(plan(cancelled("2026-03-04"), None), [""; 0]);
    assert_eq!(plan(cancelled("2026-03-05"), None), [missed]);
    // The job of that night says that it was missed; that changes nothing.
    assert_eq!(plan(vec![update("2026-03-05", json!({ "status": ["planned", "missed"] }))], None), [missed]);
    let moved = |on| vec![update(on, json!({ "plannedOn": ["2026-03-04", "2026-03-10"] }))];
    assert_eq!(plan(moved("2026-03-03"), None), ["missed_plan 2026-03-10 of 7"]);
    assert_eq!(plan(moved("2026-03-05"), None), [missed, "missed_plan 2026-03-10 of 7"]);
    assert_eq!(plan(moved("2026-03-05"), Some("2026-03-10")), [missed]);
    let handed = vec![update("2026-03-03", json!({ "ownerId": [REP, HEIR] }))];
    assert_eq!(plan(handed, None), ["missed_plan 2026-03-04 of 8"]);
    assert_eq!(plan(vec![Write { captured: at("2026-03-03"), op: Op::Delete }], None), [""; 0]);
}

fn opportunity(moves: &[(&str, StageKey)], worked: &[&str], later: Vec<Write>) -> Vec<String> {
    let first = create("2026-02-02", json!({ "name": "Fibre", "ownerId": REP }));
    let moves = moves.iter().zip(1..).map(|((on, to), number)| Moved { number, to: *to, at: at(on) });
    let line = OpportunityLine {
        history: History { writes: [vec![first], later].concat() },
        moves: moves.collect(),
        worked: worked.iter().map(|on| day(on)).collect(),
    };
    due(&Timelines { opportunities: [(ID, line)].into(), ..Timelines::default() })
}

#[test]
fn an_opportunity_is_idle_after_working_days_without_work() {
    use StageKey::{Intent, Lost, PreSale, Signed};
    let old = [("2026-02-02", Intent)];
    // It was idle before the rules; three working days from the second of March, the fifth being a holiday, end on the sixth.
    assert_eq!(opportunity(&old, &[], vec![])[0], "idle_opportunity 2026-03-06 of 7");
    let idle = |moves: &[(&str, StageKey)], worked: &[&str]| {
        let all = opportunity(moves, worked, vec![]);
        all.into_iter().filter_map(|text| Some(text.strip_prefix("idle_opportunity ")?.to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(idle(&old, &[]), ["2026-03-06 of 7"], "once, however long it lasts");
    assert_eq!(idle(&old, &["2026-03-06"]), ["2026-03-11 of 7"]);
    assert_eq!(idle(&old, &["2026-03-07"]), ["2026-03-06 of 7", "2026-03-11 of 7"]);
    let busy = ["2026-03-06", "2026-03-11", "2026-03-16", "2026-03-19", "2026-03-24", "2026-03-27", "2026-03-31"];
    assert_eq!(idle(&old, &busy), [""; 0]);
    assert_eq!(idle(&[old[0], ("2026-03-06", PreSale)], &[]), ["2026-03-11 of 7"], "a move is work");
    for end in [Signed, Lost] {
        assert_eq!(idle(&[old[0], ("2026-03-06", end)], &[]), [""; 0]);
    }
    assert_eq!(idle(&[("2026-03-30", Intent)], &[]), [""; 0], "not due yet");
}

#[test]
fn a_stage_is_stale_beyond_its_limit() {
    use StageKey::{Intent, PreSale};
    let stale = |moves: &[(&str, StageKey)], later: Vec<Write>| {
        let all = opportunity(moves, &[], later);
        all.into_iter().filter_map(|text| Some(text.strip_prefix("stale_stage ")?.to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(stale(&[("2026-03-03", Intent)], vec![]), ["2026-03-13 of 7"]);
    assert_eq!(stale(&[("2026-03-03", Intent), ("2026-03-13", PreSale)], vec![]), [""; 0]);
    assert_eq!(stale(&[("2026-03-03", Intent), ("2026-03-14", PreSale)], vec![]), ["2026-03-13 of 7"]);
    let again = [("2026-03-03", Intent), ("2026-03-05", PreSale), ("2026-03-08", Intent)];
    assert_eq!(stale(&again, vec![]), ["2026-03-18 of 7"]);
    let handed = vec![update("2026-03-10", json!({ "ownerId": [REP, HEIR] }))];
    assert_eq!(stale(&[("2026-03-03", Intent)], handed), ["2026-03-20 of 8"], "the new owner has the whole time");
}

#[test]
fn a_card_is_judged_as_it_was_typed_by_then() {
    let card = |on: &str, document: Value, later: Vec<Write>| {
        let history = History { writes: [vec![create(on, document)], later].concat() };
        due(&Timelines { accounts: [(ID, history)].into(), ..Timelines::default() })
    };
    let bare = || json!({ "name": "Acme", "ownerId": REP });
    let filled = |on| vec![update(on, json!({ "phone": [null, "021"] }))];
    assert_eq!(card("2026-03-09", bare(), vec![]), ["incomplete_account 2026-03-11 of 7"]);
    assert_eq!(card("2026-03-09", bare(), filled("2026-03-11")), [""; 0]);
    assert_eq!(card("2026-03-09", bare(), filled("2026-03-12")), ["incomplete_account 2026-03-11 of 7"]);
    let short = json!({ "name": "Acme", "ownerId": REP, "note": "abcd" });
    assert_eq!(card("2026-03-09", short, vec![]), ["incomplete_account 2026-03-11 of 7"]);
    assert_eq!(card("2026-01-01", bare(), vec![]), ["incomplete_account 2026-03-04 of 7"], "counted from the rules on");
}

#[test]
fn what_arrives_late_clears_what_was_booked() {
    let (rules, calendar) = (rules(), calendar());
    let law =
        Law { rules: &rules, starts_on: day("2026-03-02"), calendar: &calendar, stale_days: &BTreeMap::default() };
    let first = create("2026-03-02", json!({ "plannedOn": "2026-03-04", "status": "planned", "ownerId": REP }));
    let mut line = PlanLine { history: History { writes: vec![first] }, visited: None };
    let lines = |line: &PlanLine| Timelines { plans: [(ID, line.clone())].into(), ..Timelines::default() };
    let [offence] = law.offences(&lines(&line), day("2026-03-04"), day("2026-03-04")).try_into().expect("one");
    assert!(law.stands(&lines(&line), &offence.key(), offence.due));
    line.visited = Some(day("2026-03-04"));
    assert!(!law.stands(&lines(&line), &offence.key(), offence.due));
    assert!(law.stands(&Timelines::default(), &offence.key(), offence.due), "of what is not read nothing is said");
}
