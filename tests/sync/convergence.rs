//! Random histories of a tenant: reps and managers write offline, replies are lost, pushes are repeated and reordered, an
//! office hands accounts over, moves people and shuts them out, tombstones expire, a backup is restored. In the end
//! every phone holds what REST shows to its user, and whatever anybody typed can still be found.
//!
//! `WAYPOST_HISTORIES` sets how many; `WAYPOST_SEED` plays one again.

mod end;
mod network;
mod typing;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::LazyLock;

use chrono::TimeDelta;
use entity::kind::Role;
use futures_util::FutureExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use serde_json::{Value, json};
use uuid::Uuid;
use waypost::clock::Clock;
use waypost::database::scratch::fresh_database;
use waypost::database::{connect, migrate};
use waypost::sync::expire::expire;

use super::phone::Phone;
use crate::world::{Person, World, start};

/// Histories where the variable sets no other number.
const HISTORIES: u64 = 200;
/// From so many histories on, every kind of story must have been among them.
const ENOUGH: usize = 100;
/// Histories that run at the same time, each line of them in a database of its own, so that what expires in one history
/// is nothing to another.
const LINES: u64 = 3;
/// Days between the beginnings of two histories in one database; none takes as long.
const ERA: i64 = 400;
/// So many of them come before the year 9999.
const ERAS: u64 = 7000;
/// How often in a history about three months pass at once.
const SEASONS: u32 = 3;
/// Things that happen in one history.
const STEPS: usize = 60;

/// What people type in these histories: never the same twice, and easily found again.
static TEXT: LazyLock<regex::Regex> = LazyLock::new(|| regex::Regex::new(r"~t\d{6}|7\d{6}\.00").expect("a pattern"));

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn random_histories_converge() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seeds: Vec<u64> = match number("WAYPOST_SEED") {
        Some(seed) => vec![seed],
        None => (1..=number("WAYPOST_HISTORIES").unwrap_or(HISTORIES)).collect(),
    };
    let mut lines = Vec::new();
    for line in 0..LINES {
        let mine: Vec<u64> = seeds.iter().copied().filter(|seed| seed % LINES == line).collect();
        lines.push(tokio::spawn(async move {
            let db = database().await;
            let mut told = BTreeMap::new();
            for seed in mine {
                match AssertUnwindSafe(play(db.clone(), seed)).catch_unwind().await {
                    Ok(stories) => {
                        stories.into_iter().for_each(|(what, count)| *told.entry(what).or_insert(0) += count)
                    }
                    Err(_) => panic!("history {seed} failed; WAYPOST_SEED={seed} plays it again"),
                }
            }
            told
        }));
    }
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    for line in lines {
        let stories = line.await.expect("every history converges");
        stories.into_iter().for_each(|(what, count)| *told.entry(what).or_insert(0) += count);
    }
    println!("{} histories: {told:#?}", seeds.len());
    let missing: Vec<&str> = STORIES.into_iter().filter(|what| !told.contains_key(*what)).collect();
    assert!(seeds.len() < ENOUGH || missing.is_empty(), "no history told of {missing:?}");
}

/// What has to happen in many histories, or they prove little.
const STORIES: [&str; 15] = [
    "applied",
    "merged",
    "conflict",
    "dependency_refused",
    "duplicate",
    "forbidden",
    "locked",
    "not_found",
    "record_deleted",
    "stage_refused",
    "validation",
    "late visit",
    "reply lost",
    "started over",
    "locked out",
];

async fn database() -> DatabaseConnection {
    let url = fresh_database(None).await;
    migrate(&url).await.expect("migrates");
    connect(&url, 8).await.expect("the scratch database answers")
}

/// Plays one history; how often what happened in it.
async fn play(db: DatabaseConnection, seed: u64) -> BTreeMap<String, usize> {
    // By its seed, so that it has the same days when it is played again.
    let begin = start() + TimeDelta::days(ERA * i64::try_from(seed / LINES % ERAS).expect("a small number"));
    let world = World::on(db, Clock::fixed(begin)).await;
    let mut history = History::begin(world, seed).await;
    for _ in 0..STEPS {
        history.step().await;
    }
    history.settle().await;
    history.judge().await;
    history.told
}

/// A phone with the queue that its user fills.
struct Desk {
    phone: Phone,
    queue: Vec<Value>,
    /// Records that were made here and are not confirmed: kind, id, account.
    drafts: Vec<(String, Uuid, Option<Uuid>)>,
    /// Mutations that have their results, which a repetition must give again.
    answered: Vec<(Value, Value)>,
}

struct History {
    world: World,
    random: StdRng,
    admin: Person,
    desks: Vec<Desk>,
    people: Vec<Uuid>,
    teams: Vec<Uuid>,
    disabled: BTreeSet<Uuid>,
    /// Every account that anybody made, taken or not.
    accounts: Vec<Uuid>,
    /// Texts that were made so far: no two are the same.
    texts: u32,
    /// What was typed, by whom, and in which mutation.
    typed: Vec<(Uuid, String, Value)>,
    /// The newest result of each mutation, by its id as text.
    results: BTreeMap<String, Value>,
    /// Something expired or was restored: phones may have to start over.
    may_restart: bool,
    /// How often what happened.
    told: BTreeMap<String, usize>,
    /// How often about three months passed at once.
    seasons: u32,
    seed: u64,
}

