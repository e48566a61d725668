//! What makes a rule set valid: it can be computed, and it is fair. Later never earns more, and complete never costs.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use entity::kind::{CardKind, GrantPolicy, PenaltyKind};
use entity::rules::{Bracket, Holds, LeadRules, Penalty, Rules, Weight};
use entity::scalar::Points;
use rust_decimal::Decimal;

use super::currency::is_known;
use super::field::{self, Field};

/// The largest number of points, either way, that one entry may bring.
const MOST_POINTS: Decimal = Decimal::from_parts(10_000, 0, 0, false, 0);
/// The most that a signature may bring, or a cap may be.
const MOST_SHARE: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);
const MOST_BRACKETS: usize = 20;
/// The longest bracket, in hours: a leap year.
const LONGEST_BRACKET: i32 = 366 * 24;
/// The longest that a phone's wall clock is believed, in hours: thirty days.
pub(super) const LONGEST_GRACE: i32 = 30 * 24;
pub(super) const MOST_WEIGHT: i32 = 1_000;
/// The longest text that may be asked for.
const MOST_CHARACTERS: i32 = 1_000;
const LONGEST_DAYS: i32 = 3_650;

/// What is wrong, as JSON pointers into the rules with what would be right.
#[derive(Default)]
struct Faults(Vec<(String, String)>);

impl Faults {
    fn add(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.0.push((pointer.into(), message.into()));
    }

    fn within(&mut self, pointer: impl Into<String>, value: i32, range: RangeInclusive<i32>) {
        if !range.contains(&value) {
            self.add(pointer, format!("Must be from {} to {}.", range.start(), range.end()));
        }
    }

    fn points(&mut self, pointer: impl Into<String>, points: Points, least: Decimal, most: Decimal) {
        if points.0 < least || points.0 > most || points.0.normalize().scale() > 2 {
            self.add(pointer, format!("Must be from {least} to {most}, with at most 2 digits after the point."));
        }
    }
}

/// Whether a rule set can be computed and is fair. The error holds all faults as JSON pointer and message.
pub fn validate(rules: &Rules) -> Result<(), Vec<(String, String)>> {
    let mut faults = Faults::default();
    brackets("", &rules.brackets, &mut faults);
    faults.within("/unproven/hoursPerEntry", rules.unproven.hours_per_entry, 0..=LONGEST_GRACE);
    faults.within("/unproven/hoursPerMonth", rules.unproven.hours_per_month, 0..=LONGEST_GRACE);
    work(rules, &mut faults);
    customer(rules, &mut faults);
    penalties(rules, &mut faults);
    for (name, cap) in [("perDay", rules.caps.per_day), ("perAccountDay", rules.caps.per_account_day)] {
        if let Some(cap) = cap {
            faults.points(format!("/caps/{name}"), cap, Decimal::ZERO, MOST_SHARE);
        }
    }
    if let Some(currency) = rules.currency.as_ref().filter(|currency| !is_known(&currency.0)) {
        faults.add("/currency", format!("{} is no currency: name an ISO 4217 code such as CNY.", currency.0));
    }
    holds(&rules.holds, &mut faults);
    leads(&rules.leads, &mut faults);
    if faults.0.is_empty() { Ok(()) } else { Err(faults.0) }
}

fn brackets(at: &str, brackets: &[Bracket], faults: &mut Faults) {
    if !(1..=MOST_BRACKETS).contains(&brackets.len()) {
        faults.add(format!("{at}/brackets"), format!("Must have 1 to {MOST_BRACKETS} brackets."));
    }
    let mut before: Option<&Bracket> = None;
    for (index, bracket) in brackets.iter().enumerate() {
        let pointer = |member: &str| format!("{at}/brackets/{index}/{member}");
        if !(1..=LONGEST_BRACKET).contains(&bracket.within_hours) {
            faults.within(pointer("withinHours"), bracket.within_hours, 1..=LONGEST_BRACKET);
        } else if let Some(before) = before.filter(|before| bracket.within_hours <= before.within_hours) {
            let hours = before.within_hours;
            faults.add(pointer("withinHours"), format!("Must be more than the {hours} of the bracket before."));
        }
        if !(0..=100).contains(&bracket.percent) {
            faults.within(pointer("percent"), bracket.percent, 0..=100);
        } else if let Some(before) = before.filter(|before| bracket.percent > before.percent) {
            let percent = before.percent;
            faults.add(
                pointer("percent"),
                format!("Must be at most the {percent} of the bracket before: a later entry never earns more."),
            );
        }
        before = Some(bracket);
    }
}

