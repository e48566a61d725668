//! Which days a period is compared with. Calendar only: no page and no database.

use chrono::{Datelike, Months, NaiveDate, TimeDelta};
use entity::scalar::Date;

use crate::report::figures::Scope as Period;

/// The first year of which reports tell.
const FIRST: i32 = 1900;

/// A period, and the day until whose end it is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub as_of: NaiveDate,
}

impl Days {
    /// The days of the report: where none are chosen, twelve months up to the last.
    pub fn of(period: &Period, today: Date) -> Option<Self> {
        let as_of = period.as_of.unwrap_or(today).0;
        let to = period.to.map_or(as_of, |day| day.0);
        let from = match period.from {
            Some(day) => day.0,
            None => to.checked_sub_months(Months::new(12))?.succ_opt()?,
        };
        Some(Days { from, to, as_of })
    }

    /// As many days, right before the first.
    pub fn before(self) -> Option<Self> {
        let length = self.to - self.from + TimeDelta::days(1);
        self.each(|day| day.checked_sub_signed(length))
    }

    pub fn a_year_before(self) -> Option<Self> {
        self.each(|day| day.checked_sub_months(Months::new(12)))
    }

    fn each(self, earlier: impl Fn(NaiveDate) -> Option<NaiveDate>) -> Option<Self> {
        let days = Days { from: earlier(self.from)?, to: earlier(self.to)?, as_of: earlier(self.as_of)? };
        (days.from.year() >= FIRST).then_some(days)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    fn days(from: &str, to: &str, as_of: &str) -> Days {
        Days { from: day(from).0, to: day(to).0, as_of: day(as_of).0 }
    }

    #[test]
    fn an_earlier_period_is_as_long_and_is_followed_for_as_long() {
        let quarter = days("2026-01-01", "2026-03-31", "2026-04-10");
        assert_eq!(quarter.before(), Some(days("2025-10-03", "2025-12-31", "2026-01-10")));
        assert_eq!(quarter.a_year_before(), Some(days("2025-01-01", "2025-03-31", "2025-04-10")));
        // A quarter of which half is still to come is compared with half a quarter.
        let begun = days("2026-01-01", "2026-03-31", "2026-02-14");
        assert_eq!(begun.before(), Some(days("2025-10-03", "2025-12-31", "2025-11-16")));
        let leap = days("2024-02-01", "2024-02-29", "2024-02-29");
        assert_eq!(leap.a_year_before(), Some(days("2023-02-01", "2023-02-28", "2023-02-28")));
    }

    #[test]
    fn without_days_it_is_the_last_twelve_months() {
        let none = Period::default();
        let usual = Days::of(&none, day("2026-03-02"));
        assert_eq!(usual, Some(days("2025-03-03", "2026-03-02", "2026-03-02")));
        let told = Period { to: Some(day("2025-12-31")), as_of: Some(day("2026-01-15")), ..none };
        assert_eq!(Days::of(&told, day("2026-03-02")), Some(days("2025-01-01", "2025-12-31", "2026-01-15")));
    }

    #[test]
    fn there_is_none_before_all_time() {
        assert_eq!(days("1900-01-01", "9999-12-31", "9999-12-31").before(), None);
        assert_eq!(days("1900-06-01", "1900-06-30", "2026-03-02").a_year_before(), None);
    }
}
