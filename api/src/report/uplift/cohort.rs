//! Which opportunities are compared with which, and what comes of it. Decides only: what is read from the database, and
//! how it is told, are not known here.
//!
//! Every opportunity is followed for the same number of days from its first move, whatever became of it later: an older
//! cohort would else have had more time to sign. The cohort before is closed so early that all its days lie before the
//! start; the cohort after holds only those whose days are over. So neither is touched by the other's rules.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate, TimeDelta};
use chrono_tz::Tz;
use entity::scalar::Timestamp;
use uuid::Uuid;

use super::interval::{Estimate, difference, mean, median, ratio, share};

/// Fewer than this in a group tell nothing.
pub const LEAST_ENTERED: usize = 30;
/// Fewer than this that were signed, or that were not, tell nothing either.
pub const LEAST_EITHER_WAY: usize = 5;

/// An opportunity as far as the comparison knows it.
#[derive(Clone, Copy, Debug)]
pub struct Entered {
    /// Of its owner.
    pub team_id: Uuid,
    pub at: Timestamp,
    /// From its first move to its first signature.
    pub signed_after: Option<TimeDelta>,
}

/// Teams that began on one day, and those that had not begun when their time was over.
#[derive(Clone, Debug)]
pub struct Wave {
    pub starts_on: NaiveDate,
    /// `None`: everybody.
    pub treated: Option<BTreeSet<Uuid>>,
    pub control: Option<BTreeSet<Uuid>>,
}

/// How long cohorts are collected, and how long each opportunity is followed.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub days: u32,
    pub follow_days: u32,
    pub zone: Tz,
    pub now: Timestamp,
}

/// One cohort.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub first_day: NaiveDate,
    pub last_day: NaiveDate,
    pub entered: usize,
    /// Days from the first move to the signature, of those signed in time; in rising order.
    pub days: Vec<f64>,
}

impl Group {
    pub fn rate(&self) -> Option<Estimate> {
        share(self.days.len(), self.entered)
    }
}

/// Before and after.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    pub before: Group,
    pub after: Group,
}

/// The cohorts of one wave.
#[derive(Clone, Debug)]
pub struct Comparison {
    pub wave: Wave,
    pub treated: Pair,
    pub control: Option<Pair>,
}

/// What the start of the rules made of a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effect {
    pub difference: Estimate,
    /// What it would have been without.
    pub expected: f64,
    /// The difference as a share of `expected`; absent where that is nothing.
    pub relative: Option<Estimate>,
}

impl Span {
    /// First and last day of the cohorts before and after a start.
    fn days(&self, starts_on: NaiveDate) -> [(NaiveDate, NaiveDate); 2] {
        let back = |days: u32| starts_on - Days::new(u64::from(days));
        [
            (back(self.follow_days + self.days), back(self.follow_days + 1)),
            (starts_on, starts_on + Days::new(u64::from(self.days) - 1)),
        ]
    }

    /// The first day and the last that the cohorts of these waves need.
    pub fn bounds(&self, waves: &[Wave]) -> Option<(NaiveDate, NaiveDate)> {
        let days = || waves.iter().map(|wave| self.days(wave.starts_on));
        Some((days().map(|[before, _]| before.0).min()?, days().map(|[_, after]| after.1).max()?))
    }

    /// The last day on which somebody of this wave is followed.
    pub fn ends(&self, starts_on: NaiveDate) -> NaiveDate {
        starts_on + Days::new(u64::from(self.days + self.follow_days))
    }

    /// How many days of a cohort lie so far back that whoever came on them has been followed to the end.
    pub fn days_over(&self, group: &Group) -> i64 {
        let followed = self.now.0 - TimeDelta::days(i64::from(self.follow_days));
        let over = followed.with_timezone(&self.zone).date_naive().min(group.last_day + Days::new(1));
        (over - group.first_day).num_days().max(0)
    }

