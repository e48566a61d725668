//! What reports cost: one tenant with many activities and opportunities, each report against `count(*)` over the same rows.
//! The rows are made in SQL: a report reads tables and feed scopes, and no document.

use std::time::Instant;

use futures_util::future::try_join_all;
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};
use uuid::Uuid;
use waypost::auth::Actor;
use waypost::report::activity::activity;
use waypost::report::coverage::coverage;
use waypost::report::figures::Scope;
use waypost::report::forecast::{accuracy, calibration, forecast};
use waypost::report::lost::lost;
use waypost::report::quota::quota;
use waypost::report::told::Known;
use waypost::report::velocity::velocity;
use waypost::report::{FunnelQuery, FunnelView, SplitBy, funnel};
use waypost::state::State;
use waypost::work::UnitOfWork;

use crate::Failure;
use crate::seed::{self, Rep};

/// Each is asked so often, and the median told.
const TIMES: usize = 5;

/// How much there is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub reps: usize,
    pub activities: i64,
    pub opportunities: i64,
}

/// Fills a tenant and prints a table.
pub async fn measure(state: &State, size: Size) -> Result<(), Failure> {
    let tenant = seed::tenant(state, "reports", size.reps).await?;
    fill(state, &tenant.reps, size).await?;
    let tenant_id = tenant.manager.tenant_id;
    let admin = Actor::system(tenant_id);
    let manager = Actor { user_id: tenant.manager.user_id, role: entity::kind::Role::Manager, ..admin.clone() };
    println!("{} activities, {} opportunities, {} reps", size.activities, size.opportunities, size.reps);
    Viewer { name: "by an admin", actor: admin, sees_all: true }.ask(state).await?;
    let manager = |name| Viewer { name, actor: manager.clone(), sees_all: false };
    manager("by the manager of all").ask(state).await?;
    // Somebody whom he does not lead: whether he sees a record is looked up from here on.
    state
        .db
        .execute_raw(Statement::from_sql_and_values(
            DbBackend::Postgres,
            STRANGER,
            [tenant_id.into(), Uuid::now_v7().into()],
        ))
        .await?;
    manager("by a manager who leads all but one").ask(state).await
}

/// A user in a team beside those of the manager. `$1` tenant, `$2` their ids.
const STRANGER: &str = r#"
    WITH beside AS (
        INSERT INTO team SELECT (jsonb_populate_record(t, jsonb_build_object('id', $2::uuid, 'name', 'Beside'))).*
        FROM team t WHERE t.tenant_id = $1 LIMIT 1
    )
    INSERT INTO "user" SELECT (jsonb_populate_record(u, jsonb_build_object('id', $2::uuid, 'team_id', $2::uuid, 'email', 'beside@bench.example'))).*
    FROM "user" u WHERE u.tenant_id = $1 LIMIT 1"#;

/// Whose eyes a report is told for, and the name of his table.
struct Viewer {
    name: &'static str,
    actor: Actor,
    sees_all: bool,
}

/// Of accounts of which somebody below him is a member; what has no account is its owner's. `$2` is the manager.
const OF_ACCOUNT: &str = "(t.account_id IN (
        SELECT m.account_id FROM account_member m
        WHERE m.tenant_id = $1 AND m.deleted_at IS NULL AND m.user_id IN (
            SELECT g.scope_id FROM scope_grant g WHERE g.tenant_id = $1 AND g.user_id = $2 AND g.revoked IS NULL))
     OR t.account_id IS NULL AND t.owner_id IN (
        SELECT g.scope_id FROM scope_grant g WHERE g.tenant_id = $1 AND g.user_id = $2 AND g.revoked IS NULL))";
const OF_OWNER: &str = "t.owner_id IN (SELECT g.scope_id FROM scope_grant g WHERE g.tenant_id = $1 AND g.user_id = $2 AND g.revoked IS NULL)";
const OF_ALL: &str = "$2::uuid IS NOT NULL";

/// The tables of what a report is about, as `count(*)` reads them.
const ACTIVITIES: &[&str] = &["activity"];
const MOVES: &[&str] = &["opportunity", "stage_move"];
const ALL: &[&str] = &["opportunity", "stage_move", "activity"];

impl Viewer {
    fn counting(&self, tables: &[&str], sees_all: bool) -> String {
        let each = tables.iter().map(|table| {
            let seen = match (sees_all, *table) {
                (true, _) => OF_ALL,
                (false, "activity") => OF_OWNER,
                (false, _) => OF_ACCOUNT,
            };
            format!("(SELECT count(*) FROM {table} t WHERE t.tenant_id = $1 AND t.deleted_at IS NULL AND {seen})")
        });
        format!("SELECT {} AS count", each.collect::<Vec<_>>().join(" + "))
    }

