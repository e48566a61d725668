//! The days and months that are kept for the activity report: after random histories of what reps and admins do, each row
//! says what a count of the activities says that knows nothing of how it came about.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use entity::kind::Role;
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::Method;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};
use uuid::Uuid;
use waypost::work::days;

use super::random::{ZONES, choose};
use crate::sync::phone::Phone;
use crate::world::{Person, World};

/// Where steps of delays begin, in minutes.
const STEPS: [i64; 28] = [
    0, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300, 360, 480, 600, 720, 960, 1200, 1440, 2160, 2880, 4320, 5760,
    7200, 10080, 20160, 43200,
];

#[derive(Clone, Debug, Default, PartialEq)]
struct Day {
    /// Activities, visits, verified, outside, within a day, untimed; minutes of all, key, ordinary and potential customers.
    counts: [i64; 10],
    delays: Vec<i64>,
    delay_minutes: Vec<i64>,
}

const COUNTS: [&str; 10] = [
    "activities",
    "visits",
    "verified",
    "outside",
    "within_day",
    "untimed",
    "minutes",
    "key_minutes",
    "ordinary_minutes",
    "potential_minutes",
];

async fn rows(world: &World, sql: &str) -> Vec<Value> {
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [world.tenant_id.into()]);
    let rows = world.state.db.query_all_raw(statement).await.expect("rows");
    rows.iter().map(|row| row.try_get_by_index(0).expect("JSON")).collect()
}

async fn held(world: &World) -> Vec<Value> {
    rows(world, "SELECT to_jsonb(d) FROM activity_day d WHERE tenant_id = $1 ORDER BY owner_id, day").await
}

type Days = BTreeMap<(Uuid, NaiveDate), Day>;

fn place(row: &Value, day: NaiveDate) -> (Uuid, NaiveDate) {
    (row["owner_id"].as_str().expect("an id").parse().expect("an id"), day)
}

/// Counts what is marked, or waits for who has his turn at it.
async fn count(world: &World) {
    let marks = "SELECT to_jsonb(count(*)) FROM activity_day_due WHERE tenant_id = $1";
    let patience = Instant::now() + Duration::from_secs(30);
    while rows(world, marks).await[0] != json!(0) {
        assert!(Instant::now() < patience, "marks stay");
        days::count(&world.state).await.expect("counts");
    }
}

/// What is kept of days or months.
async fn kept(world: &World, unit: &str) -> Days {
    let array =
        |value: &Value| value.as_array().expect("an array").iter().map(|n| n.as_i64().expect("a count")).collect();
    let all = rows(world, &format!("SELECT to_jsonb(d) FROM activity_{unit} d WHERE tenant_id = $1")).await;
    let days = all.iter().map(|row| {
        let day = Day {
            counts: COUNTS.map(|count| row[count].as_i64().expect("a count")),
            delays: array(&row["delays"]),
            delay_minutes: array(&row["delay_minutes"]),
        };
        (place(row, row[unit].as_str().expect("a day").parse().expect("a day")), day)
    });
    days.collect()
}

async fn counted(world: &World) -> Days {
    let zone: Tz = rows(world, "SELECT to_jsonb(time_zone) FROM tenant WHERE id = $1").await[0]
        .as_str()
        .expect("a zone")
        .parse()
        .expect("a zone");
    let sql = "SELECT to_jsonb(a) || jsonb_build_object('tier', account.tier) FROM activity a
               JOIN account ON account.tenant_id = a.tenant_id AND account.id = a.account_id
               WHERE a.tenant_id = $1 AND a.deleted_at IS NULL";
    let mut days = Days::new();
    for row in rows(world, sql).await {
        let time = |name: &str| row[name].as_str().expect("a time").parse::<DateTime<Utc>>().expect("a time");
        let delay = time("captured") - time("occurred");
        let day = days.entry(place(&row, time("occurred").with_timezone(&zone).date_naive())).or_insert_with(|| Day {
            delays: vec![0; STEPS.len()],
            delay_minutes: vec![0; STEPS.len()],
            ..Day::default()
        });
        let is = |name: &str, value: &str| row[name].as_str() == Some(value);
        let minutes = row["duration_minutes"].as_i64();
        let of = |tier: &str| if is("tier", tier) { minutes.unwrap_or(0) } else { 0 };
        let visit = is("kind", "visit");
        let these = [
            1,
            i64::from(visit),
            i64::from(visit && is("verdict", "verified")),
            i64::from(visit && is("verdict", "outside")),
            i64::from(delay <= TimeDelta::hours(24)),
            i64::from(minutes.is_none()),
            minutes.unwrap_or(0),
            of("key"),
            of("ordinary"),
            of("potential"),
        ];
        day.counts.iter_mut().zip(these).for_each(|(sum, one)| *sum += one);
        let late = delay.num_minutes().clamp(0, 43200);
        let step = STEPS.iter().rposition(|begins| *begins <= late).expect("a step");
        day.delays[step] += 1;
        day.delay_minutes[step] += late;
    }
    days
}

