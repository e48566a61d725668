//! Adds up and compares. Pure arithmetic.

use std::collections::BTreeMap;

use chrono::Datelike;
use entity::kind::GrantPolicy;
use entity::rules::Rules;
use entity::scalar::{Date, Money, Points};
use rust_decimal::{Decimal, RoundingStrategy};
use uuid::Uuid;

use super::wire::{SimulatedRep, SimulatedTotals, SimulationFigures, SimulationResult};

/// What one entry is worth, real or not.
#[derive(Clone, Copy, Debug)]
pub struct Worth {
    pub user_id: Uuid,
    pub points: Points,
    pub money: Option<Money>,
    pub is_fine: bool,
}

/// A rep to compare.
#[derive(Clone, Debug)]
pub struct Rep {
    pub user_id: Uuid,
    pub name: String,
    pub team_id: Uuid,
    /// Quotas are for reps, not for managers.
    pub has_quota: bool,
}

/// The firsts of a month from one day to another.
fn months(from: Date, to: Date) -> i64 {
    let count = |day: Date| i64::from(day.0.year()) * 12 + i64::from(day.0.month0());
    count(to) - count(from) + i64::from(from.0.day() == 1)
}

/// Rights to pick leads that these rules give for so many points in a period.
fn leads(rules: &Rules, has_quota: bool, points: Decimal, (from, to): (Date, Date)) -> i32 {
    let has = |policy| rules.leads.policies.contains(&policy);
    let quota = rules.leads.monthly_quota.filter(|_| has_quota && has(GrantPolicy::Quota)).map_or(0, i64::from);
    let quota = quota * months(from, to);
    let price = rules.leads.points_per_lead.filter(|price| has(GrantPolicy::Purchase) && price.0 > Decimal::ZERO);
    let bought = price.map_or(Decimal::ZERO, |price| (points.max(Decimal::ZERO) / price.0).floor());
    let bought = bought.round_dp_with_strategy(0, RoundingStrategy::ToZero).to_string().parse::<i64>().unwrap_or(0);
    i32::try_from(quota + bought).unwrap_or(i32::MAX)
}

/// How unevenly points are spread: 0 where everybody has the same, near 1 where one has all. Who is below zero has none.
pub fn gini(points: &[Decimal]) -> f64 {
    let mut shares: Vec<f64> =
        points.iter().map(|points| points.max(&Decimal::ZERO).to_string().parse().unwrap_or(0.0)).collect();
    shares.sort_by(f64::total_cmp);
    let (n, total) = (shares.len() as f64, shares.iter().sum::<f64>());
    if total <= 0.0 {
        return 0.0;
    }
    let ranked: f64 = shares.iter().zip(1..).map(|(share, rank)| share * f64::from(rank)).sum();
    let gini = 2.0 * ranked / (n * total) - (n + 1.0) / n;
    (gini.max(0.0) * 10_000.0).round() / 10_000.0
}

fn figures(worths: &[&Worth], leads: impl FnOnce(Decimal) -> i32) -> SimulationFigures {
    let points: Decimal = worths.iter().map(|worth| worth.points.0).sum();
    let fines: Decimal = worths.iter().filter(|worth| worth.is_fine).map(|worth| worth.points.0).sum();
    SimulationFigures {
        points: Points(points),
        fines: Points(fines),
        money: Money(worths.iter().filter_map(|worth| worth.money).map(|money| money.0).sum()),
        leads: leads(points),
    }
}

fn totals(figures: &[&SimulationFigures], currency: Option<String>) -> SimulatedTotals {
    let points: Vec<Decimal> = figures.iter().map(|figures| figures.points.0).collect();
    SimulatedTotals {
        points: Points(points.iter().sum()),
        fines: Points(figures.iter().map(|figures| figures.fines.0).sum()),
        money: Money(figures.iter().map(|figures| figures.money.0).sum()),
        currency,
        leads: figures.iter().map(|figures| i64::from(figures.leads)).sum(),
        gini: gini(&points),
    }
}

