//! The year that the demo tells: its days, its working hours, and the tenant's clock on the wall.

use chrono::{
    DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveTime, TimeDelta, TimeZone, Timelike, Utc, Weekday,
};
use chrono_tz::Tz;
use entity::scalar::{Date, Timestamp};

/// Days of history; the last is yesterday.
pub const DAYS: u64 = 365;

/// A year that ends with yesterday.
#[derive(Clone, Copy, Debug)]
pub struct Calendar {
    pub zone: Tz,
    pub first: NaiveDate,
    pub today: NaiveDate,
}

impl Calendar {
    pub fn until(today: Date, zone: Tz) -> Self {
        let first = today.0.checked_sub_days(Days::new(DAYS)).unwrap_or(NaiveDate::MIN);
        Calendar { zone, first, today: today.0 }
    }

    /// Minutes after midnight on that day, by the tenant's clock.
    pub fn at(&self, day: NaiveDate, minutes: i64) -> Timestamp {
        let local = day.and_time(NaiveTime::MIN) + TimeDelta::minutes(minutes);
        let moment: DateTime<Utc> = match self.zone.from_local_datetime(&local) {
            LocalResult::Single(moment) | LocalResult::Ambiguous(moment, _) => moment.to_utc(),
            // The hour that a change to summer time leaves out.
            LocalResult::None => local.and_utc(),
        };
        moment.into()
    }

    pub fn start(&self) -> Timestamp {
        self.at(self.first, 0)
    }

    /// The first moment that is not told: today's midnight.
    pub fn end(&self) -> Timestamp {
        self.at(self.today, 0)
    }

    /// The day on which a moment falls, and the minutes after its midnight.
    pub fn local(&self, at: Timestamp) -> (NaiveDate, i64) {
        let local = at.0.with_timezone(&self.zone);
        (local.date_naive(), i64::from(local.num_seconds_from_midnight() / 60))
    }

    /// How far into the year a moment is: 0 at its start, 1 at its end.
    pub fn age(&self, at: Timestamp) -> f64 {
        let of = |span: TimeDelta| span.num_minutes() as f64;
        (of(at.0 - self.start().0) / of(self.end().0 - self.start().0)).clamp(0.0, 1.0)
    }

    /// The working days of the year, in order.
    pub fn working_days(&self) -> Vec<NaiveDate> {
        self.first.iter_days().take_while(|day| *day < self.today).filter(|day| is_working_day(*day)).collect()
    }

    /// That many days later, and then the next working day.
    pub fn later(&self, day: NaiveDate, days: i64) -> NaiveDate {
        let mut day = day + TimeDelta::days(days);
        while !is_working_day(day) {
            day += TimeDelta::days(1);
        }
        day
    }
}

fn is_working_day(day: NaiveDate) -> bool {
    !matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_ends_yesterday() {
        let today = Date::parse("2026-03-02").unwrap();
        let calendar = Calendar::until(today, Tz::Asia__Shanghai);
        assert_eq!(calendar.first.to_string(), "2025-03-02");
        assert_eq!(calendar.end().to_string(), "2026-03-01T16:00:00.000Z");
        let days = calendar.working_days();
        assert_eq!((days[0].to_string(), days.last().unwrap().to_string()), ("2025-03-03".into(), "2026-02-27".into()));
        assert_eq!(calendar.later(days[4], 1).to_string(), "2025-03-10", "a Monday");
        assert_eq!(calendar.local(calendar.at(days[0], 9 * 60 + 5)), (days[0], 545));
        assert_eq!((calendar.age(calendar.start()), calendar.age(calendar.end())), (0.0, 1.0));
    }
}
