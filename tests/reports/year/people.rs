//! What people did, and which accounts they spoke to.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate, TimeDelta, Weekday};
use entity::kind::Role;
use entity::scalar::Date;
use serde_json::Value as Json;
use uuid::Uuid;
use waypost::auth::Actor;
use waypost::report::activity::{Per, activity};
use waypost::report::coverage::coverage;
use waypost::report::figures::Scope;

use super::super::close;
use super::super::model::percentile;
use super::{Year, day, id, local, share, text, time};

/// Where steps of delays begin, in minutes.
const STEPS: [i64; 28] = [
    0, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300, 360, 480, 600, 720, 960, 1200, 1440, 2160, 2880, 4320, 5760,
    7200, 10080, 20160, 43200,
];

/// In hours, the median of delays that are spread evenly within their steps, around the mean of each.
fn middle(delays: &[TimeDelta]) -> Option<f64> {
    let step = |minutes: i64| STEPS.iter().rposition(|begins| *begins <= minutes);
    let minutes: Vec<i64> = delays.iter().map(|delay| delay.num_minutes().clamp(0, 43200)).collect();
    let mut spread: Vec<f64> = Vec::new();
    for (place, begins) in STEPS.into_iter().enumerate() {
        let these: Vec<i64> = minutes.iter().copied().filter(|one| step(*one) == Some(place)).collect();
        let ends = STEPS.get(place + 1).copied().unwrap_or(begins);
        let n = these.len() as f64;
        let mean = these.iter().sum::<i64>() as f64 / n;
        let width = (mean - begins as f64).min(ends as f64 - mean);
        spread.extend((0..these.len()).map(|at| (mean + ((2 * at + 1) as f64 / n - 1.0) * width) / 60.0));
    }
    spread.sort_by(f64::total_cmp);
    percentile(&spread, 0.5)
}

/// `as_of`: told as of that day, as it is known now; plans stand as they stood then.
pub async fn activity_agrees(year: &Year, actor: &Actor, as_of: Option<NaiveDate>) {
    let (from, to) = (day("2025-12-01"), day("2026-01-31"));
    let scope = Scope { from: Some(Date(from)), to: Some(Date(to)), as_of: as_of.map(Date), ..Scope::default() };
    let told = activity(&year.state, actor, &scope, Some(Per::Day)).await.unwrap_or_else(|error| panic!("{error}"));
    let people = year.people(actor);
    let whose = |row: &&Json| people.contains(&id(row, "owner_id").expect("an owner"));
    let done: Vec<&Json> = year
        .rows("activity")
        .iter()
        .filter(whose)
        .filter(|row| (from..=to).contains(&local(time(row, "occurred"))))
        .filter(|row| as_of.is_none_or(|day| local(time(row, "occurred")) <= day))
        .collect();
    let is_later = |row: &Json| as_of.is_some_and(|day| local(time(row, "captured")) > day);
    let stood = year.rows("plan").iter().filter(whose).map(|row| {
        let mut row = row.clone();
        for (column, wire) in [("planned_on", "plannedOn"), ("status", "status")] {
            row[column] = year.was("plan", &row, column, wire, is_later);
        }
        row
    });
    let plans: Vec<Json> =
        stood.filter(|row| (from..=to).contains(&day(text(row, "planned_on").expect("a day")))).collect();
    assert!(!done.is_empty(), "the year is empty");

    let check = |told: &waypost::report::activity::ActivityFigures, owner: Option<Uuid>| {
        let of = |row: &Json| owner.is_none_or(|owner| id(row, "owner_id") == Some(owner));
        let done: Vec<&&Json> = done.iter().filter(|row| of(row)).collect();
        let visits: Vec<_> = done.iter().filter(|row| text(row, "kind") == Some("visit")).collect();
        let verdict = |wanted: &str| visits.iter().filter(|row| text(row, "verdict") == Some(wanted)).count();
        let delays: Vec<TimeDelta> = done.iter().map(|row| time(row, "captured") - time(row, "occurred")).collect();
        let plans: Vec<&Json> = plans.iter().filter(|row| of(row)).collect();
        let status = |wanted: &str| plans.iter().filter(|row| text(row, "status") == Some(wanted)).count();
        let minutes: i64 = done.iter().filter_map(|row| row["duration_minutes"].as_i64()).sum();
        let counts = [
            told.activities,
            told.visits,
            told.verified,
            told.outside,
            told.minutes,
            told.planned,
            told.done,
            told.missed,
            told.cancelled,
        ];
        let exact = [
            done.len(),
            visits.len(),
            verdict("verified"),
            verdict("outside"),
            minutes as usize,
            plans.len(),
            status("fulfilled"),
            status("missed"),
            status("cancelled"),
        ];
        assert_eq!(counts, exact.map(|n| n as i64), "{owner:?}");
        assert!(close(told.verified_share, share(verdict("verified"), visits.len()), 0.000_06), "{told:?}");
        let soon = delays.iter().filter(|delay| **delay <= TimeDelta::hours(24)).count();
        assert!(close(told.within_day_share, share(soon, delays.len()), 0.000_06), "{told:?}");
        assert!(close(told.median_delay_hours, middle(&delays), 0.006), "{told:?}");
    };
    check(&told.total, None);
    let active: BTreeSet<Uuid> = done.iter().copied().chain(&plans).filter_map(|row| id(row, "owner_id")).collect();
    assert_eq!(told.reps.iter().map(|rep| rep.user_id).collect::<BTreeSet<_>>(), active);
    for rep in &told.reps {
        check(&rep.figures, Some(rep.user_id));
    }

    for per in [Per::Day, Per::Week, Per::Month] {
        let told_by = activity(&year.state, actor, &scope, Some(per)).await.unwrap_or_else(|error| panic!("{error}"));
        let begins = |day: NaiveDate| match per {
            Per::Day => day,
            Per::Week => day.week(Weekday::Mon).first_day(),
            Per::Month => day.with_day(1).expect("a first"),
        };
        let mut spans: BTreeMap<(NaiveDate, Uuid), [i64; 2]> = BTreeMap::new();
        for row in &done {
            let first = begins(local(time(row, "occurred"))).max(from);
            let counts = spans.entry((first, id(row, "owner_id").expect("an owner"))).or_default();
            counts[0] += 1;
            counts[1] += i64::from(text(row, "kind") == Some("visit"));
        }
        let told_spans: BTreeMap<_, _> =
            told_by.spans.iter().map(|row| ((row.from.0, row.user_id), [row.activities, row.visits])).collect();
        assert_eq!(told_spans, spans, "{per:?}");
        assert_eq!((&told_by.total, &told_by.reps, &told_by.time), (&told.total, &told.reps, &told.time), "{per:?}");
    }

    let tiers: BTreeMap<Uuid, Option<&str>> =
        year.rows("account").iter().map(|row| (id(row, "id").expect("an id"), text(row, "tier"))).collect();
    for row in &told.time {
        let tier = row.tier.map(|tier| tier.as_str());
        let of_tier = done.iter().filter(|row| tiers[&id(row, "account_id").expect("an account")] == tier);
        let minutes: i64 = of_tier.filter_map(|row| row["duration_minutes"].as_i64()).sum();
        assert_eq!(row.minutes, minutes, "{tier:?}");
    }
    assert_eq!(told.time.iter().map(|row| row.minutes).sum::<i64>(), told.total.minutes);
    assert!(told.time.iter().take(3).all(|row| row.minutes > 0) || actor.role != Role::Admin, "{:?}", told.time);
    assert_eq!(told.untimed, done.iter().filter(|row| row["duration_minutes"].is_null()).count() as i64);
}