    async fn ask(&self, state: &State) -> Result<(), Failure> {
        let actor = &self.actor;
        let year = Scope { days: 365, ..Scope::default() };
        let month = Scope { days: 30, ..Scope::default() };
        let past = Scope { as_of: Some(day(state, 60)), ..year };
        let past_then = Scope { known: Known::Then, ..past };
        let cohort = FunnelQuery::default();
        let split = FunnelQuery { split_by: SplitBy::User, ..cohort.clone() };
        let snapshot = FunnelQuery { view: FunnelView::Snapshot, ..cohort.clone() };
        let then = FunnelQuery { as_of: Some(day(state, 60)), known: Known::Then, ..snapshot.clone() };
        let both = FunnelQuery { known: Known::Now, ..then.clone() };
        let seen = if self.sees_all { "" } else { " of what he sees | ratio |" };
        println!("\n| report, {} | time | count(*) | ratio |{seen}", self.name);
        println!("| --- | --- | --- | --- |{}", if self.sees_all { "" } else { " --- | --- |" });
        // The report and the counts take turns: how fast a machine is changes within a minute. What tells two truths is two
        // reports at the same time, and so are its counts.
        macro_rules! tell {
            ($name:literal, $tables:expr, $report:expr) => {
                tell!($name, $tables, 1, $report)
            };
            ($name:literal, $tables:expr, $truths:literal, $report:expr) => {{
                let (all, seen) = (self.counting($tables, true), self.counting($tables, false));
                let counted = async |sql: &str| {
                    timed(async || try_join_all((0..$truths).map(|_| count(state, sql, actor))).await.map(drop)).await
                };
                let mut times = [Vec::new(), Vec::new(), Vec::new()];
                for _ in 0..TIMES {
                    times[0].push(timed(async || Ok(drop($report.await?))).await?);
                    times[1].push(counted(&all).await?);
                    if !self.sees_all {
                        times[2].push(counted(&seen).await?);
                    }
                }
                let report = median(&mut times[0]);
                print!("| {} | {report:.0} ms |", $name);
                for limit in times[1..].iter_mut().filter(|times| !times.is_empty()) {
                    let limit = median(limit);
                    print!(" {limit:.0} ms | {:.1} |", report / limit);
                }
                println!();
            }};
        }
        tell!("funnel, cohort", MOVES, funnel(state, actor, &cohort));
        tell!("funnel by rep", MOVES, funnel(state, actor, &split));
        tell!("funnel, snapshot", MOVES, funnel(state, actor, &snapshot));
        tell!("funnel, snapshot of a past day, as known then", MOVES, funnel(state, actor, &then));
        tell!("funnel, snapshot of a past day, both truths", MOVES, 2, funnel(state, actor, &both));
        tell!("velocity of a year", MOVES, velocity(state, actor, &year));
        tell!("forecast", MOVES, forecast(state, actor, &Scope::default()));
        tell!("forecast of a past day, as known then", MOVES, forecast(state, actor, &past_then));
        tell!("forecast of a past day, both truths", MOVES, 2, forecast(state, actor, &past));
        tell!("forecast accuracy, 6 months", MOVES, accuracy(state, actor, &Scope::default(), 6));
        tell!("calibration", MOVES, calibration(state, actor, &year));
        tell!("lost", MOVES, lost(state, actor, &year, SplitBy::None));
        tell!("activity of a year", ACTIVITIES, activity(state, actor, &year, None));
        tell!("activity of a month", ACTIVITIES, activity(state, actor, &month, None));
        tell!("coverage", ACTIVITIES, coverage(state, actor, &month));
        tell!("quota of a quarter, four goals a rep", ALL, quota(state, actor, &Scope { days: 1, ..Scope::default() }));
        Ok(())
    }
}

/// So many days ago.
fn day(state: &State, ago: i64) -> entity::scalar::Date {
    entity::scalar::Date((state.clock.now().0 - chrono::TimeDelta::days(ago)).date_naive())
}

