//! Velocity and losses over random histories: what SQL says is what is counted without it, stay by stay.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate, TimeDelta};
use chrono_tz::Tz;
use entity::kind::StageKey::{self, Intent, Lost, Negotiation, PreSale, Signed};
use entity::scalar::Date;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::json;
use uuid::Uuid;
use waypost::report::figures::Scope;
use waypost::report::lost::lost;
use waypost::report::told::Known;
use waypost::report::velocity::velocity;
use waypost::report::{FunnelQuery, SplitBy};

use super::model::{self, Move, Opportunity, Telling, Time, percentile};
use super::random::{ZONES, choose, query, world};
use super::{World, at, close, opportunity};

const NOW: &str = "2026-03-02T09:00:00Z";
const OPEN: [StageKey; 3] = [Intent, PreSale, Negotiation];
const LIMIT: i32 = 30;

fn day_of(time: Time, zone: Tz) -> NaiveDate {
    time.with_timezone(&zone).date_naive()
}

/// The same limit for every stage.
async fn limits(world: &World) {
    let names = json!({ "en": "Stage", "zh": "阶段" });
    let rows = OPEN.iter().map(|stage| {
        let fields = json!({
            "stage": stage, "names": names, "probability": 20, "required_fields": [], "stale_days": LIMIT,
        });
        world.row(Uuid::now_v7(), fields)
    });
    world.insert("stage", rows.collect()).await;
}

/// What a reader may see, within a period, of a team.
fn scope(query: &FunnelQuery, from: NaiveDate, to: NaiveDate) -> Scope {
    Scope {
        from: Some(Date(from)),
        to: Some(Date(to)),
        team_id: query.team_id,
        user_id: query.user_id,
        ..Scope::default()
    }
}

/// A query of the random ones that asks for nothing but people.
fn of_people(query: FunnelQuery) -> FunnelQuery {
    FunnelQuery { product_id: None, account_kind: None, source: None, ..query }
}

/// One stay in a stage: where, from when, until when if it ended: with the first of the later moves.
fn stays(o: &Opportunity, zone: Tz, to: NaiveDate) -> Vec<(StageKey, Time, Option<Time>)> {
    let told: Vec<&Move> = o.moves.iter().filter(|m| day_of(m.occurred, zone) <= to).collect();
    let left = |place: usize| told[place + 1..].iter().map(|later| later.occurred).min();
    let each = told.iter().enumerate().map(|(place, m)| (m.to, m.occurred, left(place)));
    each.filter(|stay| OPEN.contains(&stay.0)).collect()
}

/// How many stand where.
fn standing(opportunities: &[Opportunity], zone: Tz, to: NaiveDate) -> BTreeMap<StageKey, usize> {
    let mut counts = BTreeMap::new();
    for stay in opportunities.iter().flat_map(|o| stays(o, zone, to)).filter(|stay| stay.2.is_none()) {
        *counts.entry(stay.0).or_default() += 1;
    }
    counts
}

fn days(from: Time, to: Time) -> f64 {
    ((to - from).num_milliseconds() as f64 / 86_400_000.0).max(0.0)
}

