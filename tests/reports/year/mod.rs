//! The demo's year, in a database of its own: what the reports say of it is what its rows say, read one by one and counted
//! here without SQL.

mod expected;
mod people;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Asia::Shanghai;
use entity::kind::Role;
use entity::scalar::Date;
use rust_decimal::Decimal;
use sea_orm::DatabaseBackend::Postgres;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::Value as Json;
use uuid::Uuid;
use waypost::auth::token::Keys;
use waypost::auth::{Actor, Identity};
use waypost::clock::Clock;
use waypost::database::scratch::fresh_database;
use waypost::database::{connect, migrate};
use waypost::demo;
use waypost::state::State;

use expected::{accuracy_agrees, calibration_agrees, forecast_agrees};
use people::{activity_agrees, coverage_agrees};

const TODAY: &str = "2026-03-02";
const NOW: &str = "2026-03-02T02:00:00Z";

type Time = DateTime<Utc>;

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

fn text<'a>(row: &'a Json, column: &str) -> Option<&'a str> {
    row[column].as_str()
}

fn id(row: &Json, column: &str) -> Option<Uuid> {
    text(row, column).map(|text| text.parse().expect("a UUID"))
}

fn time(row: &Json, column: &str) -> Time {
    text(row, column).expect("a time").parse().expect("a time")
}

fn local(time: Time) -> NaiveDate {
    time.with_timezone(&Shanghai).date_naive()
}

fn decimal(value: &Json) -> Option<Decimal> {
    value.as_f64().map(|_| value.to_string().parse().expect("a decimal"))
}

fn share(part: usize, of: usize) -> Option<f64> {
    (of > 0).then(|| part as f64 / of as f64)
}

/// Every row of the tables that reports read.
struct Year {
    state: State,
    tenant: Uuid,
    tables: BTreeMap<&'static str, Vec<Json>>,
    /// By the record that it is of.
    history: BTreeMap<Uuid, Vec<Json>>,
}

impl Year {
    async fn fill(reps: usize) -> Self {
        let url = fresh_database(None).await;
        migrate(&url).await.expect("migrates");
        let identity = Identity::new(Keys::generate().expect("a key"), "", "", Vec::new());
        let db = connect(&url, 5).await.expect("the scratch database answers");
        let state = State::new(db, Clock::fixed(NOW.parse::<Time>().expect("a time")), identity);
        demo::fill(&state, Date(day(TODAY)), reps, |_, _| ()).await.expect("fills").expect("was empty");
        let mut tables = BTreeMap::new();
        for table in [
            "tenant",
            "user",
            "team",
            "account",
            "account_member",
            "activity",
            "plan",
            "opportunity",
            "stage_move",
            "stage",
            "record_history",
        ] {
            let sql = format!("SELECT row_to_json(t)::text AS row FROM \"{table}\" t");
            let rows = state.db.query_all_raw(Statement::from_string(Postgres, sql)).await.expect("rows");
            let rows = rows.iter().map(|row| {
                serde_json::from_str::<Json>(&row.try_get::<String>("", "row").expect("a row")).expect("JSON")
            });
            let live = rows.filter(|row| row.get("deleted_at").is_none_or(Json::is_null));
            tables.insert(table, live.collect::<Vec<_>>());
        }
        let tenant = id(&tables["tenant"][0], "id").expect("an id");
        let mut history: BTreeMap<Uuid, Vec<Json>> = BTreeMap::new();
        for row in tables.remove("record_history").expect("a history") {
            history.entry(id(&row, "record_id").expect("an id")).or_default().push(row);
        }
        Year { state, tenant, tables, history }
    }

    fn rows(&self, table: &str) -> &[Json] {
        &self.tables[table]
    }

    fn admin(&self) -> Actor {
        let admin = self.rows("user").iter().find(|user| text(user, "role") == Some(Role::Admin.as_str()));
        let user_id = admin.and_then(|admin| id(admin, "id")).expect("an administrator");
        Actor { tenant_id: self.tenant, user_id, role: Role::Admin, may_write: true }
    }