impl History {
    async fn begin(world: World, seed: u64) -> Self {
        let admin = world.admin().await;
        let north = world.team(&admin, "North").await;
        let south = world.team(&admin, "South").await;
        for kind in ["account", "contact", "opportunity", "activity"] {
            for key in ["colour", "shape"] {
                let names = json!({ "en": key, "zh": key });
                let field = json!({ "recordKind": kind, "key": key, "valueType": "text", "names": names });
                admin.post("/v1/custom-fields", field).await.expect(201);
            }
        }
        let mut people = Vec::new();
        for (role, name, team) in [
            (Role::Manager, "Mei", world.top_team),
            (Role::Manager, "Nora", north),
            (Role::Rep, "Ann", north),
            (Role::Rep, "Bo", north),
            (Role::Rep, "Cai", south),
        ] {
            people.push(world.user(role, name, team).await.id);
        }
        // Ann has two phones.
        let owners = people.iter().chain([&people[2]]);
        let desks = owners
            .map(|id| Desk {
                phone: Phone::new(&world, world.person(*id)),
                queue: Vec::new(),
                drafts: Vec::new(),
                answered: Vec::new(),
            })
            .collect();
        let teams = vec![world.top_team, north, south];
        let mut history = History {
            random: StdRng::seed_from_u64(seed),
            admin,
            desks,
            people,
            teams,
            disabled: BTreeSet::new(),
            accounts: Vec::new(),
            texts: 0,
            typed: Vec::new(),
            results: BTreeMap::new(),
            may_restart: false,
            told: BTreeMap::new(),
            seasons: 0,
            seed,
            world,
        };
        for desk in [2, 3, 4] {
            history.create(desk, "account");
            history.push(desk).await;
        }
        history.share().await;
        for desk in 0..history.desks.len() {
            history.pull(desk, usize::MAX).await;
        }
        history
    }

    fn tell(&mut self, what: &str) {
        *self.told.entry(what.to_owned()).or_insert(0) += 1;
    }

    fn one_in(&mut self, n: u32) -> bool {
        self.random.random_range(0..n) == 0
    }

    async fn step(&mut self) {
        let desk = self.random.random_range(0..self.desks.len());
        match self.random.random_range(0..100) {
            0..45 => {
                for _ in 0..self.random.random_range(1..4) {
                    self.write(desk);
                }
            }
            45..65 => self.push(desk).await,
            65..73 => self.pull(desk, usize::MAX).await,
            73..80 => {
                let pages = self.random.random_range(1..4);
                self.pull(desk, pages).await;
            }
            80..88 => self.share().await,
            88..93 => self.staff().await,
            93..95 => self.office_edit().await,
            95..98 => {
                let minutes = self.random.random_range(1..600);
                self.world.wait(TimeDelta::minutes(minutes));
            }
            98 if self.seasons < SEASONS => {
                self.seasons += 1;
                self.may_restart = true;
                let days = self.random.random_range(80..95);
                self.world.wait(TimeDelta::days(days));
                expire(&self.world.state).await.expect("expires");
                // Receipts go with the tombstones: nobody asks for a reply after so long.
                self.desks.iter_mut().for_each(|desk| desk.answered.clear());
            }
            _ => {
                self.may_restart = true;
                let sql = "UPDATE sync_clock SET epoch = epoch + 1 WHERE tenant_id = $1";
                self.sql(sql).await;
            }
        }
    }

    async fn sql(&self, sql: &str) -> Vec<sea_orm::QueryResult> {
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [self.world.tenant_id.into()]);
        self.world.state.db.query_all_raw(statement).await.expect("the statement runs")
    }

    // What the office does.

    async fn share(&mut self) {
        let Some(&account) = self.accounts.choose(&mut self.random) else { return };
        let user = *self.people.choose(&mut self.random).expect("somebody");
        let path = format!("/v1/accounts/{account}/members/{user}");
        let answer = match self.random.random_range(0..10) {
            0..4 => self.admin.put(&path, json!({ "role": "member" })).await,
            4..7 => self.admin.put(&path, json!({ "role": "owner" })).await,
            _ => self.admin.delete(&path).await,
        };
        assert!([200, 204, 404, 409, 422].contains(&answer.status), "{}: {:#}", answer.status, answer.body);
    }

    async fn staff(&mut self) {
        let user = *self.people.choose(&mut self.random).expect("somebody");
        let team = *self.teams.choose(&mut self.random).expect("a team");
        let edit = match self.random.random_range(0..10) {
            0..4 => json!({ "teamId": team }),
            4..7 => {
                let disabled = !self.disabled.contains(&user);
                if disabled {
                    self.disabled.insert(user)
                } else {
                    self.disabled.remove(&user)
                };
                json!({ "disabled": disabled })
            }
            7..9 => {
                let role = *["rep", "manager"].choose(&mut self.random).expect("a role");
                json!({ "role": role })
            }
            _ => {
                let above = *self.teams[..2].choose(&mut self.random).expect("a team");
                let path = format!("/v1/teams/{}", self.teams[2]);
                self.admin.patch(&path, json!({ "parentId": above })).await.expect(200);
                return;
            }
        };
        self.admin.patch(&format!("/v1/users/{user}"), edit).await.expect(200);
        for desk in self.desks.iter().filter(|desk| desk.phone.person.id == user) {
            desk.phone.person.log_out().await;
        }
    }

    async fn office_edit(&mut self) {
        let Some(&account) = self.accounts.choose(&mut self.random) else { return };
        let note = format!("Office {}", self.random.random_range(0..1000));
        let answer = self.admin.patch(&format!("/v1/accounts/{account}"), json!({ "note": note })).await;
        assert!([200, 404, 409].contains(&answer.status), "{}: {:#}", answer.status, answer.body);
    }
}
