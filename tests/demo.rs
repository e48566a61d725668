//! The demo tenant: filled twice, on databases of their own, and looked at with SQL.

use std::cell::Cell;
use std::collections::BTreeMap;

use chrono::{DateTime, Months, Utc};
use entity::kind::Kind;
use entity::scalar::Date;
use sea_orm::{ConnectionTrait, DatabaseConnection, FromQueryResult, JsonValue};
use sea_orm::{DatabaseBackend::Postgres, Statement};
use waypost::auth::token::Keys;
use waypost::auth::{Identity, Secret, credential};
use waypost::clock::Clock;
use waypost::database::scratch::fresh_database;
use waypost::database::{connect, migrate};
use waypost::demo::{self, REPS, Summary};
use waypost::ledger::verify;
use waypost::state::State;

const TODAY: &str = "2026-03-02";

/// A database with the demo in it.
struct Demo {
    state: State,
    summary: Summary,
}

impl Demo {
    async fn fill(reps: usize) -> Self {
        let state = State::new(empty().await, Clock::fixed(now()), identity());
        let summary = demo::fill(&state, today(), reps, |_, _| ()).await.expect("fills").expect("was empty");
        Demo { state, summary }
    }

    async fn row(&self, sql: &str) -> JsonValue {
        let found = JsonValue::find_by_statement(Statement::from_string(Postgres, sql)).one(&self.state.db).await;
        found.expect("the statement runs").expect("a row")
    }

    async fn number(&self, sql: &str) -> f64 {
        let value = self.row(&format!("SELECT ({sql})::float8 AS number")).await;
        value["number"].as_f64().unwrap_or_else(|| panic!("{sql}: {value}"))
    }
}

fn now() -> DateTime<Utc> {
    format!("{TODAY}T02:00:00Z").parse().expect("a time")
}

fn today() -> Date {
    Date::parse(TODAY).expect("a day")
}

fn identity() -> Identity {
    Identity::new(Keys::generate().expect("a key"), "", "", Vec::new())
}

async fn empty() -> DatabaseConnection {
    let url = fresh_database(None).await;
    migrate(&url).await.expect("migrates");
    connect(&url, 5).await.expect("the scratch database answers")
}

/// What two fills with one seed must agree in.
const FIGURES: &str = "
    SELECT (SELECT json_object_agg(stage, n) FROM
               (SELECT stage, json_build_array(count(*), sum(amount)) AS n FROM opportunity GROUP BY stage ORDER BY stage) s)
               AS stages,
           (SELECT json_agg(json_build_array(kind, verdict, n)) FROM
               (SELECT kind, verdict, count(*) AS n FROM activity GROUP BY 1, 2 ORDER BY 1, 2) a) AS activities,
           (SELECT json_object_agg(status, n) FROM (SELECT status, count(*) AS n FROM plan GROUP BY 1 ORDER BY 1) p)
               AS plans,
           (SELECT json_build_array(sum(points), count(*)) FROM points_entry) AS points,
           (SELECT md5(string_agg(id::text || occurred || captured, '' ORDER BY id)) FROM activity) AS times,
           (SELECT md5(string_agg(name, '' ORDER BY id)) FROM account) AS names";

#[tokio::test(flavor = "multi_thread")]
async fn one_seed_makes_one_demo() {
    const FEW: usize = 4;
    let (one, two) = tokio::join!(Demo::fill(FEW), Demo::fill(FEW));
    assert_eq!(one.summary, two.summary);
    assert_eq!(one.row(FIGURES).await, two.row(FIGURES).await);
}

/// One test, so that the whole demo is filled once.
#[tokio::test(flavor = "multi_thread")]
async fn the_demo_is_a_company_with_a_year_behind_it() {
    let demo = Demo::fill(REPS).await;
    counts(&demo).await;
    habits(&demo).await;
    books(&demo).await;
    people(&demo).await;
    again(&demo).await;
}