pub async fn coverage_agrees(year: &Year, actor: &Actor, as_of: Option<NaiveDate>) {
    let (from, to) = (day("2026-01-01"), day("2026-01-31"));
    let scope = Scope { from: Some(Date(from)), to: Some(Date(to)), as_of: as_of.map(Date), ..Scope::default() };
    let told = coverage(&year.state, actor, &scope).await.unwrap_or_else(|error| panic!("{error}"));
    let mut last: BTreeMap<Uuid, NaiveDate> = BTreeMap::new();
    for row in year.rows("activity").iter().filter(|row| text(row, "kind") != Some("note")) {
        let on = local(time(row, "occurred"));
        if on <= to && as_of.is_none_or(|day| on <= day) {
            last.entry(id(row, "account_id").expect("an account")).and_modify(|day| *day = on.max(*day)).or_insert(on);
        }
    }
    let accounts: Vec<&Json> = year
        .seen(actor, "account", "id")
        .into_iter()
        .filter(|row| text(row, "kind") != Some("internal") && local(time(row, "created_at")) <= as_of.unwrap_or(to))
        .collect();
    let of = |row: &Json| last.get(&id(row, "id").expect("an id")).copied();
    for tier in &told.tiers {
        let name = tier.tier.map(|tier| tier.as_str());
        let members: Vec<&&Json> = accounts.iter().filter(|row| text(row, "tier") == name).collect();
        let covered = members.iter().filter(|row| of(row).is_some_and(|day| day >= from)).count();
        let never = members.iter().filter(|row| of(row).is_none()).count();
        let mut days: Vec<f64> = members.iter().filter_map(|row| Some((to - of(row)?).num_days() as f64)).collect();
        days.sort_by(f64::total_cmp);
        let counts = (tier.accounts, tier.covered, tier.never);
        assert_eq!(counts, (members.len() as i64, covered as i64, never as i64), "{name:?}");
        assert!(close(tier.median_days, percentile(&days, 0.5), 0.006), "{tier:?}");
        assert!(close(tier.covered_share, share(covered, members.len()), 0.000_06), "{tier:?}");
    }
    assert_eq!(told.total.accounts, accounts.len() as i64);
    let waiting = accounts.iter().filter(|row| of(row).is_none_or(|day| day < from)).count();
    assert_eq!(told.neglected.len(), waiting.min(100));
    assert!(told.neglected.iter().all(|row| last.get(&row.account_id).copied() == row.last_on.map(|day| day.0)));
}
