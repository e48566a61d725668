//! A calendar is set by an admin, as a whole: what it says must be days and hours that follow each other.

use std::collections::BTreeMap;

use entity::calendar;
use entity::scalar::Date;
use entity::shape::{Shift, SpecialDays, Week};
use poem_openapi::Object;

use super::hours::minute;
use crate::problem::{Code, Error, FieldError, Refusal};
use crate::rule_set::bundle;
use crate::state::State;
use crate::work::UnitOfWork;
use crate::write::at_revision;

/// Most special days of one kind.
const MOST_DAYS: usize = 1_000;
const MOST_SHIFTS: usize = 50;

/// A calendar to be set, in place of the one before. A calendar as it was read may be sent back whole.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct SetCalendar {
    /// The working hours of each weekday; a day that is not named is free.
    pub week: Week,
    /// Days that are free although the week says otherwise.
    pub holidays: SpecialDays,
    /// Days that are worked although the week or a holiday says otherwise, with the hours of a Monday.
    pub working_days: SpecialDays,
}

/// Sets it; for admins. `expected`: the revision that `If-Match` names.
pub async fn update(
    work: &mut UnitOfWork,
    state: &State,
    set: &SetCalendar,
    expected: Option<i32>,
) -> Result<calendar::Model, Error> {
    work.actor.must_be_admin()?;
    let id = work.actor.tenant_id;
    work.load::<calendar::Model>([id]).await?;
    let mut calendar = work.stored::<calendar::Model>(id)?;
    at_revision(&calendar, expected)?;
    let faults = faults(set);
    if !faults.is_empty() {
        return Err(Refusal::fields(Code::Validation, faults).into());
    }
    calendar.week = set.week.clone();
    calendar.holidays = sorted(&set.holidays);
    calendar.working_days = sorted(&set.working_days);
    calendar.week.shifts.sort_by(|one, other| (one.weekday, &one.from).cmp(&(other.weekday, &other.from)));
    work.put(calendar);
    bundle::renew(work, state).await?;
    Ok(work.stored(id)?)
}

fn sorted(days: &SpecialDays) -> SpecialDays {
    let mut days = days.clone();
    days.days.sort_by_key(|day| day.day);
    days
}

fn faults(set: &SetCalendar) -> Vec<FieldError> {
    let mut faults = Vec::new();
    let shifts = &set.week.shifts;
    if !(1..=MOST_SHIFTS).contains(&shifts.len()) {
        faults.push(FieldError::new("/week/shifts", format!("Must have 1 to {MOST_SHIFTS} shifts.")));
    }
    for (index, shift) in shifts.iter().enumerate() {
        if minute(&shift.from) >= minute(&shift.to) {
            let pointer = format!("/week/shifts/{index}/to");
            faults.push(FieldError::new(
                pointer,
                "Must be later than `from`; a shift over midnight is two: until 24:00, and from 00:00 of the next day.",
            ));
        } else if let Some(other) = shifts[..index].iter().find(|other| overlap(shift, other)) {
            faults.push(FieldError::new(
                format!("/week/shifts/{index}/from"),
                format!("Overlaps the shift from {} to {} of the same day.", other.from, other.to),
            ));
        }
    }
    let mut free = BTreeMap::new();
    for (member, special) in [("holidays", &set.holidays), ("workingDays", &set.working_days)] {
        if special.days.len() > MOST_DAYS {
            faults.push(FieldError::new(format!("/{member}/days"), format!("Must have at most {MOST_DAYS} days.")));
        }
        for (index, day) in special.days.iter().enumerate() {
            let pointer = format!("/{member}/days/{index}/day");
            if let Some(there) = free.insert(day.day, member) {
                faults.push(FieldError::new(pointer, told_twice(day.day, there)));
            }
        }
    }
    if !set.working_days.days.is_empty() && !shifts.iter().any(|shift| shift.weekday == 1) {
        faults.push(FieldError::new("/workingDays/days", "Has the hours of a Monday: give weekday 1 a shift first."));
    }
    faults
}

fn told_twice(day: Date, there: &str) -> String {
    format!("{day} stands in `{there}` already; a day is either free or worked.")
}

fn overlap(one: &Shift, other: &Shift) -> bool {
    one.weekday == other.weekday && minute(&one.from) < minute(&other.to) && minute(&other.from) < minute(&one.to)
}