async fn counts(demo: &Demo) {
    let stored: BTreeMap<Kind, f64> = {
        let mut stored = BTreeMap::new();
        for kind in [Kind::Account, Kind::Contact, Kind::Opportunity, Kind::Activity, Kind::Plan, Kind::Lead] {
            stored.insert(kind, demo.number(&format!("SELECT count(*) FROM {kind}")).await);
        }
        stored
    };
    let told: BTreeMap<Kind, f64> = demo.summary.created.iter().map(|(kind, count)| (*kind, *count as f64)).collect();
    assert_eq!(stored, told);
    let within = |kind: Kind, low: f64, high: f64| {
        assert!((low..=high).contains(&stored[&kind]), "{}: {}", kind, stored[&kind]);
    };
    within(Kind::Account, 400.0, 600.0);
    within(Kind::Opportunity, 3_000.0, 4_000.0);
    within(Kind::Activity, 10_000.0, 15_000.0);

    let regions = "SELECT count(*) FROM team r JOIN team top ON top.id = r.parent_id AND top.parent_id IS NULL";
    assert_eq!(demo.number(regions).await, 3.0);
    let teams = "SELECT count(*) FROM team WHERE id IN (SELECT team_id FROM \"user\" WHERE role = 'rep')";
    assert_eq!(demo.number(teams).await, 6.0);
    for (role, count) in [("rep", 35.0), ("manager", 6.0), ("admin", 1.0)] {
        assert_eq!(demo.number(&format!("SELECT count(*) FROM \"user\" WHERE role = '{role}'")).await, count);
    }
    let stages = "SELECT count(DISTINCT stage) FROM opportunity";
    assert_eq!(demo.number(stages).await, 5.0);
    let verdicts = "SELECT count(DISTINCT verdict) FROM activity WHERE kind = 'visit'";
    assert_eq!(demo.number(verdicts).await, 3.0);
    let lost = "SELECT count(*) FROM opportunity WHERE stage = 'lost' AND lost_reason IS NULL";
    assert_eq!(demo.number(lost).await, 0.0);
    for moved in ["from_stage = 'negotiation' AND to_stage = 'pre_sale'", "from_stage = 'lost'"] {
        assert!(demo.number(&format!("SELECT count(*) FROM stage_move WHERE {moved}")).await > 10.0, "{moved}");
    }
    let stale = "SELECT count(*) FROM opportunity WHERE stage = 'pre_sale' AND stage_since < timestamptz '2025-12-01'";
    assert!(demo.number(stale).await > 10.0);
    for (status, some) in [("planned", "planned_on >= date '2026-03-02'"), ("missed", "planned_on < date '2026-03-02'")]
    {
        assert!(demo.number(&format!("SELECT count(*) FROM plan WHERE status = '{status}' AND {some}")).await > 100.0);
        assert_eq!(
            demo.number(&format!("SELECT count(*) FROM plan WHERE status = '{status}' AND NOT {some}")).await,
            0.0
        );
    }
}

/// The demo's year.
const FIRST: &str = "2025-03-02";
const MONTHS: u32 = 12;

async fn habits(demo: &Demo) {
    let first = Date::parse(FIRST).expect("a day").0;
    let during = |from: u32, months: u32| {
        let [first, next] = [from, from + months].map(|n| first + Months::new(n));
        format!("occurred >= date '{first}' AND occurred < date '{next}'")
    };
    let mut delays = Vec::new();
    for month in 0..MONTHS {
        let delay = "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM captured - occurred) / 60)";
        delays.push(demo.number(&format!("{delay} FROM activity WHERE {}", during(month, 1))).await);
    }
    // Between two months of much the same it may look a few minutes slower.
    let faster = delays.is_sorted_by(|one, next| *next < one * 1.05);
    assert!(faster, "entry gets faster month by month, in minutes: {delays:?}");
    assert!(delays[0] > 6.0 * 60.0 && delays[11] < 2.0 * 60.0, "median delays in minutes: {delays:?}");
    let mut rates = Vec::new();
    for quarter in 0..MONTHS / 3 {
        let rate = "SELECT avg((to_stage = 'signed')::int) FROM stage_move WHERE to_stage IN ('signed', 'lost')";
        rates.push(demo.number(&format!("{rate} AND {}", during(3 * quarter, 3))).await);
    }
    let risen = rates[3] / rates[0];
    assert!((1.05..1.2).contains(&risen), "signed of decided: {rates:?}, {risen}");
    let halves = [rates[0] + rates[1], rates[2] + rates[3]];
    assert!(halves[0] < halves[1], "signed of decided: {rates:?}");
    let future = format!("SELECT count(*) FROM activity WHERE captured < occurred OR received >= '{TODAY} 00:00+08'");
    assert_eq!(demo.number(&future).await, 0.0);
    let history = "SELECT count(*) FROM activity a JOIN record_history h ON h.record_id = a.id
                   WHERE h.revision = 1 AND h.received IS DISTINCT FROM a.received";
    assert_eq!(demo.number(history).await, 0.0, "the audit trail and the record tell different times");
}