/// What was booked beside what would have been. `then`: the rules in force at the end of the period, and the rights to leads
/// that were given.
pub fn compare(
    reps: &[Rep],
    (then, booked, granted): (&Rules, &[Worth], &BTreeMap<Uuid, i32>),
    (now, simulated): (&Rules, &[Worth]),
    period: (Date, Date),
) -> SimulationResult {
    fn by_user(worths: &[Worth]) -> BTreeMap<Uuid, Vec<&Worth>> {
        let mut by_user: BTreeMap<Uuid, Vec<&Worth>> = BTreeMap::new();
        for worth in worths {
            by_user.entry(worth.user_id).or_default().push(worth);
        }
        by_user
    }
    let (booked, simulated) = (by_user(booked), by_user(simulated));
    let none = Vec::new();
    let of = |rep: &Rep| {
        let given = granted.get(&rep.user_id).copied().unwrap_or(0);
        let was = figures(booked.get(&rep.user_id).unwrap_or(&none), |_| given);
        let of_rules = |points| leads(now, rep.has_quota, points, period);
        let is = figures(simulated.get(&rep.user_id).unwrap_or(&none), of_rules);
        SimulatedRep {
            user_id: rep.user_id,
            name: rep.name.clone(),
            team_id: rep.team_id,
            difference: Points(is.points.0 - was.points.0),
            earns_less: is.points < was.points,
            newly_loses: is.points.0 < Decimal::ZERO && was.points.0 >= Decimal::ZERO,
            then: was,
            now: is,
        }
    };
    let mut told: Vec<SimulatedRep> = reps.iter().map(of).collect();
    told.sort_by(|one, other| {
        (one.difference, &one.name, one.user_id).cmp(&(other.difference, &other.name, other.user_id))
    });
    let currency = |rules: &Rules| rules.currency.as_ref().map(|currency| currency.0.clone());
    summed(told, currency(then), currency(now))
}

/// The same for some of the reps.
pub fn of_some(result: &SimulationResult, tells: impl Fn(Uuid) -> bool) -> SimulationResult {
    let reps = result.reps.iter().filter(|rep| tells(rep.user_id)).cloned().collect();
    summed(reps, result.then.currency.clone(), result.now.currency.clone())
}

fn summed(reps: Vec<SimulatedRep>, then: Option<String>, now: Option<String>) -> SimulationResult {
    let count = |tells: fn(&SimulatedRep) -> bool| {
        i32::try_from(reps.iter().filter(|rep| tells(rep)).count()).unwrap_or(i32::MAX)
    };
    SimulationResult {
        then: totals(&reps.iter().map(|rep| &rep.then).collect::<Vec<_>>(), then),
        now: totals(&reps.iter().map(|rep| &rep.now).collect::<Vec<_>>(), now),
        newly_losing: count(|rep| rep.newly_loses),
        earning_less: count(|rep| rep.earns_less),
        reps,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::points::rules::first_rule_set;

    #[test]
    fn points_that_one_has_are_concentrated() {
        let of = |points: &[i64]| gini(&points.iter().map(|points| Decimal::from(*points)).collect::<Vec<_>>());
        assert_eq!(of(&[]), 0.0);
        assert_eq!(of(&[0, 0, -5]), 0.0);
        assert_eq!(of(&[7, 7, 7]), 0.0);
        assert_eq!(of(&[0, 0, 0, 100]), 0.75);
        assert_eq!(of(&[1, 2, 3, 4]), 0.25);
        assert_eq!(of(&[4, 1, 3, 2]), 0.25);
    }

    #[test]
    fn rights_come_with_each_month_or_for_points() {
        let day = |text| Date::parse(text).expect("a day");
        let mut rules = first_rule_set();
        rules.leads.policies = vec![GrantPolicy::Quota];
        rules.leads.monthly_quota = Some(25);
        assert_eq!(leads(&rules, true, Decimal::from(500), (day("2026-03-01"), day("2026-03-31"))), 25);
        assert_eq!(leads(&rules, false, Decimal::from(500), (day("2026-03-01"), day("2026-03-31"))), 0);
        assert_eq!(leads(&rules, true, Decimal::from(500), (day("2026-03-02"), day("2026-05-31"))), 50);
        rules.leads.policies = vec![GrantPolicy::Purchase];
        rules.leads.points_per_lead = Points::parse("40").ok();
        assert_eq!(leads(&rules, true, Decimal::from(119), (day("2026-03-01"), day("2026-03-31"))), 2);
        assert_eq!(leads(&rules, true, Decimal::from(-119), (day("2026-03-01"), day("2026-03-31"))), 0);
    }
}