/// Milliseconds.
async fn timed(ask: impl AsyncFn() -> Result<(), Failure>) -> Result<f64, Failure> {
    let started = Instant::now();
    ask().await?;
    Ok(started.elapsed().as_secs_f64() * 1000.0)
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

async fn count(state: &State, sql: &str, actor: &Actor) -> Result<(), Failure> {
    let values = [actor.tenant_id.into(), actor.user_id.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    state.db.query_one_raw(statement).await?.ok_or("no count")?;
    Ok(())
}

async fn fill(state: &State, reps: &[Rep], size: Size) -> Result<(), Failure> {
    let users: Vec<Uuid> = reps.iter().map(|rep| rep.user_id).collect();
    let values: [Value; 5] = [
        reps[0].tenant_id.into(),
        users.into(),
        size.opportunities.into(),
        size.activities.into(),
        state.clock.now().into(),
    ];
    for sql in FILL {
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, *sql, values.clone());
        state.db.execute_raw(statement).await?;
        // Else the next one's references are looked up as in tables that are still empty.
        state.db.execute_unprepared("ANALYZE").await?;
    }
    let sql = "SELECT coalesce(array_agg(id), '{}') FROM opportunity WHERE tenant_id = $1";
    let all = Statement::from_sql_and_values(DbBackend::Postgres, sql, [reps[0].tenant_id.into()]);
    let all: Vec<Uuid> = state.db.query_one_raw(all).await?.ok_or("no opportunities")?.try_get_by_index(0)?;
    let stays = Statement::from_sql_and_values(
        DbBackend::Postgres,
        waypost::work::STAYS,
        [reps[0].tenant_id.into(), all.into()],
    );
    state.db.execute_raw(stays).await?;
    let work = UnitOfWork::begin(state, &Actor::system(reps[0].tenant_id)).await?;
    work.count_days_anew().await?;
    work.commit().await?;
    state.db.execute_unprepared("VACUUM ANALYZE").await?;
    Ok(())
}

/// `$1` tenant, `$2` reps, `$3` opportunities, `$4` activities, `$5` now. One account for five opportunities; each of these
/// has two to four moves in its year, a third of them a change of its amount. Half of the activities were typed within six hours, the
/// last four days later. Every statement takes all five parameters.
const FILL: &[&str] = &[
    "INSERT INTO account (tenant_id, id, revision, created_at, updated_at, kind, name, owner_id, tier)
     SELECT $1, md5('account' || n)::uuid, 1, $5 - interval '400 days', $5, 'business', 'Account ' || n,
            ($2::uuid[])[1 + n % cardinality($2::uuid[])], (ARRAY['key', 'ordinary', 'potential'])[1 + n % 3]
     FROM generate_series(1, greatest($3::bigint / 5, 1)) n WHERE $4::bigint IS NOT NULL",
    "INSERT INTO account_member (tenant_id, id, revision, created_at, updated_at, account_id, user_id, role)
     SELECT tenant_id, md5('member' || id::text)::uuid, 1, created_at, updated_at, id, owner_id, 'owner' FROM account
     WHERE tenant_id = $1 AND name LIKE 'Account %' AND $2::uuid[] IS NOT NULL AND $3::bigint IS NOT NULL AND $4::bigint IS NOT NULL
       AND $5::timestamptz IS NOT NULL",
    "INSERT INTO opportunity (tenant_id, id, revision, created_at, updated_at, account_id, owner_id, name, stage, stage_since,
                              amount, currency, expected_on, signed_on, lost_from, lost_reason)
     SELECT a.tenant_id, md5('opportunity' || n)::uuid, 1, s.at, s.at, a.id, a.owner_id, 'Fibre',
            (ARRAY['intent', 'pre_sale', 'negotiation', 'signed', 'lost'])[1 + n % 5], s.at, n % 100000, 'CNY',
            (s.at + interval '90 days')::date, CASE WHEN n % 5 = 3 THEN s.at::date END,
            CASE WHEN n % 5 = 4 THEN 'pre_sale' END, CASE WHEN n % 5 = 4 THEN 'price' END
     FROM generate_series(1, $3::bigint) n
     JOIN account a ON a.tenant_id = $1 AND a.id = md5('account' || (1 + n % greatest($3::bigint / 5, 1)))::uuid
     CROSS JOIN LATERAL (SELECT $5::timestamptz - make_interval(hours => (n * 7919 % 8760)::integer) AS at) s
     WHERE $2::uuid[] IS NOT NULL AND $4::bigint IS NOT NULL",
    "INSERT INTO stage_move (tenant_id, id, revision, created_at, updated_at, opportunity_id, account_id, owner_id, number, from_stage,
                             to_stage, occurred, occurred_assumed, captured, captured_proven, received, actor_id, probability, lost_reason)
     SELECT o.tenant_id, md5(m.number || o.id::text)::uuid, 1, m.at, m.at, o.id, o.account_id, o.owner_id, m.number, m.came_from,
            m.gone_to, m.at, false, m.at, true, m.at, o.owner_id, 10 * m.number, CASE WHEN m.gone_to = 'lost' THEN 'price' END
     FROM opportunity o
     CROSS JOIN LATERAL (
         SELECT number, lag(stage) OVER (ORDER BY number) AS came_from, stage AS gone_to,
                o.stage_since + make_interval(hours => (number * 97)::integer) AS at
         FROM unnest(CASE o.stage
             WHEN 'intent' THEN ARRAY['intent'] WHEN 'pre_sale' THEN ARRAY['intent', 'pre_sale']
             WHEN 'negotiation' THEN ARRAY['intent', 'pre_sale', 'negotiation']
             WHEN 'signed' THEN ARRAY['intent', 'pre_sale', 'negotiation', 'signed']
             ELSE ARRAY['intent', 'pre_sale', 'lost'] END) WITH ORDINALITY AS s(stage, number)
     ) m
     WHERE o.tenant_id = $1 AND $2::uuid[] IS NOT NULL AND $3::bigint IS NOT NULL AND $4::bigint IS NOT NULL
       AND $5::timestamptz IS NOT NULL",
    "INSERT INTO record_history (tenant_id, kind, record_id, revision, seq, actor_id, op, changes, captured, received)
     SELECT o.tenant_id, 'opportunity', o.id, 2, 0, o.owner_id, 'update', '{\"amount\":[\"1\",\"2\"]}',
            o.stage_since + interval '5 days', o.stage_since + interval '5 days'
     FROM opportunity o
     WHERE o.tenant_id = $1 AND o.amount::bigint % 3 = 0 AND $2::uuid[] IS NOT NULL AND $3::bigint IS NOT NULL
       AND $4::bigint IS NOT NULL AND $5::timestamptz IS NOT NULL",
    "INSERT INTO activity (tenant_id, id, revision, created_at, updated_at, account_id, owner_id, kind, occurred, captured,
                           captured_proven, received, duration_minutes, summary, verdict)
     SELECT a.tenant_id, md5('activity' || n)::uuid, 1, s.at, s.at, a.id, a.owner_id,
            (ARRAY['visit', 'call', 'note'])[1 + n % 3], s.at, s.at + s.delay, true, s.at + s.delay + interval '1 hour', 30,
            'Talked about the needs of the second quarter.', CASE WHEN n % 3 = 0 THEN 'verified' END
     FROM generate_series(1, $4::bigint) n
     JOIN account a ON a.tenant_id = $1 AND a.id = md5('account' || (1 + n % greatest($3::bigint / 5, 1)))::uuid
     CROSS JOIN LATERAL (
         SELECT $5::timestamptz - make_interval(mins => (n * 7919 % 525600)::integer) AS at,
                make_interval(secs => 345600 * power((n * 104729 % 1000) / 1000.0, 4)) AS delay
     ) s
     WHERE $2::uuid[] IS NOT NULL",
    "INSERT INTO plan (tenant_id, id, revision, created_at, updated_at, account_id, owner_id, planned_on, status, activity_id)
     SELECT a.tenant_id, md5('plan' || n)::uuid, 1, s.at, s.at, a.id, a.owner_id, s.at::date,
            CASE WHEN n % 4 < 2 THEN 'fulfilled' WHEN n % 4 = 2 THEN 'missed' ELSE 'cancelled' END,
            CASE WHEN n % 4 < 2 THEN md5('activity' || n)::uuid END
     FROM generate_series(1, $4::bigint / 10) n
     JOIN account a ON a.tenant_id = $1 AND a.id = md5('account' || (1 + n % greatest($3::bigint / 5, 1)))::uuid
     CROSS JOIN LATERAL (SELECT $5::timestamptz - make_interval(mins => (n * 7919 % 525600)::integer) AS at) s
     WHERE $2::uuid[] IS NOT NULL",
    "INSERT INTO goal (tenant_id, id, user_id, measure, target, currency, from_on, to_on, created_at, created_by)
     SELECT $1, md5(m.measure || u.id)::uuid, u.id, m.measure, 1000, CASE WHEN m.measure = 'amount' THEN 'CNY' END,
            $5::date - 45, $5::date + 45, $5, u.id
     FROM unnest($2::uuid[]) AS u(id)
     CROSS JOIN (VALUES ('amount'), ('signed_count'), ('visits'), ('new_accounts')) AS m(measure)
     WHERE $3::bigint IS NOT NULL AND $4::bigint IS NOT NULL",
    "INSERT INTO feed (tenant_id, scope_id, kind, record_id, seq, revision, account_id, changed_at, document)
     SELECT r.tenant_id, r.owner_id, r.kind, r.id, 1000000 + row_number() OVER (), 1, r.account_id, $5, '{}'
     FROM (
         SELECT tenant_id, owner_id, 'account' AS kind, id, id AS account_id FROM account WHERE name LIKE 'Account %'
         UNION ALL
         SELECT tenant_id, owner_id, 'opportunity', id, account_id FROM opportunity
     ) r
     WHERE r.tenant_id = $1 AND $2::uuid[] IS NOT NULL AND $3::bigint IS NOT NULL AND $4::bigint IS NOT NULL",
];