fn first_of_month(day: NaiveDate) -> NaiveDate {
    day.with_day(1).expect("every month has a first day")
}

/// The sums of days from `from` on, each as that of the month, or of what of it lies in the period.
fn by_month(days: &Days, from: NaiveDate) -> Days {
    let mut months = Days::new();
    for ((owner, day), counts) in days.iter().filter(|((_, day), _)| *day >= from) {
        let month = months.entry((*owner, first_of_month(*day).max(from))).or_insert_with(|| Day {
            delays: vec![0; STEPS.len()],
            delay_minutes: vec![0; STEPS.len()],
            ..Day::default()
        });
        month.counts.iter_mut().zip(counts.counts).for_each(|(sum, one)| *sum += one);
        month.delays.iter_mut().zip(&counts.delays).for_each(|(sum, one)| *sum += one);
        month.delay_minutes.iter_mut().zip(&counts.delay_minutes).for_each(|(sum, one)| *sum += one);
    }
    months
}

/// What is kept is what was done, and a report says the same before it is counted as after, by days and by months. Returns the
/// days, and whether any of them had not been counted.
async fn agree(house: &House, when: &str) -> (usize, bool) {
    let world = &house.world;
    let report = async |from: &str, per: &str| {
        house.admin.get(&format!("/v1/reports/activity?from={from}&per={per}")).await.expect(200).body
    };
    let reports = async || {
        let mut told = Vec::new();
        for from in ["2026-02-01", "2026-03-01", "2026-03-03"] {
            let (days, months) = (report(from, "day").await, report(from, "month").await);
            for part in ["total", "reps", "time", "untimed"] {
                assert_eq!(days[part], months[part], "{part} from {from}, {when}");
            }
            told.push((from, days, months));
        }
        told
    };
    let (before, fresh) = (reports().await, held(world).await);
    count(world).await;
    let counted = counted(world).await;
    assert_eq!(kept(world, "day").await, counted, "{when}");
    assert_eq!(kept(world, "month").await, by_month(&counted, NaiveDate::MIN), "{when}");
    for (from, _, months) in &before {
        let spans = months["spans"].as_array().expect("spans").iter().map(|span| {
            let id = span["userId"].as_str().expect("an id").parse().expect("an id");
            let from = span["from"].as_str().expect("a day").parse().expect("a day");
            let figures = ["activities", "visits", "verified", "minutes"];
            ((id, from), figures.map(|figure| span[figure].as_i64().expect("a figure")))
        });
        let expected = by_month(&counted, from.parse().expect("a day")).into_iter().map(|(place, day)| {
            let [activities, visits, verified, _, _, _, minutes, ..] = day.counts;
            (place, [activities, visits, verified, minutes])
        });
        assert_eq!(spans.collect::<BTreeMap<_, _>>(), expected.collect(), "from {from}, {when}");
    }
    assert_eq!(reports().await, before, "{when}");
    (counted.len(), fresh != held(world).await)
}

struct House {
    world: World,
    admin: Person,
    reps: [Phone; 2],
    accounts: Vec<Uuid>,
    activities: Vec<(Uuid, usize)>,
}

impl House {
    async fn new() -> Self {
        let world = World::new().await;
        let admin = world.admin().await;
        let team = world.team(&admin, "North").await;
        let mut reps = Vec::new();
        for name in ["Rui", "Sam"] {
            reps.push(Phone::new(&world, world.user(Role::Rep, name, team).await));
        }
        let reps: [Phone; 2] = reps.try_into().ok().expect("two reps");
        // Both work both accounts.
        let mut accounts = Vec::new();
        for (rep, name) in [(0, "Acme"), (1, "Hopton"), (0, "Bolt")] {
            let account = reps[rep].person.account(name).await;
            let position = json!({ "position": { "latitude": 31.23, "longitude": 121.47 } });
            admin.patch(&format!("/v1/accounts/{account}"), position).await.expect(200);
            accounts.push(account);
        }
        House { world, admin, reps, accounts, activities: Vec::new() }
    }