async fn books(demo: &Demo) {
    let (_, faults) = verify::books(&demo.state.db, None).await.expect("an audit");
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!(demo.number("SELECT count(*) FROM points_balance").await, 35.0);
    let unscored = "SELECT count(*) FROM activity a
                    WHERE NOT EXISTS (SELECT FROM points_entry e WHERE e.source_id = a.id AND e.user_id = a.owner_id)";
    assert_eq!(demo.number(unscored).await, 0.0);
    assert_eq!(demo.number("SELECT count(*) FROM rejected_write").await, 0.0);
    for kind in ["award", "fine", "hold", "release", "share", "grant", "claim", "expiry", "freeze", "reversal"] {
        let entries = demo.number(&format!("SELECT count(*) FROM points_entry WHERE kind = '{kind}'")).await;
        assert!(entries > 0.0, "no {kind}");
    }
    for source in ["activity", "stage_move", "plan", "account", "contact", "opportunity", "month", "lead"] {
        let entries = demo.number(&format!("SELECT count(*) FROM points_entry WHERE source_kind = '{source}'")).await;
        assert!(entries > 0.0, "nothing about a {source}");
    }
    for (what, low, high) in [
        ("hold WHERE status = 'open'", 2.0, 40.0),
        ("appeal WHERE status = 'open'", 1.0, 1.0),
        ("appeal WHERE status = 'granted'", 1.0, 1.0),
        ("lead WHERE status = 'pooled'", 20.0, 200.0),
        ("lead WHERE status = 'claimed'", 5.0, 100.0),
        ("lead WHERE status = 'converted'", 10.0, 100.0),
        ("rule_set WHERE status = 'active' AND bundle IS NOT NULL", 1.0, 1.0),
        ("simulation WHERE status = 'finished'", 1.0, 1.0),
        ("statement WHERE user_id IS NULL", 60.0, 80.0),
        ("points_entry WHERE explanation ->> 'capped' IS NOT NULL", 20.0, 5_000.0),
    ] {
        let found = demo.number(&format!("SELECT count(*) FROM {what}")).await;
        assert!((low..=high).contains(&found), "{what}: {found}");
    }
}

async fn people(demo: &Demo) {
    for table in ["account", "contact", "\"user\""] {
        for script in ["[一-龥]", "^[A-Za-z]+ [A-Za-z]+"] {
            let named = demo.number(&format!("SELECT count(*) FROM {table} WHERE name ~ '{script}'")).await;
            assert!(named > 5.0, "{table} {script}: {named}");
        }
    }
    let (state, tenant) = (&demo.state, credential::tenant(&demo.state.db, demo::TENANT).await.unwrap().unwrap());
    for email in [demo::REP, demo::MANAGER, demo::ADMIN] {
        let user = credential::by_email(&state.db, tenant, email).await.unwrap().expect("is hired");
        assert!(state.identity.hasher.verify(&Secret::new(demo::PASSWORD), user.hash).await.unwrap(), "{email}");
    }
    let guide = demo::guide::guide(state).await.unwrap().expect("an account to visit");
    assert!(demo.number(&format!("SELECT count(*) FROM account WHERE id = '{}'", guide.account_id)).await == 1.0);
}

/// A second start finds the demo; one that begins anew after a crash does not stumble over what is left.
async fn again(demo: &Demo) {
    let asked = Cell::new(false);
    let filled = demo::fill(&demo.state, today(), REPS, |_, _| asked.set(true)).await.unwrap();
    assert!(filled.is_none() && !asked.get());
    let tenants = "SELECT count(*) FROM tenant";
    assert_eq!(demo.number(tenants).await, 1.0);

    // As after a crash right before the end.
    let unfinished = "UPDATE tenant SET slug = 'demo-unfinished-1'";
    demo.state.db.execute_unprepared(unfinished).await.unwrap();
    assert!(demo::fill(&demo.state, today(), 1, |_, _| ()).await.unwrap().is_some());
    assert_eq!(demo.number(tenants).await, 2.0);
}