#[tokio::test(flavor = "multi_thread")]
async fn stays_flows_and_moves_are_counted_as_without_sql() {
    let (mut ended, mut stale, mut differ) = (0, 0, 0);
    for seed in 100..107 {
        let mut random = StdRng::seed_from_u64(seed);
        let zone: Tz = choose(&mut random, &ZONES).parse().expect("a zone");
        let (world, opportunities, products) = world(&mut random, zone.name()).await;
        limits(&world).await;
        for n in 0..8 {
            let asked = of_people(query(&mut random, &world, &products));
            let reader = choose(&mut random, &[&world.zoe, &world.bo, &world.nina, &world.rui, &world.sam]);
            let scopes = (reader.id != world.zoe.id).then(|| world.scopes(reader));
            let (about, seen) = (world.about(reader, &asked), model::seen(&opportunities, scopes.as_ref()));
            let from = NaiveDate::from_ymd_opt(2025, 3, 1).expect("a day") + TimeDelta::days(n * 30);
            let to = from + TimeDelta::days(80);
            // The last day of the period, one within it, one after it.
            let as_of =
                [None, Some(to), Some(to - TimeDelta::days(20)), Some(to + TimeDelta::days(9))][(n % 4) as usize];
            let as_of = as_of.map(|day: NaiveDate| day.min(day_of(at(NOW), zone)));
            let known = if n < 4 { Known::Now } else { Known::Then };
            let scope = Scope { as_of: as_of.map(Date), known, ..scope(&asked, from, to) };
            let told = velocity(&world.state, &world.actor(reader), &scope).await;
            let told = told.unwrap_or_else(|error| panic!("{error}"));
            let context =
                format!("seed {seed}, {from} to {to} as of {as_of:?} {known:?} by {}: {asked:?}", reader.name);
            let of = |known| model::told(&seen, &about, Telling { as_of, known, zone });
            let (picked, then) = (of(known), of(Known::Then));
            let journeys = |of: &[Opportunity]| of.iter().map(|o| (o.id, stays(o, zone, to))).collect::<Vec<_>>();
            if let Some(known_then) = &told.known_then {
                assert!(as_of.is_some() && known == Known::Now, "{context}");
                assert_ne!(journeys(&picked), journeys(&then), "{context}: nothing differs");
                let stood = |stage| standing(&then, zone, to).get(&stage).map_or(0, |n| *n as i64);
                assert!(
                    known_then.stages.iter().all(|row| row.standing == stood(row.stage)),
                    "{context}: {known_then:?}"
                );
                differ += 1;
            } else if as_of.is_some() {
                assert_eq!(standing(&picked, zone, to), standing(&then, zone, to), "{context}: it differs");
            }

            let ends = |day: NaiveDate| {
                let midnight = (day + TimeDelta::days(1)).and_hms_opt(0, 0, 0).expect("midnight");
                midnight.and_local_timezone(zone).earliest().expect("a moment").to_utc()
            };
            let end = at(NOW).min(ends(to)).min(as_of.map_or(at(NOW), ends));
            for (stage, told) in OPEN.into_iter().zip(&told.stages) {
                let of_stage = picked.iter().flat_map(|o| stays(o, zone, to)).filter(|stay| stay.0 == stage);
                let (left, standing): (Vec<_>, Vec<_>) = of_stage.partition(|stay| stay.2.is_some());
                let mut took: Vec<f64> = left
                    .iter()
                    .filter_map(|&(_, since, until)| {
                        until.filter(|until| day_of(*until, zone) >= from).map(|until| days(since, until))
                    })
                    .collect();
                took.sort_by(f64::total_cmp);
                ended += took.len();
                assert_eq!((told.stage, told.ended), (stage, took.len() as i64), "{context}");
                assert!(close(told.median_days, percentile(&took, 0.5), 0.006), "{context}: {told:?}");
                assert!(close(told.p90_days, percentile(&took, 0.9), 0.006), "{context}: {told:?}");
                let beyond = standing.iter().filter(|stay| days(stay.1, end) > f64::from(LIMIT)).count();
                stale += beyond;
                assert_eq!((told.standing, told.stale), (standing.len() as i64, beyond as i64), "{context}");
            }
            let beyond: i64 = told.stages.iter().map(|stage| stage.stale).sum();
            assert_eq!(told.stale.len() as i64, beyond.min(100), "{context}");
            assert!(told.stale.iter().all(|one| one.days > f64::from(LIMIT)), "{context}");

            let within = |m: &&Move| (from..=to).contains(&day_of(m.occurred, zone));
            let mut moved: BTreeMap<(Option<StageKey>, StageKey), i64> = BTreeMap::new();
            let mut flow: BTreeMap<(NaiveDate, StageKey), [i64; 2]> = BTreeMap::new();
            for m in picked.iter().flat_map(|o| o.moves.iter().filter(within)) {
                *moved.entry((m.from, m.to)).or_default() += 1;
                let day = day_of(m.occurred, zone);
                let monday = day - TimeDelta::days(i64::from(day.weekday().num_days_from_monday()));
                flow.entry((monday, m.to)).or_default()[0] += 1;
                if let Some(from) = m.from {
                    flow.entry((monday, from)).or_default()[1] += 1;
                }
            }
            let counts: BTreeMap<_, _> = told.moves.iter().map(|row| ((row.from, row.to), row.count)).collect();
            assert_eq!(counts, moved, "{context}");
            for row in &told.weeks {
                let [entered, left] = flow.remove(&(row.week.0, row.stage)).unwrap_or_default();
                assert_eq!((row.entered, row.left, row.net), (entered, left, entered - left), "{context}: {row:?}");
            }
            assert!(flow.is_empty(), "{context}: weeks are missing: {flow:?}");
        }
    }
    let thin = "the histories are too thin to prove anything";
    assert!(ended > 300 && stale > 50 && differ > 3, "{thin}: {ended}, {stale}, {differ}");
}

/// Wilson's interval, by the formula in his paper.
fn wilson(won: i64, of: i64) -> (f64, f64) {
    let (n, z) = (of as f64, 1.959_963_984_540_054_f64);
    let p = won as f64 / n;
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let end = |sign: f64| (p + z * z / (2.0 * n) + sign * half) / (1.0 + z * z / n);
    (end(-1.0).max(0.0), end(1.0).min(1.0))
}