    /// An activity of a rep's own account: up to two days ago, typed at any time since.
    fn activity(&mut self, random: &mut StdRng) -> (usize, Value) {
        let rep = random.random_range(0..2);
        let account = if rep == 1 { self.accounts[1] } else { choose(random, &[self.accounts[0], self.accounts[2]]) };
        let ago = TimeDelta::minutes(random.random_range(1..3000));
        let typed = if random.random_bool(0.5) { TimeDelta::zero() } else { ago / random.random_range(1..20) };
        let occurred = (self.admin.now() - ago).to_rfc3339();
        let mut fields = json!({ "accountId": account, "kind": choose(random, &["visit", "visit", "call", "note"]), "occurred": occurred });
        if random.random_bool(0.8) {
            fields["durationMinutes"] = json!(random.random_range(0..200));
        }
        if fields["kind"] == "visit" && random.random_bool(0.7) {
            fields["checkIn"] = json!({ "at": occurred, "latitude": choose(random, &[31.23, 31.9]), "longitude": 121.47, "accuracy": 9 });
        }
        let id = Uuid::now_v7();
        self.activities.push((id, rep));
        (rep, self.reps[rep].mutation_typed(typed, "activity", "create", id, json!({ "activity": fields })))
    }

    async fn act(&mut self, random: &mut StdRng) {
        match random.random_range(0..12) {
            0..=4 => {
                let (rep, change) = self.activity(random);
                self.reps[rep].applies(change).await;
            }
            // Several at once, each in a transaction of its own, for the same days; and meanwhile the zone may change.
            5 | 6 => {
                let changes: Vec<(usize, Value)> = (0..6).map(|_| self.activity(random)).collect();
                let pushes = join_all(changes.into_iter().map(|(rep, change)| self.reps[rep].applies(change)));
                let zone = json!({ "timeZone": choose(random, &ZONES) });
                if random.random_bool(0.4) {
                    let (_, moved) = tokio::join!(pushes, self.admin.patch("/v1/tenant", zone));
                    moved.expect(200);
                } else {
                    pushes.await;
                }
            }
            7 | 8 if !self.activities.is_empty() => {
                let (id, _) = choose(random, &self.activities);
                let occurred = (self.admin.now() - TimeDelta::minutes(random.random_range(1..3000))).to_rfc3339();
                let minutes = random.random_range(0..90);
                let change = choose(
                    random,
                    &[
                        json!({ "durationMinutes": minutes }),
                        json!({ "clear": ["durationMinutes"] }),
                        json!({ "occurred": occurred }),
                        json!({ "summary": "They want two." }),
                        json!({ "kind": "call", "clear": ["checkIn", "checkOut"] }),
                    ],
                );
                let answer = self.admin.patch(&format!("/v1/activities/{id}"), change).await;
                assert!([200, 422].contains(&answer.status), "{answer:?}");
            }
            9 if !self.activities.is_empty() => {
                let (id, _) = self.activities.swap_remove(random.random_range(0..self.activities.len()));
                self.admin.delete(&format!("/v1/activities/{id}")).await.expect(204);
            }
            10 => {
                let account = choose(random, &self.accounts);
                let tier = choose(
                    random,
                    &[
                        json!({ "tier": "key" }),
                        json!({ "tier": "ordinary" }),
                        json!({ "tier": "potential" }),
                        json!({ "clear": ["tier"] }),
                    ],
                );
                self.admin.patch(&format!("/v1/accounts/{account}"), tier).await.expect(200);
            }
            // In one push, and so in one transaction: a tier, an activity of that account, a change of it and one that is refused.
            11 => {
                let (account, id) = (self.accounts[0], Uuid::now_v7());
                let phone = &self.reps[0];
                let occurred = (self.admin.now() - TimeDelta::minutes(30)).to_rfc3339();
                let visit =
                    json!({ "accountId": account, "kind": "visit", "occurred": occurred, "durationMinutes": 30 });
                let bad = json!({ "accountId": account, "kind": "visit", "occurred": occurred, "durationMinutes": -1 });
                let tier = choose(random, &["key", "ordinary"]);
                let results = phone
                    .push(&[
                        phone.mutation("activity", "create", id, json!({ "activity": visit })),
                        phone.mutation("account", "update", account, json!({ "account": { "tier": tier } })),
                        phone.mutation("activity", "create", Uuid::now_v7(), json!({ "activity": bad })),
                        phone.mutation("activity", "update", id, json!({ "activity": { "durationMinutes": 45 } })),
                    ])
                    .await;
                assert_eq!((&results[0]["status"], &results[2]["status"]), (&json!("applied"), &json!("rejected")));
                self.activities.push((id, 0));
            }
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_days_are_what_a_count_says() {
    let (mut most, mut was_behind) = (0, false);
    for seed in 40..43 {
        let mut random = StdRng::seed_from_u64(seed);
        let mut house = House::new().await;
        for round in 0..5 {
            for _ in 0..14 {
                house.act(&mut random).await;
                house.world.wait(TimeDelta::minutes(random.random_range(1..200)));
            }
            let (days, is_behind) = agree(&house, &format!("seed {seed}, round {round}")).await;
            (most, was_behind) = (most.max(days), was_behind | is_behind);
            // So that whole months come to lie behind.
            house.world.wait(TimeDelta::days(9));
        }
        // In another zone the same activities fall on other days.
        let before = kept(&house.world, "day").await;
        for zone in ["Pacific/Auckland", "America/Los_Angeles"] {
            house.admin.patch("/v1/tenant", json!({ "timeZone": zone })).await.expect(200);
            agree(&house, zone).await;
        }
        assert_ne!(kept(&house.world, "day").await, before);
        // What is all deleted leaves nothing.
        for (id, _) in std::mem::take(&mut house.activities) {
            house.admin.delete(&format!("/v1/activities/{id}")).await.expect(204);
        }
        assert_eq!(agree(&house, "all deleted").await.0, 0);
        assert!(kept(&house.world, "month").await.is_empty());
    }
    assert!(most > 4 && was_behind, "too thin to prove anything: {most}");
}

#[tokio::test]
async fn long_periods_are_told_by_weeks_and_months() {
    let world = World::new().await;
    let rui = world.rep("Rui").await;
    let account = rui.account("Acme").await;
    for day in ["2026-02-26", "2026-02-27", "2026-03-01", "2026-03-02"] {
        let visit = json!({ "accountId": account, "kind": "visit", "occurred": format!("{day}T08:00:00+08:00"), "durationMinutes": 30 });
        rui.post("/v1/activities", visit).await.expect(201);
    }
    let told = async |query: &str| {
        let told = rui.get(&format!("/v1/reports/activity?to=2026-03-02&{query}")).await.expect(200).body;
        let spans = told["spans"].as_array().expect("spans").iter();
        let spans: Vec<(String, i64)> = spans
            .map(|span| (span["from"].as_str().expect("a day").to_owned(), span["visits"].as_i64().expect("visits")))
            .collect();
        (told["per"].as_str().expect("a span").to_owned(), spans)
    };
    let of = |per: &str, spans: &[(&str, i64)]| {
        (per.to_owned(), spans.iter().map(|(from, visits)| ((*from).to_owned(), *visits)).collect::<Vec<_>>())
    };
    let days = [("2026-02-26", 1), ("2026-02-27", 1), ("2026-03-01", 1), ("2026-03-02", 1)];
    assert_eq!(told("from=2026-01-18").await, of("day", &days), "44 days");
    assert_eq!(told("from=2026-01-17").await, of("week", &[("2026-02-23", 3), ("2026-03-02", 1)]));
    assert_eq!(told("from=2025-08-25").await.0, "month", "190 days");
    assert_eq!(told("from=2025-08-26").await.0, "week");
    assert_eq!(told("from=2025-03-03").await, of("month", &[("2026-02-01", 2), ("2026-03-01", 2)]));
    // A span that began before the period is told from the period's first day.
    assert_eq!(told("from=2026-02-27&per=month").await, of("month", &[("2026-02-27", 1), ("2026-03-01", 2)]));
    assert_eq!(told("from=2026-02-27&per=week").await, of("week", &[("2026-02-27", 2), ("2026-03-02", 1)]));
    let sent = async |form: &str| {
        let path = format!("/v1/reports/activity?from=2026-02-27&to=2026-03-02&per=week&format={form}");
        let answer = rui.request(Method::GET, &path).await.send().await.expect("an answer");
        answer.text().await.expect("a whole body")
    };
    assert!(sent("csv").await.contains("2026-02-27"));
    assert!(sent("svg").await.contains("Visits by week"));
    rui.get("/v1/reports/activity?per=year").await.expect(400);
}