    /// The user himself and, for a manager, those who sit in his team or below it.
    fn people(&self, actor: &Actor) -> BTreeSet<Uuid> {
        let all = self.rows("user").iter().filter_map(|user| Some((id(user, "id")?, id(user, "team_id")?)));
        let teams: BTreeMap<Uuid, Option<Uuid>> =
            self.rows("team").iter().map(|team| (id(team, "id").expect("an id"), id(team, "parent_id"))).collect();
        let own = all.clone().find(|(user, _)| *user == actor.user_id).map(|(_, team)| team);
        let is_below =
            |team: Uuid| std::iter::successors(Some(team), |team| teams[team]).any(|above| Some(above) == own);
        all.filter(|&(user, team)| match actor.role {
            Role::Admin | Role::Integration => true,
            Role::Manager => user == actor.user_id || is_below(team),
            Role::Rep => user == actor.user_id,
        })
        .map(|(user, _)| user)
        .collect()
    }

    /// Those whose record or account one of these people works.
    fn seen<'a>(&'a self, actor: &Actor, table: &'a str, account: &'static str) -> Vec<&'a Json> {
        let people = self.people(actor);
        let works = |row: &Json| match id(row, account) {
            Some(account) => self.rows("account_member").iter().any(|member| {
                id(member, "account_id") == Some(account)
                    && id(member, "user_id").is_some_and(|user| people.contains(&user))
            }),
            None => id(row, "owner_id").is_some_and(|owner| people.contains(&owner)),
        };
        self.rows(table).iter().filter(|row| actor.role == Role::Admin || works(row)).collect()
    }

    /// Moves by opportunity, in the order of their numbers.
    fn moves(&self) -> BTreeMap<Uuid, Vec<&Json>> {
        let mut moves: BTreeMap<Uuid, Vec<&Json>> = BTreeMap::new();
        for row in self.rows("stage_move") {
            moves.entry(id(row, "opportunity_id").expect("an id")).or_default().push(row);
        }
        for of_one in moves.values_mut() {
            of_one.sort_by_key(|row| row["number"].as_i64());
        }
        moves
    }

    /// What a field was before the first change that meets `is_later`; what it is, without one.
    fn was(&self, kind: &str, record: &Json, column: &str, wire: &str, is_later: impl Fn(&Json) -> bool) -> Json {
        let of_it = id(record, "id").and_then(|id| self.history.get(&id)).into_iter().flatten();
        let updates = of_it.filter(|row| text(row, "kind") == Some(kind) && text(row, "op") == Some("update"));
        let mut later: Vec<(i64, Json)> = updates
            .filter(|row| is_later(row))
            .filter_map(|row| {
                let changes: Json = serde_json::from_str(text(row, "changes")?).expect("JSON");
                Some((row["revision"].as_i64()?, changes.get(wire)?.get(0)?.clone()))
            })
            .collect();
        later.sort_by_key(|(revision, _)| *revision);
        later.into_iter().next().map_or_else(|| record[column].clone(), |(_, was)| was)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_agree_with_the_rows() {
    let year = Year::fill(3).await;
    let actor = year.admin();
    activity_agrees(&year, &actor, None).await;
    coverage_agrees(&year, &actor, None).await;
    activity_agrees(&year, &actor, Some(day("2026-01-12"))).await;
    coverage_agrees(&year, &actor, Some(day("2026-01-12"))).await;
    forecast_agrees(&year, &actor, None).await;
    forecast_agrees(&year, &actor, Some(day("2025-11-14"))).await;
    calibration_agrees(&year, &actor).await;
    accuracy_agrees(&year, &actor, None).await;
    accuracy_agrees(&year, &actor, Some(day("2025-11-30"))).await;
}