#[tokio::test(flavor = "multi_thread")]
async fn wins_and_losses_are_counted_as_without_sql_now_and_as_they_were_known_then() {
    let (mut decided, mut differ) = (0, 0);
    for seed in 200..206 {
        let mut random = StdRng::seed_from_u64(seed);
        let zone: Tz = choose(&mut random, &ZONES).parse().expect("a zone");
        let (world, opportunities, products) = world(&mut random, zone.name()).await;
        for n in 0..12 {
            let asked = of_people(query(&mut random, &world, &products));
            let reader = choose(&mut random, &[&world.zoe, &world.bo, &world.nina, &world.rui, &world.sam]);
            let scopes = (reader.id != world.zoe.id).then(|| world.scopes(reader));
            let (about, seen) = (world.about(reader, &asked), model::seen(&opportunities, scopes.as_ref()));
            let from = NaiveDate::from_ymd_opt(2025, 1, 1).expect("a day");
            let as_of = (n % 3 > 0).then(|| from + TimeDelta::days(100 + n * 25));
            let to = as_of.unwrap_or(from + TimeDelta::days(420));
            let scope = Scope { as_of: as_of.map(Date), ..scope(&asked, from, to) };
            let told = lost(&world.state, &world.actor(reader), &scope, SplitBy::User).await;
            let told = told.unwrap_or_else(|error| panic!("{error}"));
            let context = format!("seed {seed}, as of {as_of:?} by {}: {asked:?}", reader.name);

            let count = |known: Known, of: &dyn Fn(&Opportunity) -> bool| {
                let told = model::told(&seen, &about, Telling { as_of, known, zone });
                let ends = told.iter().filter(|o| of(o)).filter_map(|o| o.moves.last());
                let ends = ends.filter(|m| (from..=to).contains(&day_of(m.occurred, zone)));
                let ends: Vec<StageKey> = ends.map(|m| m.to).collect();
                let count = |stage| ends.iter().filter(|end| **end == stage).count() as i64;
                (count(Signed), count(Lost))
            };
            let (won, gone) = count(Known::Now, &|_| true);
            decided += won + gone;
            assert_eq!((told.total.won, told.total.lost), (won, gone), "{context}");
            assert_eq!(told.total.is_small, won + gone < 20, "{context}");
            if won + gone > 0 {
                let (low, high) = wilson(won, won + gone);
                assert!(close(told.total.low, Some(low), 0.000_06), "{context}: {:?}", told.total);
                assert!(close(told.total.high, Some(high), 0.000_06), "{context}: {:?}", told.total);
            }
            for group in &told.groups {
                let expected = count(Known::Now, &|o| Some(o.owner.id) == group.id);
                assert_eq!((group.win_rate.won, group.win_rate.lost), expected, "{context}");
            }
            let of_groups: i64 = told.groups.iter().map(|group| group.win_rate.won + group.win_rate.lost).sum();
            assert_eq!(of_groups, won + gone, "{context}");
            assert_eq!(told.reasons.iter().map(|reason| reason.count).sum::<i64>(), gone, "{context}");

            let then = as_of.map(|_| count(Known::Then, &|_| true)).filter(|then| *then != (won, gone));
            differ += i32::from(then.is_some());
            assert_eq!(told.known_then.map(|rate| (rate.won, rate.lost)), then, "{context}");
        }
    }
    assert!(decided > 300 && differ > 3, "the histories are too thin to prove anything: {decided}, {differ}");
}

#[tokio::test]
async fn one_that_was_reopened_is_not_decided_and_what_came_late_is_shown() {
    let world = World::new("UTC", NOW).await;
    let reopened = [("2026-01-01T00:00:00Z", Intent), ("2026-01-05T00:00:00Z", Lost), ("2026-01-09T00:00:00Z", Intent)];
    // Signed on the 10th, which the server was told on the 20th, after the move before had come late.
    let late =
        [("2026-01-02T00:00:00Z", Intent), ("2026-01-20T00:00:00Z", Negotiation), ("2026-01-10T00:00:00Z", Signed)];
    world.store(&[opportunity(&world.rui, &reopened), opportunity(&world.rui, &late)]).await;
    let ask = async |as_of: &str| {
        let day = Some(Date::parse(as_of).expect("a day"));
        let scope = Scope { as_of: day, days: 365, ..Scope::default() };
        let told = lost(&world.state, &world.actor(&world.zoe), &scope, SplitBy::None).await.expect("a report");
        let counts = |rate: &waypost::report::lost::WinRate| (rate.won, rate.lost);
        (counts(&told.total), told.known_then.as_ref().map(counts))
    };
    assert_eq!(ask("2026-01-06").await, ((0, 1), None));
    assert_eq!(ask("2026-01-12").await, ((1, 0), Some((0, 0))));
    assert_eq!(ask("2026-01-25").await, ((1, 0), None));
}
