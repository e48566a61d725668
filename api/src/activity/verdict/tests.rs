use proptest::prelude::*;

use super::*;

/// The height of one metre on a meridian, in degrees.
const METRE: f64 = 360.0 / (2.0 * std::f64::consts::PI * EARTH_RADIUS_METRES);

fn position(latitude: f64, longitude: f64) -> Position {
    Position { latitude, longitude }
}

fn noon() -> Timestamp {
    Timestamp::parse("2026-03-02T12:00:00Z").unwrap()
}

fn minutes_after_noon(minutes: i64) -> Timestamp {
    (noon().0 + TimeDelta::minutes(minutes)).into()
}

fn check(at: Position, accuracy: Option<f64>) -> Check {
    Check { at: noon(), latitude: Some(at.latitude), longitude: Some(at.longitude), accuracy, fixed_at: Some(noon()) }
}

const SHANGHAI: Position = Position { latitude: 31.2304, longitude: 121.4737 };

/// Shanghai, so many metres to the north.
fn north(metres: f64) -> Position {
    position(SHANGHAI.latitude + metres * METRE, SHANGHAI.longitude)
}

#[test]
fn distance_against_the_radius_with_the_accuracy_in_the_reps_favour() {
    let table = [
        (0.0, Some(5.0), Verdict::Verified),
        (200.0, Some(0.0), Verdict::Verified),
        (201.0, Some(0.0), Verdict::Outside),
        (201.0, Some(1.0), Verdict::Verified),
        (650.0, Some(450.0), Verdict::Verified),
        (651.0, Some(450.0), Verdict::Outside),
        (150.0, None, Verdict::Verified),
        (300.0, None, Verdict::Outside),
        (2_200.0, Some(2_000.0), Verdict::Verified),
        (2_200.0, Some(2_000.5), Verdict::Unknown),
        (10.0, Some(60_000.0), Verdict::Unknown),
        (10.0, Some(-1.0), Verdict::Unknown),
        (10.0, Some(f64::NAN), Verdict::Unknown),
        (10.0, Some(f64::INFINITY), Verdict::Unknown),
    ];
    for (metres, accuracy, expected) in table {
        let result = verdict(Some(SHANGHAI), Some(&check(north(metres), accuracy)), noon());
        assert_eq!(result, (expected, Some(metres as i32)), "{metres} m away, accuracy {accuracy:?}");
    }
}

#[test]
fn without_both_positions_nothing_is_known() {
    let here = check(SHANGHAI, Some(5.0));
    let table = [
        ("account without a position", None, Some(here)),
        ("no check-in", Some(SHANGHAI), None),
        ("check-in without latitude", Some(SHANGHAI), Some(Check { latitude: None, ..here })),
        ("check-in without longitude", Some(SHANGHAI), Some(Check { longitude: None, ..here })),
        ("latitude is no number", Some(SHANGHAI), Some(Check { latitude: Some(f64::NAN), ..here })),
        ("longitude is no number", Some(SHANGHAI), Some(Check { longitude: Some(f64::INFINITY), ..here })),
        ("beyond the pole", Some(SHANGHAI), Some(Check { latitude: Some(90.1), ..here })),
        ("account's position is no number", Some(position(f64::NAN, 0.0)), Some(here)),
        ("account is off the globe", Some(position(0.0, 181.0)), Some(here)),
    ];
    for (why, account, check_in) in table {
        assert_eq!(verdict(account, check_in.as_ref(), noon()), (Verdict::Unknown, None), "{why}");
    }
}

#[test]
fn a_position_older_than_the_visit_is_no_proof() {
    // Minutes after noon, when the visit started: check-in pressed, position fixed.
    let table = [
        (0, Some(0), Verdict::Verified),
        (0, Some(-5), Verdict::Verified),
        (0, Some(-6), Verdict::Unknown),
        (0, Some(-60 * 24), Verdict::Unknown),
        (30, Some(26), Verdict::Verified),
        (30, Some(10), Verdict::Unknown), // an old fix, reused when the button was pressed
        (0, Some(1), Verdict::Verified),  // satellites were found after the button was pressed
        (0, None, Verdict::Verified),
        (-60 * 24, None, Verdict::Unknown),           // yesterday's check-in
        (-60 * 24, Some(-60 * 24), Verdict::Unknown), // likewise
    ];
    for (at, fixed_at, expected) in table {
        let check = Check {
            at: minutes_after_noon(at),
            fixed_at: fixed_at.map(minutes_after_noon),
            ..check(north(90.0), Some(10.0))
        };
        let result = verdict(Some(SHANGHAI), Some(&check), noon());
        assert_eq!(result, (expected, Some(90)), "pressed at {at}, fixed at {fixed_at:?}");
    }
}