    fn group(&self, (first_day, last_day): (NaiveDate, NaiveDate), of: &BTreeSet<Uuid>, all: &[Entered]) -> Group {
        let followed = TimeDelta::days(i64::from(self.follow_days));
        let mut group = Group { first_day, last_day, entered: 0, days: Vec::new() };
        for one in all.iter().filter(|one| of.contains(&one.team_id)) {
            let day = one.at.0.with_timezone(&self.zone).date_naive();
            if day < first_day || day > last_day || one.at.0 + followed > self.now.0 {
                continue;
            }
            group.entered += 1;
            let signed = one.signed_after.filter(|after| *after <= followed);
            group.days.extend(signed.map(|after| after.num_seconds() as f64 / 86_400.0));
        }
        group.days.sort_by(f64::total_cmp);
        group
    }

    /// Puts everybody into his cohort.
    pub fn compare(&self, wave: Wave, all: &[Entered]) -> Comparison {
        let everybody = || all.iter().map(|one| one.team_id).collect();
        let treated = wave.treated.clone().unwrap_or_else(everybody);
        let [before, after] = self.days(wave.starts_on);
        let pair =
            |of: &BTreeSet<Uuid>| Pair { before: self.group(before, of, all), after: self.group(after, of, all) };
        Comparison { treated: pair(&treated), control: wave.control.as_ref().map(pair), wave }
    }
}

/// Whether cohorts of this size tell anything at all.
pub fn are_enough(comparisons: &[Comparison]) -> bool {
    let cell = |of: fn(&Comparison) -> Option<&Group>| {
        let groups = || comparisons.iter().filter_map(of);
        let (entered, signed) = (groups().map(|g| g.entered).sum(), groups().map(|g| g.days.len()).sum());
        groups().next().is_some().then_some((entered, signed))
    };
    let pair = |before: Option<(usize, usize)>, after: Option<(usize, usize)>| match (before, after) {
        (Some((entered, signed)), Some((later, of_these))) => {
            let won = signed + of_these;
            entered.min(later) >= LEAST_ENTERED && won >= LEAST_EITHER_WAY && entered + later - won >= LEAST_EITHER_WAY
        }
        _ => true,
    };
    let controls =
        (cell(|c| c.control.as_ref().map(|pair| &pair.before)), cell(|c| c.control.as_ref().map(|pair| &pair.after)));
    pair(cell(|c| Some(&c.treated.before)), cell(|c| Some(&c.treated.after))) && pair(controls.0, controls.1)
}

/// The effect on a figure of groups, over all waves in which every group has it.
///
/// One wave without a control: after less before, and their ratio. With a control, the control's own change is taken off
/// (difference in differences). Several waves: the mean of theirs, weighed by how many were treated.
pub fn effect(comparisons: &[Comparison], figure: fn(&Group) -> Option<Estimate>, is_share: bool) -> Option<Effect> {
    let change = |pair: &Pair| Some((figure(&pair.before)?, figure(&pair.after)?));
    let mut parts = Vec::new();
    for comparison in comparisons {
        let Some((before, after)) = change(&comparison.treated) else { continue };
        let own = difference(after, before);
        let net = match &comparison.control {
            None => own,
            Some(control) => {
                let Some((before, after)) = change(control) else { continue };
                difference(own, difference(after, before))
            }
        };
        parts.push((comparison.treated.after.entered as f64, after.value - net.value, net, (before, after)));
    }
    let figures: Vec<_> = parts.iter().map(|(weight, _, net, _)| (*weight, *net)).collect();
    let total: f64 = figures.iter().map(|(weight, _)| weight).sum();
    let difference = mean(&figures)?;
    let expected = parts.iter().map(|(weight, expected, ..)| weight / total * expected).sum();
    let relative = match (parts.as_slice(), comparisons) {
        ([(.., (before, after))], [Comparison { control: None, .. }]) if is_share => ratio(*after, *before)
            .map(|ratio| Estimate { value: ratio.value - 1.0, low: ratio.low - 1.0, high: ratio.high - 1.0 }),
        // What would have been is itself worked out from four figures: it is taken as it is.
        _ => (expected > 0.0).then(|| difference.times(1.0 / expected)),
    };
    Some(Effect { difference, expected, relative })
}

/// The rate at which opportunities are signed.
pub fn signing_rate(comparisons: &[Comparison]) -> Option<Effect> {
    effect(comparisons, Group::rate, true)
}

/// The median of the days to the signature.
pub fn cycle_days(comparisons: &[Comparison]) -> Option<Effect> {
    effect(comparisons, |group| median(&group.days), false)
}

#[cfg(test)]
mod tests;
