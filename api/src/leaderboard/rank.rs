//! Ranks and streaks. Decides only.

use std::collections::BTreeMap;

use entity::scalar::{Date, Points};

use crate::calendar::Calendar;

/// Days on which something was entered, and whether all of it was in time.
pub type Days = BTreeMap<Date, bool>;

/// The rank of each of these points, which are in falling order: standard competition ranking (1, 2, 2, 4).
pub fn ranks(points: &[Points]) -> Vec<i32> {
    let mut ranks: Vec<i32> = Vec::with_capacity(points.len());
    for (at, now) in points.iter().enumerate() {
        let shared = at.checked_sub(1).filter(|before| points[*before] == *now).map(|before| ranks[before]);
        ranks.push(shared.unwrap_or_else(|| i32::try_from(at + 1).unwrap_or(i32::MAX)));
    }
    ranks
}

/// How many working days in a row all was in time: the streak that the last of these days stands in, and the longest that
/// reaches a day from `from` on. What is late on a free day ends a streak too; what is in time then does not count.
pub fn streaks(days: &Days, calendar: &Calendar, from: Date) -> (i32, i32) {
    let (mut streak, mut best) = (0, 0);
    for (day, in_time) in days {
        streak = if *in_time { streak + i32::from(calendar.is_working(*day)) } else { 0 };
        if *day >= from {
            best = best.max(streak);
        }
    }
    (streak, best)
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;
    use entity::shape::{Shift, SpecialDays, Week};

    use super::*;

    #[test]
    fn equal_points_share_a_rank() {
        let points = |all: &[&str]| all.iter().map(|one| Points::parse(one).unwrap()).collect::<Vec<_>>();
        assert_eq!(ranks(&points(&["30", "20.00", "20", "10", "-5"])), [1, 2, 2, 4, 5]);
        assert_eq!(ranks(&points(&["0", "0", "0"])), [1, 1, 1]);
        assert_eq!(ranks(&[]), [0_i32; 0]);
    }

    #[test]
    fn a_streak_counts_working_days_and_ends_with_a_late_entry() {
        let shifts = (1..=5).map(|weekday| Shift { weekday, from: "09:00".into(), to: "18:00".into() }).collect();
        let free = SpecialDays::default();
        let calendar = Calendar::new(Tz::Asia__Shanghai, &Week { shifts }, &free, &free);
        let day = |text: &str| Date::parse(text).unwrap();
        // Friday, Saturday, Monday, no entry on Tuesday, Wednesday.
        let in_time = ["2026-03-06", "2026-03-07", "2026-03-09", "2026-03-11"];
        let mut days: Days = in_time.into_iter().map(|text| (day(text), true)).collect();
        assert_eq!(streaks(&days, &calendar, day("2026-03-01")), (3, 3));
        // A late entry on the free Sunday.
        days.insert(day("2026-03-08"), false);
        assert_eq!(streaks(&days, &calendar, day("2026-03-01")), (2, 2));
        days.insert(day("2026-03-11"), false);
        assert_eq!(streaks(&days, &calendar, day("2026-03-01")), (0, 1));
        assert_eq!(streaks(&days, &calendar, day("2026-03-10")), (0, 0));
    }
}