fn weights(at: &str, weights: &[Weight], known: &[Field], of: &str, faults: &mut Faults) {
    let mut names = BTreeSet::new();
    for (place, weight) in weights.iter().enumerate() {
        let pointer = |member: &str| format!("{at}/weights/{place}/{member}");
        let one_of = || {
            let names: Vec<_> = known.iter().map(|field| field.name).collect();
            format!("Must be one of the fields of a {of}: {}.", names.join(", "))
        };
        let name = weight.field.0.as_str();
        let field = known.iter().find(|field| field.name == name);
        if field.is_none() {
            faults.add(pointer("field"), one_of());
        } else if !names.insert(name) {
            faults.add(pointer("field"), format!("{name} must stand here once; add the weights up."));
        }
        faults.within(pointer("weight"), weight.weight, 1..=MOST_WEIGHT);
        if let Some(least) = weight.min_characters {
            faults.within(pointer("minCharacters"), least, 1..=MOST_CHARACTERS);
            if field.is_some_and(|field| !field.is_text) {
                faults.add(pointer("minCharacters"), format!("{name} is no text: leave this out."));
            }
        }
        if let Some(with) = &weight.with {
            if with.0 == name {
                faults.add(pointer("with"), "Must be another field.");
            } else if !known.iter().any(|field| field.name == with.0) {
                faults.add(pointer("with"), one_of());
            }
        }
    }
}

fn work(rules: &Rules, faults: &mut Faults) {
    let mut kinds = BTreeSet::new();
    for (index, rule) in rules.work.iter().enumerate() {
        let at = format!("/work/{index}");
        if !kinds.insert(rule.on) {
            faults.add(format!("{at}/on"), format!("{} must stand here once.", rule.on));
        }
        faults.points(format!("{at}/base"), rule.base, Decimal::ZERO, MOST_POINTS);
        weights(&at, &rule.weights, field::of_work(rule.on), rule.on.as_str(), faults);
    }
}

fn customer(rules: &Rules, faults: &mut Faults) {
    let mut kinds = BTreeSet::new();
    for (index, rule) in rules.customer.iter().enumerate() {
        let at = format!("/customer/{index}");
        if !kinds.insert(rule.on) {
            faults.add(format!("{at}/on"), format!("{} must stand here once.", rule.on));
        }
        faults.points(format!("{at}/base"), rule.base, Decimal::ZERO, MOST_POINTS);
        brackets(&at, &rule.brackets, faults);
        if rule.weights.is_empty() {
            faults.add(format!("{at}/weights"), "Must name at least one field: a card earns by its fields.");
        }
        weights(&at, &rule.weights, field::of_card(rule.on), rule.on.as_str(), faults);
    }
}

fn penalties(rules: &Rules, faults: &mut Faults) {
    let mut kinds = BTreeSet::new();
    for (index, penalty) in rules.penalties.iter().enumerate() {
        let pointer = |member: &str| format!("/penalties/{index}/{member}");
        if !kinds.insert(penalty.kind) {
            faults.add(pointer("kind"), format!("{} must stand here once.", penalty.kind));
        }
        faults.points(pointer("points"), penalty.points, -MOST_POINTS, Decimal::ZERO);
        if let Some(money) = penalty.money {
            if money.0 < Decimal::ZERO || money.0 > MOST_SHARE || money.0.normalize().scale() > 2 {
                let message = format!("Must be from 0 to {MOST_SHARE}, with at most 2 digits after the point.");
                faults.add(pointer("money"), message);
            }
            if rules.currency.is_none() {
                faults.add("/currency", "Is needed for fines in money: name an ISO 4217 code such as CNY.");
            }
        }
        span(penalty, &pointer, faults);
        if penalty.kind == PenaltyKind::IncompleteAccount
            && !rules.customer.iter().any(|rule| rule.on == CardKind::Account)
        {
            faults.add(pointer("kind"), "Needs a rule on account in /customer: its weights say what is complete.");
        }
    }
}

