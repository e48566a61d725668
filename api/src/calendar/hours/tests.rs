use entity::scalar::Line;
use entity::shape::{Shift, SpecialDay};
use proptest::prelude::*;

use super::*;

fn shift(weekday: i32, from: &str, to: &str) -> Shift {
    Shift { weekday, from: from.to_owned(), to: to.to_owned() }
}

fn days(days: &[&str]) -> SpecialDays {
    let day = |day: &&str| SpecialDay { day: Date::parse(day).unwrap(), name: Line("Special".into()) };
    SpecialDays { days: days.iter().map(day).collect() }
}

/// Monday to Friday, nine to twelve and one to six; the Friday of the first week is free, the Saturday after it is not.
fn office(zone: Tz) -> Calendar {
    let week = (1..=5).flat_map(|day| [shift(day, "13:00", "18:00"), shift(day, "09:00", "12:00")]).collect();
    Calendar::new(zone, &Week { shifts: week }, &days(&["2026-03-06"]), &days(&["2026-03-07"]))
}

/// `2026-03-02 09:00` on the zone's clock.
fn at(zone: Tz, text: &str) -> Timestamp {
    let wall = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
    zone.from_local_datetime(&wall).earliest().unwrap().to_utc().into()
}

fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

#[test]
fn only_working_hours_count() {
    let zone = Tz::Asia__Shanghai;
    let table = [
        ("2026-03-02 10:00", "2026-03-02 11:30", 90),
        ("2026-03-02 11:00", "2026-03-02 14:00", 120), // over lunch
        ("2026-03-02 17:30", "2026-03-03 09:30", 60),  // over night
        ("2026-03-02 20:00", "2026-03-02 23:59", 0),
        ("2026-03-02 23:30", "2026-03-03 00:30", 0),   // over midnight
        ("2026-03-05 17:00", "2026-03-07 10:00", 120), // over a holiday to a Saturday that is worked
        ("2026-03-07 17:00", "2026-03-09 10:00", 120), // over a Sunday
        ("2026-03-02 09:00", "2026-03-09 09:00", 5 * 8 * 60),
        ("2026-03-03 09:00", "2026-03-02 09:00", 0), // backward
    ];
    let calendar = office(zone);
    for (from, to, minutes) in table {
        assert_eq!(calendar.minutes(at(zone, from), at(zone, to), Hours::Working), minutes, "{from} to {to}");
    }
    assert_eq!(calendar.minutes(at(zone, "2026-03-02 17:30"), at(zone, "2026-03-03 09:30"), Hours::Calendar), 960);
}

#[test]
fn hours_are_those_that_pass_when_the_clocks_are_changed() {
    let berlin = Tz::Europe__Berlin;
    let nights = (1..=7).map(|day| shift(day, "00:00", "06:00")).collect();
    let calendar = Calendar::new(berlin, &Week { shifts: nights }, &days(&[]), &days(&[]));
    let minutes = |from, to| calendar.minutes(at(berlin, from), at(berlin, to), Hours::Working);
    assert_eq!(minutes("2026-03-28 00:00", "2026-03-28 08:00"), 360);
    assert_eq!(minutes("2026-03-29 00:00", "2026-03-29 08:00"), 300); // two o'clock is three at once
    assert_eq!(minutes("2026-10-25 00:00", "2026-10-25 08:00"), 420); // two o'clock is twice
    // A shift that begins or ends within the hour that is left out begins or ends with the leap.
    let early = Week { shifts: vec![shift(7, "02:30", "04:00")] };
    let calendar = Calendar::new(berlin, &early, &days(&[]), &days(&[]));
    let whole_day = (at(berlin, "2026-03-29 00:00"), at(berlin, "2026-03-29 23:00"));
    assert_eq!(calendar.minutes(whole_day.0, whole_day.1, Hours::Working), 60);
    // The same moments are another day elsewhere.
    let there = office(Tz::America__New_York);
    assert_eq!(there.day(at(Tz::Asia__Shanghai, "2026-03-03 08:00")), date("2026-03-02"));
}