#[test]
fn distances_agree_with_published_ones_and_cross_every_seam() {
    let quarter = std::f64::consts::FRAC_PI_2 * EARTH_RADIUS_METRES;
    let table = [
        // Nashville to Los Angeles airport, the usual worked example: 2,887.26 km on a sphere of 6,372.8 km.
        (position(36.12, -86.67), position(33.94, -118.40), 2_887_259.95 * EARTH_RADIUS_METRES / 6_372_800.0, 1.0),
        (position(0.0, 179.9995), position(0.0, -179.9995), 0.001 / METRE, 0.01),
        (position(0.0, 180.0), position(0.0, -180.0), 0.0, 0.01),
        (position(90.0, 0.0), position(90.0, 137.0), 0.0, 0.01),
        (position(-90.0, 12.0), position(-90.0, -170.0), 0.0, 0.01),
        (position(89.9995, 0.0), position(89.9995, 180.0), 0.001 / METRE, 0.01),
        (position(90.0, 5.0), position(0.0, 77.0), quarter, 0.01),
        (position(45.0, 30.0), position(-45.0, -150.0), 2.0 * quarter, 1.0),
        (position(90.0, 0.0), position(-90.0, 0.0), 2.0 * quarter, 1.0),
    ];
    for (a, b, expected, tolerance) in table {
        let distance = distance_metres(a, b);
        assert!((distance - expected).abs() <= tolerance, "{a:?} to {b:?}: {distance}, expected {expected}");
    }
}

fn any_position() -> impl Strategy<Value = Position> {
    (-90.0..=90.0, -180.0..=180.0).prop_map(|(latitude, longitude)| position(latitude, longitude))
}

proptest! {
    #[test]
    fn distance_is_a_distance(a in any_position(), b in any_position()) {
        let there = distance_metres(a, b);
        prop_assert!((0.0..=20_015_200.0).contains(&there), "{}", there);
        prop_assert!((there - distance_metres(b, a)).abs() < 0.001);
        prop_assert!(distance_metres(a, a) < 0.001);
    }

    #[test]
    fn antipodes_are_half_the_circumference_apart(a in any_position()) {
        let b = position(-a.latitude, if a.longitude > 0.0 { a.longitude - 180.0 } else { a.longitude + 180.0 });
        let half = std::f64::consts::PI * EARTH_RADIUS_METRES;
        prop_assert!((distance_metres(a, b) - half).abs() < 1.0, "{}", distance_metres(a, b));
    }

    #[test]
    fn a_worse_accuracy_never_puts_a_rep_outside(
        at in any_position(), metres in 0.0..5_000.0, a in 0.0..2_000.0, b in 0.0..2_000.0,
    ) {
        let phone = position(f64::min(at.latitude + metres * METRE, 90.0), at.longitude);
        let judge = |accuracy: f64| verdict(Some(at), Some(&check(phone, Some(accuracy))), noon()).0;
        if judge(f64::min(a, b)) == Verdict::Verified {
            prop_assert_eq!(judge(f64::max(a, b)), Verdict::Verified);
        }
    }

    #[test]
    fn no_number_on_earth_or_beyond_breaks_it(
        account in (any::<f64>(), any::<f64>()), phone in (any::<f64>(), any::<f64>()), accuracy in any::<f64>(),
    ) {
        let account = position(account.0, account.1);
        let phone = position(phone.0, phone.1);
        let (verdict, distance) = verdict(Some(account), Some(&check(phone, Some(accuracy))), noon());
        prop_assert_eq!(distance.is_some(), on_globe(&account) && on_globe(&phone));
        if distance.is_none() || !(0.0..=WORST_ACCURACY_METRES).contains(&accuracy) {
            prop_assert_eq!(verdict, Verdict::Unknown);
        }
    }
}
