use chrono::{DateTime, Utc};

use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

const NORTH: Uuid = Uuid::from_u128(1);
const SOUTH: Uuid = Uuid::from_u128(2);

fn span() -> Span {
    Span { days: 30, follow_days: 60, zone: chrono_tz::Asia::Shanghai, now: at("2026-12-31T00:00:00Z").into() }
}

/// `of` of a team that came at one moment, `signed` of them after ten days.
fn came(team_id: Uuid, at: DateTime<Utc>, of: usize, signed: usize) -> Vec<Entered> {
    let one = |n| Entered { team_id, at: at.into(), signed_after: (n < signed).then(|| TimeDelta::days(10)) };
    (0..of).map(one).collect()
}

fn wave(control: bool) -> Wave {
    Wave { starts_on: day("2026-06-01"), treated: Some([NORTH].into()), control: control.then(|| [SOUTH].into()) }
}

const BEFORE: &str = "2026-03-15T00:00:00Z";
const AFTER: &str = "2026-06-15T00:00:00Z";

#[test]
fn nobody_is_followed_across_the_start() {
    // 60 days before the start is the second of April.
    for (entered, is_before, is_after) in [
        ("2026-03-02T15:59:59Z", 0, 0),
        ("2026-03-02T16:00:00Z", 1, 0),
        ("2026-04-01T15:59:59Z", 1, 0),
        ("2026-04-01T16:00:00Z", 0, 0),
        ("2026-05-31T15:59:59Z", 0, 0),
        ("2026-05-31T16:00:00Z", 0, 1),
        ("2026-06-30T15:59:59Z", 0, 1),
        ("2026-06-30T16:00:00Z", 0, 0),
    ] {
        let found = span().compare(wave(false), &came(NORTH, at(entered), 1, 1)).treated;
        assert_eq!((found.before.entered, found.after.entered), (is_before, is_after), "{entered}");
    }
}

#[test]
fn everybody_has_the_same_time_to_sign() {
    let signed = |after: TimeDelta, now: &str| {
        let one = Entered { team_id: NORTH, at: at(AFTER).into(), signed_after: Some(after) };
        let span = Span { now: at(now).into(), ..span() };
        let after = span.compare(wave(false), &[one]).treated.after;
        (after.entered, after.days)
    };
    assert_eq!(signed(TimeDelta::days(60), "2026-12-31T00:00:00Z"), (1, vec![60.0]));
    assert_eq!(signed(TimeDelta::days(61), "2026-12-31T00:00:00Z"), (1, vec![]));
    assert_eq!(signed(TimeDelta::days(5), "2026-08-13T23:59:59Z"), (0, vec![]), "its time is not over");
}

#[test]
fn what_the_others_changed_is_taken_off() {
    let all = [
        came(NORTH, at(BEFORE), 100, 40),
        came(NORTH, at(AFTER), 100, 55),
        came(SOUTH, at(BEFORE), 100, 40),
        came(SOUTH, at(AFTER), 100, 45),
    ]
    .concat();
    let alone = signing_rate(&[span().compare(wave(false), &all)]).expect("an effect");
    assert!((alone.difference.value - 0.15).abs() < 1e-9 && (alone.expected - 0.4).abs() < 1e-9, "{alone:?}");
    assert!((alone.relative.expect("a ratio").value - 0.375).abs() < 1e-9);
    let against = signing_rate(&[span().compare(wave(true), &all)]).expect("an effect");
    assert!((against.difference.value - 0.10).abs() < 1e-9 && (against.expected - 0.45).abs() < 1e-9, "{against:?}");
    let width = |effect: &Effect| effect.difference.high - effect.difference.low;
    assert!(width(&against) > width(&alone), "two more samples are two more doubts");
    let both = [span().compare(wave(true), &all), span().compare(wave(false), &all)];
    assert!((signing_rate(&both).expect("an effect").difference.value - 0.125).abs() < 1e-9);
}

#[test]
fn few_tell_nothing() {
    let told = |before: (usize, usize), after: (usize, usize)| {
        let all = [came(NORTH, at(BEFORE), before.0, before.1), came(NORTH, at(AFTER), after.0, after.1)].concat();
        are_enough(&[span().compare(wave(false), &all)])
    };
    assert!(told((30, 3), (30, 2)));
    assert!(!told((29, 10), (100, 40)));
    assert!(!told((100, 40), (29, 10)));
    assert!(!told((100, 2), (100, 2)), "four signatures");
    assert!(!told((30, 28), (30, 28)), "four that were not signed");
    let north = [came(NORTH, at(BEFORE), 100, 40), came(NORTH, at(AFTER), 100, 40)].concat();
    assert!(!are_enough(&[span().compare(wave(true), &north)]), "nobody to compare with");
    assert!(signing_rate(&[span().compare(wave(true), &north)]).is_none());
}

#[test]
fn a_faster_cycle_is_fewer_days() {
    let mut all = came(NORTH, at(BEFORE), 60, 60);
    let quick = |one: Entered| Entered { signed_after: Some(TimeDelta::days(4)), ..one };
    all.extend(came(NORTH, at(AFTER), 60, 60).into_iter().map(quick));
    let effect = cycle_days(&[span().compare(wave(false), &all)]).expect("an effect");
    assert_eq!((effect.difference.value, effect.expected), (-6.0, 10.0));
    assert!((effect.relative.expect("of ten").value + 0.6).abs() < 1e-9);
}