#[test]
fn working_days_are_counted_over_weekends_and_holidays() {
    let calendar = office(Tz::UTC);
    let table = [
        ("2026-03-02", 0, "2026-03-02"),
        ("2026-03-02", 3, "2026-03-05"),
        ("2026-03-05", 1, "2026-03-07"), // Friday is free, Saturday is worked
        ("2026-03-06", 0, "2026-03-07"),
        ("2026-03-08", 0, "2026-03-09"),
        ("2026-03-08", 1, "2026-03-09"),
        ("2026-03-13", 3, "2026-03-18"),
    ];
    for (from, days, to) in table {
        assert_eq!(calendar.add_working_days(date(from), days), date(to), "{days} after {from}");
    }
    assert_eq!(calendar.working_days(date("2026-03-02"), date("2026-03-02")), 0);
    assert_eq!(calendar.working_days(date("2026-03-02"), date("2026-03-09")), 5);
    let never = Calendar::new(Tz::UTC, &Week::default(), &days(&[]), &days(&[]));
    assert!(never.add_working_days(date("2026-03-02"), 1) > date("2036-01-01"));
}

proptest! {
    #[test]
    fn working_minutes_add_up_and_never_exceed_those_that_pass(
        zone in proptest::sample::select(vec![Tz::Asia__Shanghai, Tz::Europe__Berlin, Tz::America__St_Johns, Tz::Australia__Lord_Howe]),
        start in 1_767_225_600i64..1_798_761_600, a in 0i64..60_000, b in 0i64..60_000,
    ) {
        let week = (1..=7).flat_map(|day| [shift(day, "00:00", "02:15"), shift(day, "02:15", "24:00")]).collect();
        let all = Calendar::new(zone, &Week { shifts: week }, &days(&[]), &days(&[]));
        let moment = |minutes: i64| Timestamp(chrono::DateTime::from_timestamp(start + minutes * 60, 0).unwrap());
        let (from, middle, to) = (moment(0), moment(a), moment(a + b));
        // Whoever works round the clock works every hour that passes, also when the clocks are changed.
        prop_assert_eq!(all.minutes(from, to, Hours::Working), a + b);
        prop_assert_eq!(Calendar::always(zone).minutes(from, to, Hours::Working), a + b);
        let office = office(zone);
        let worked = |from, to| office.minutes(from, to, Hours::Working);
        // Seconds that both parts have left over may make one minute more.
        let (parts, whole) = (worked(from, middle) + worked(middle, to), worked(from, to));
        prop_assert!(parts == whole || parts + 1 == whole);
        prop_assert!(whole <= a + b);
    }

    #[test]
    fn a_deadline_is_when_the_minutes_are_used_up(
        zone in proptest::sample::select(vec![Tz::Asia__Shanghai, Tz::Europe__Berlin, Tz::Australia__Lord_Howe]),
        start in 1_767_225_600i64..1_798_761_600, minutes in 1i64..6_000,
    ) {
        let (office, from) = (office(zone), Timestamp(chrono::DateTime::from_timestamp(start, 0).unwrap()));
        for hours in [Hours::Working, Hours::Calendar] {
            let deadline = office.after(from, minutes, hours).unwrap();
            prop_assert_eq!(office.minutes(from, deadline, hours), minutes);
            let before = Timestamp(deadline.0 - TimeDelta::milliseconds(1));
            prop_assert_eq!(office.minutes(from, before, hours), minutes - 1);
        }
    }

    #[test]
    fn adding_and_counting_working_days_agree(offset in 0i64..400, days in 0i32..60) {
        let calendar = office(Tz::UTC);
        let from = Date(date("2026-01-01").0 + chrono::TimeDelta::days(offset));
        let to = calendar.add_working_days(from, days);
        prop_assert!(calendar.is_working(to));
        let first = i32::from(days == 0 && !calendar.is_working(from));
        prop_assert_eq!(calendar.working_days(from, to), days + first);
    }
}
