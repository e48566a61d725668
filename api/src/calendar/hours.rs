//! Reckons in working hours and working days. Shifts stand in the tenant's wall clock; what lies between two moments is
//! counted in hours that really pass, so that a shift over the change to summer time is an hour shorter.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Days, LocalResult, NaiveDate, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use entity::kind::Hours;
use entity::scalar::{Date, Timestamp};
use entity::shape::{SpecialDays, Week};

/// Days after which the search for a working day ends: a calendar without any would be searched for ever.
const LONGEST_SEARCH: u64 = 4_000;

/// A tenant's calendar, ready to reckon with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    pub zone: Tz,
    /// From and to in minutes after midnight, Monday first; in order, without overlaps.
    week: [Vec<(i64, i64)>; 7],
    holidays: BTreeSet<NaiveDate>,
    working_days: BTreeSet<NaiveDate>,
}

impl Calendar {
    /// Of values that `super::update` has let pass; what is not a time of day is left out.
    pub fn new(zone: Tz, week: &Week, holidays: &SpecialDays, working_days: &SpecialDays) -> Self {
        let mut days: [Vec<(i64, i64)>; 7] = Default::default();
        for shift in &week.shifts {
            let day = usize::try_from(shift.weekday - 1).ok().and_then(|day| days.get_mut(day));
            if let (Some(day), Some(from), Some(to)) = (day, minute(&shift.from), minute(&shift.to)) {
                day.push((from, to));
            }
        }
        days.iter_mut().for_each(|shifts| shifts.sort_unstable());
        let set = |special: &SpecialDays| special.days.iter().map(|day| day.day.0).collect();
        Calendar { zone, week: days, holidays: set(holidays), working_days: set(working_days) }
    }

    /// A calendar that never rests.
    pub fn always(zone: Tz) -> Self {
        let week = std::array::from_fn(|_| vec![(0, 24 * 60)]);
        Calendar { zone, week, holidays: BTreeSet::new(), working_days: BTreeSet::new() }
    }

    /// The tenant's day at this moment.
    pub fn day(&self, at: Timestamp) -> Date {
        Date(at.0.with_timezone(&self.zone).date_naive())
    }

    /// The moment at which a day begins.
    pub fn begins(&self, day: Date) -> Timestamp {
        self.moment(day.0, 0).into()
    }

    /// When work begins on a day; where there is none, so many minutes after midnight.
    pub fn opens(&self, day: Date, otherwise: i64) -> Timestamp {
        let minute = self.shifts(day.0).first().map_or(otherwise, |(from, _)| *from);
        self.moment(day.0, minute).into()
    }

    /// Whether anybody works on this day.
    pub fn is_working(&self, day: Date) -> bool {
        !self.shifts(day.0).is_empty()
    }

    /// The day that lies so many working days after `day`; with none, `day` itself, or the next on which work is done.
    /// Three working days after a Friday is a Wednesday.
    pub fn add_working_days(&self, day: Date, days: i32) -> Date {
        let mut left = days;
        let mut at = day.0;
        for _ in 0..LONGEST_SEARCH {
            if left <= 0 && self.is_working(Date(at)) {
                break;
            }
            let Some(next) = at.succ_opt() else { break };
            at = next;
            left -= i32::from(self.is_working(Date(at)));
        }
        Date(at)
    }

    /// How many working days lie after `from`, up to and with `to`.
    pub fn working_days(&self, from: Date, to: Date) -> i32 {
        let days = from.0.iter_days().skip(1).take_while(|day| *day <= to.0);
        i32::try_from(days.filter(|day| self.is_working(Date(*day))).count()).unwrap_or(i32::MAX)
    }

    /// Whole minutes from one moment to a later one, a started one not counted; none if it is not later.
    pub fn minutes(&self, from: Timestamp, to: Timestamp, hours: Hours) -> i64 {
        if to <= from {
            return 0;
        }
        match hours {
            Hours::Calendar => (to.0 - from.0).num_minutes(),
            Hours::Working => self.worked(from.0, to.0).num_minutes(),
        }
    }

    /// The moment at which so many minutes have passed since another: the deadline of a bracket. `None` where the calendar
    /// has no work for years.
    pub fn after(&self, from: Timestamp, minutes: i64, hours: Hours) -> Option<Timestamp> {
        let mut left = TimeDelta::minutes(minutes);
        if hours == Hours::Calendar || left <= TimeDelta::zero() {
            return Some((from.0 + left).into());
        }
        let days = self.day(from).0.iter_days().take(usize::try_from(LONGEST_SEARCH).unwrap_or(usize::MAX));
        for day in days {
            for (start, end) in self.shifts(day) {
                let start = self.moment(day, *start).max(from.0);
                let span = (self.moment(day, *end) - start).max(TimeDelta::zero());
                if span >= left {
                    return Some((start + left).into());
                }
                left -= span;
            }
        }
        None
    }

    /// What lies between two moments and within the working hours.
    fn worked(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> TimeDelta {
        let first = from.with_timezone(&self.zone).date_naive();
        let last = to.with_timezone(&self.zone).date_naive();
        let mut sum = TimeDelta::zero();
        for day in first.iter_days().take_while(|day| *day <= last) {
            for (start, end) in self.shifts(day) {
                let start = self.moment(day, *start).max(from);
                let end = self.moment(day, *end).min(to);
                sum += (end - start).max(TimeDelta::zero());
            }
        }
        sum
    }

    fn shifts(&self, day: NaiveDate) -> &[(i64, i64)] {
        if self.working_days.contains(&day) {
            &self.week[0]
        } else if self.holidays.contains(&day) {
            &[]
        } else {
            &self.week[day.weekday().num_days_from_monday() as usize]
        }
    }

    /// The moment at which the wall clock first shows this minute; where it leaps over it, the moment of the leap.
    fn moment(&self, day: NaiveDate, minute: i64) -> DateTime<Utc> {
        let day = if minute >= 24 * 60 { day.checked_add_days(Days::new(1)).unwrap_or(day) } else { day };
        let wall = day.and_hms_opt(0, 0, 0).expect("midnight is a time") + TimeDelta::minutes(minute % (24 * 60));
        match self.zone.from_local_datetime(&wall) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc(),
            LocalResult::None => {
                // Clocks leap by quarters of an hour, and never by more than a day (Samoa left one out in 2011).
                let after = (1..=97).map(|quarter| wall + TimeDelta::minutes(15 * quarter));
                let shown = after.into_iter().find_map(|wall| self.zone.from_local_datetime(&wall).earliest());
                let gap_end = shown.map_or(wall.and_utc(), |at| at.to_utc());
                self.leap(gap_end)
            }
        }
    }

    /// The moment of the leap that lies at most a quarter of an hour before.
    fn leap(&self, after: DateTime<Utc>) -> DateTime<Utc> {
        let offset = |at: DateTime<Utc>| at.with_timezone(&self.zone).naive_local() - at.naive_utc();
        (0..=15)
            .map(|minutes| after - TimeDelta::minutes(minutes))
            .take_while(|at| offset(*at) == offset(after))
            .last()
            .unwrap_or(after)
    }
}

/// `09:30` → 570
pub fn minute(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    let at = hours * 60 + minutes;
    ((0..60).contains(&minutes) && (0..=24 * 60).contains(&at)).then_some(at)
}

#[cfg(test)]
mod tests;
