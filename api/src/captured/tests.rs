use proptest::prelude::*;

use super::*;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn reading(wall: &str, monotonic_ms: i64, boot_id: &str) -> Reading {
    Reading { wall: time(wall), monotonic_ms, boot_id: boot_id.to_owned() }
}

fn judge(captured: &Reading, sent: &Reading) -> (String, bool) {
    let judged = super::captured(Some(Readings { captured, sent }), time("2026-03-04T10:00:00Z"), TimeDelta::hours(72));
    (judged.at.to_string(), judged.proven)
}

#[test]
fn a_day_offline_is_no_lateness() {
    // Typed yesterday at 10:00, sent today; the phone was never restarted. Its wall clock is an hour slow throughout.
    let typed = reading("2026-03-03T09:00:00Z", 5 * HOUR, "boot-1");
    let sent = reading("2026-03-04T09:00:00Z", 29 * HOUR, "boot-1");
    assert_eq!(judge(&typed, &sent), ("2026-03-03T10:00:00.000Z".into(), true));
}

#[test]
fn turning_the_wall_clock_back_gains_nothing() {
    let typed = reading("2026-03-01T09:00:00Z", 28 * HOUR, "boot-1");
    let sent = reading("2026-03-04T10:00:00Z", 29 * HOUR, "boot-1");
    assert_eq!(judge(&typed, &sent), ("2026-03-04T09:00:00.000Z".into(), true));
}

#[test]
fn after_a_restart_the_wall_clock_counts_corrected_and_bounded() {
    let sent = reading("2026-03-04T08:00:00Z", HOUR, "boot-2"); // two hours slow
    let table = [
        ("2026-03-03T08:00:00Z", "2026-03-03T10:00:00.000Z"), // a day before the push, whatever the clock is off by
        ("2026-02-01T08:00:00Z", "2026-03-01T10:00:00.000Z"), // further back than the grace of 72 hours
        ("2026-03-01T08:00:00Z", "2026-03-01T10:00:00.000Z"), // exactly the grace
        ("2026-03-05T08:00:00Z", "2026-03-04T10:00:00.000Z"), // typed after it was sent: the receipt
    ];
    for (wall, expected) in table {
        assert_eq!(judge(&reading(wall, 0, "boot-1"), &sent), (expected.into(), false), "{wall}");
    }
}

#[test]
fn readings_that_cannot_be_prove_nothing() {
    let wall = "2026-03-04T07:00:00Z";
    let sent = |monotonic, boot: &str| reading("2026-03-04T08:00:00Z", monotonic, boot);
    let expected = ("2026-03-04T09:00:00.000Z".to_owned(), false);
    let table = [
        ("monotonic clock ran backward", reading(wall, 2, "b"), sent(1, "b")),
        ("up for more than 400 days", reading(wall, 0, "b"), sent(400 * DAY + 1, "b")),
        ("difference overflows", reading(wall, i64::MIN, "b"), sent(i64::MAX, "b")),
        ("phone cannot tell its boot", reading(wall, 0, ""), sent(HOUR, "")),
        ("boot ids of spaces", reading(wall, 0, "  "), sent(HOUR, "  ")),
    ];
    for (why, typed, sent) in table {
        assert_eq!(judge(&typed, &sent), expected, "{why}");
    }
}

#[test]
fn limits_of_the_proof_are_inclusive() {
    let sent = reading("2026-03-04T08:00:00Z", 400 * DAY, "b");
    assert_eq!(
        judge(&reading("2026-03-04T07:00:00Z", 400 * DAY, "b"), &sent),
        ("2026-03-04T10:00:00.000Z".into(), true)
    );
    assert_eq!(judge(&reading("2026-03-04T07:00:00Z", 0, "b"), &sent), ("2025-01-28T10:00:00.000Z".into(), true));
}

#[test]
fn without_readings_the_receipt_counts() {
    let received = time("2026-03-04T10:00:00Z");
    assert_eq!(super::captured(None, received, TimeDelta::hours(72)), Captured { at: received, proven: false });
}

fn any_time() -> impl Strategy<Value = Timestamp> {
    // The years that the wire admits.
    (-2_208_988_800_000i64..253_402_300_800_000)
        .prop_map(|ms| chrono::DateTime::from_timestamp_millis(ms).unwrap().into())
}

fn any_reading() -> impl Strategy<Value = Reading> {
    let monotonic = prop_oneof![any::<i64>(), 0..500 * DAY];
    (any_time(), monotonic, prop_oneof![Just(""), Just("a"), Just("b")])
        .prop_map(|(wall, monotonic_ms, boot)| Reading { wall, monotonic_ms, boot_id: boot.to_owned() })
}

proptest! {
    #[test]
    fn never_after_the_receipt_and_unproven_never_before_the_grace(
        typed in any_reading(), sent in any_reading(), received in any_time(), grace in any::<i32>(),
    ) {
        let judged = super::captured(Some(Readings { captured: &typed, sent: &sent }), received, TimeDelta::hours(i64::from(grace)));
        prop_assert!(judged.at <= received);
        if !judged.proven {
            prop_assert!(judged.at.0 >= received.0 - TimeDelta::hours(grace.max(0).into()));
        }
    }

    #[test]
    fn what_is_proven_does_not_hear_the_wall_clock(
        age in 0..400 * DAY, start in 0..100 * DAY, received in any_time(), grace in 0i32..720,
        walls in (any_time(), any_time()), other_walls in (any_time(), any_time()),
    ) {
        let judge = |(typed, sent): (Timestamp, Timestamp)| {
            let typed = Reading { wall: typed, monotonic_ms: start, boot_id: "b".into() };
            let sent = Reading { wall: sent, monotonic_ms: start + age, boot_id: "b".into() };
            super::captured(Some(Readings { captured: &typed, sent: &sent }), received, TimeDelta::hours(i64::from(grace)))
        };
        let expected = Captured { at: (received.0 - TimeDelta::milliseconds(age)).into(), proven: true };
        prop_assert_eq!(judge(walls), expected);
        prop_assert_eq!(judge(other_walls), expected);
    }

    #[test]
    fn a_clock_that_is_off_all_along_changes_nothing(
        age in -100 * DAY..100 * DAY, off in -3000 * DAY..3000 * DAY, grace in 0i32..720,
    ) {
        let received = time("2026-03-04T10:00:00Z");
        let judge = |off: i64| {
            let sent = received.0 + TimeDelta::milliseconds(off);
            let typed = Reading { wall: (sent - TimeDelta::milliseconds(age)).into(), monotonic_ms: 0, boot_id: "a".into() };
            let sent = Reading { wall: sent.into(), monotonic_ms: 0, boot_id: "b".into() };
            super::captured(Some(Readings { captured: &typed, sent: &sent }), received, TimeDelta::hours(i64::from(grace)))
        };
        prop_assert_eq!(judge(off), judge(0));
    }
}