/// The members that say when an offence falls due.
fn span(penalty: &Penalty, pointer: &dyn Fn(&str) -> String, faults: &mut Faults) {
    let has_days = matches!(penalty.kind, PenaltyKind::IdleOpportunity | PenaltyKind::IncompleteAccount);
    let has_percent = penalty.kind == PenaltyKind::IncompleteAccount;
    for (name, value, is_asked, most) in [
        ("afterDays", penalty.after_days, has_days, LONGEST_DAYS),
        ("belowPercent", penalty.below_percent, has_percent, 100),
    ] {
        match value {
            Some(value) if is_asked => faults.within(pointer(name), value, 1..=most),
            Some(_) => faults.add(pointer(name), format!("Means nothing for {}: leave it out.", penalty.kind)),
            None if is_asked => faults.add(pointer(name), format!("Is needed for {}.", penalty.kind)),
            None => {}
        }
    }
}

fn holds(holds: &Holds, faults: &mut Faults) {
    if let Some(burst) = holds.burst {
        faults.within("/holds/burst/entries", burst.entries, 2..=1_000);
        faults.within("/holds/burst/minutes", burst.minutes, 1..=1_440);
    }
    for (name, value, range) in [
        ("similarityPercent", holds.similarity_percent, 1..=100),
        ("speedKmh", holds.speed_kmh, 1..=10_000),
        ("accuracyMetres", holds.accuracy_metres, 1..=100_000),
        ("futureMinutes", holds.future_minutes, 1..=10_080),
    ] {
        if let Some(value) = value {
            faults.within(format!("/holds/{name}"), value, range);
        }
    }
    faults.within("/holds/releaseAfterDays", holds.release_after_days, 1..=90);
}

fn leads(leads: &LeadRules, faults: &mut Faults) {
    let mut policies = BTreeSet::new();
    for (index, policy) in leads.policies.iter().enumerate() {
        if !policies.insert(*policy) {
            faults.add(format!("/leads/policies/{index}"), format!("{policy} must stand here once."));
        }
    }
    match leads.points_per_lead {
        Some(points) => faults.points("/leads/pointsPerLead", points, Decimal::new(1, 2), MOST_SHARE),
        None if policies.contains(&GrantPolicy::Purchase) => {
            faults.add("/leads/pointsPerLead", "Is needed for purchase: what does the right to one lead cost?");
        }
        None => {}
    }
    match leads.monthly_quota {
        Some(quota) => faults.within("/leads/monthlyQuota", quota, 1..=1_000),
        None if policies.contains(&GrantPolicy::Quota) => {
            faults.add("/leads/monthlyQuota", "Is needed for quota: how many leads may each rep pick a month?");
        }
        None => {}
    }
    faults.within("/leads/dailyPicks", leads.daily_picks, 1..=1_000);
    faults.within("/leads/capacity", leads.capacity, 1..=10_000);
    faults.within("/leads/coolDownDays", leads.cool_down_days, 0..=LONGEST_DAYS);
    faults.within("/leads/workWithinDays", leads.work_within_days, 1..=365);
    if !(0..leads.work_within_days.max(1)).contains(&leads.warn_before_days) {
        faults.add("/leads/warnBeforeDays", "Must be from 0 to less than workWithinDays.");
    }
    faults.points("/leads/signingPoints", leads.signing_points, Decimal::ZERO, MOST_SHARE);
    faults.within("/leads/contributorPercent", leads.contributor_percent, 0..=100);
}

#[cfg(test)]
pub(super) mod tests;
