//! Fills the database. Tenants, users and accounts are made as the product makes them; the mass of activities is copied in
//! SQL from one that the product wrote, so that rows and documents have their true shape and size.

use chrono::TimeDelta;
use entity::kind::{AccountKind, ActivityKind, Locale, Role};
use entity::scalar::{Line, Text, Timestamp};
use entity::{team, user};
use indicatif::ProgressBar;
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};
use uuid::Uuid;
use waypost::account::AccountFields;
use waypost::activity::ActivityFields;
use waypost::auth::Actor;
use waypost::change::{Body, Change, Intent, apply, prepare};
use waypost::state::State;
use waypost::tenant::create::{NewTenant, create};
use waypost::work::UnitOfWork;

use crate::Failure;

/// A rep who is measured.
#[derive(Clone, Copy)]
pub struct Rep {
    pub tenant_id: Uuid,
    pub user_id: Uuid,
    pub account_id: Uuid,
}

/// One tenant: its manager, who leads all reps, and the reps.
pub struct Tenant {
    pub manager: Rep,
    pub reps: Vec<Rep>,
}

/// Makes a tenant with `reps` reps under one manager, each with an account of his own.
pub async fn tenant(state: &State, slug: &str, reps: usize) -> Result<Tenant, Failure> {
    let created = create(state, NewTenant::parse(slug, slug, "Asia/Shanghai")?).await?;
    let tenant_id = created.tenant.id;
    let mut work = UnitOfWork::begin(state, &Actor::system(tenant_id)).await?;
    work.lock_teams().await?;
    work.load::<team::Model>([created.top_team]).await?;
    let manager_id = Uuid::now_v7();
    work.put(person(&work, manager_id, created.top_team, Role::Manager, "manager"));
    let ids: Vec<Uuid> = (0..reps).map(|_| Uuid::now_v7()).collect();
    for (number, id) in ids.iter().enumerate() {
        work.put(person(&work, *id, created.top_team, Role::Rep, &format!("rep{number}")));
    }
    work.commit().await?;

    let mut made = Vec::with_capacity(reps);
    for user_id in ids {
        let account_id = Uuid::now_v7();
        let fields = AccountFields {
            kind: Some(AccountKind::Business),
            name: Some(Line("霍普光通信 Hope Optical".into())),
            ..AccountFields::default()
        };
        let actor = Actor { tenant_id, user_id, role: Role::Rep, may_write: true };
        one(state, &actor, account_id, Intent::Create(Body::Account(fields))).await?;
        made.push(Rep { tenant_id, user_id, account_id });
    }
    let manager = Rep { tenant_id, user_id: manager_id, account_id: made[0].account_id };
    Ok(Tenant { manager, reps: made })
}

fn person(work: &UnitOfWork, id: Uuid, team_id: Uuid, role: Role, name: &str) -> user::Model {
    user::Model {
        tenant_id: work.actor.tenant_id,
        id,
        revision: 0,
        created_at: work.now,
        updated_at: work.now,
        deleted_at: None,
        team_id,
        email: format!("{name}@bench.example"),
        name: name.to_owned(),
        role,
        locale: Locale::Zh,
        disabled_at: None,
        external_id: None,
    }
}

async fn one(state: &State, actor: &Actor, id: Uuid, intent: Intent) -> Result<(), Failure> {
    let kind = match &intent {
        Intent::Create(Body::Account(_)) => entity::kind::Kind::Account,
        _ => entity::kind::Kind::Activity,
    };
    let change = Change { kind, id, fresh: false, intent, base: None, expected: None, clear: Vec::new(), reason: None };
    let mut work = UnitOfWork::begin(state, actor).await?;
    let context = prepare(&mut work, std::slice::from_ref(&change)).await?;
    apply(&mut work, &context, &change)?;
    work.commit().await?;
    Ok(())
}

/// What a rep types about a visit.
pub fn visit(account_id: Uuid, now: Timestamp) -> ActivityFields {
    ActivityFields {
        account_id: Some(account_id),
        kind: Some(ActivityKind::Visit),
        occurred: Some((now.0 - TimeDelta::minutes(30)).into()),
        duration_minutes: Some(45),
        summary: Some(Text("拜访采购负责人，讨论第二季度光模块需求与交付时间。".into())),
        outcome: Some(Text("Wants a quote for 400 units by Friday.".into())),
        next_step: Some(Text("Send the quote, call on Monday.".into())),
        ..ActivityFields::default()
    }
}

/// Gives every rep of a tenant `count` activities with their points, copied from one that the product wrote.
pub async fn activities(state: &State, reps: &[Rep], count: i64, progress: &ProgressBar) -> Result<(), Failure> {
    for rep in reps {
        let actor = Actor { tenant_id: rep.tenant_id, user_id: rep.user_id, role: Role::Rep, may_write: true };
        let model = Uuid::now_v7();
        let fields = visit(rep.account_id, state.clock.now());
        one(state, &actor, model, Intent::Create(Body::Activity(fields))).await?;
        let values: [Value; 4] = [rep.tenant_id.into(), rep.user_id.into(), model.into(), (count - 1).into()];
        for sql in COPIES {
            let statement = Statement::from_sql_and_values(DbBackend::Postgres, *sql, values.clone());
            state.db.execute_raw(statement).await?;
        }
        progress.inc(count.unsigned_abs());
    }
    Ok(())
}

/// `$1` tenant, `$2` rep, `$3` the activity to copy, `$4` how many copies. Ids are `md5` of number and original.
const COPIES: &[&str] = &[
    "INSERT INTO activity (tenant_id, id, revision, created_at, updated_at, account_id, owner_id, kind, occurred, captured,
                           captured_proven, received, duration_minutes, summary, outcome, next_step, verdict)
     SELECT tenant_id, md5(n || id::text)::uuid, revision, created_at, updated_at, account_id, owner_id, kind, occurred,
            captured, captured_proven, received, duration_minutes, summary, outcome, next_step, verdict
     FROM activity, generate_series(1, $4) n WHERE tenant_id = $1 AND owner_id = $2 AND id = $3",
    "INSERT INTO points_entry (tenant_id, id, revision, created_at, updated_at, user_id, ordinal, source_kind, source_id, number, kind,
                               ledger_account, counterpart, points, leads, day, account_id, explanation)
     SELECT tenant_id, md5(n || id::text)::uuid, revision, created_at, updated_at, user_id, ordinal + n, source_kind, md5(n || source_id::text)::uuid,
            number, kind, ledger_account, counterpart, points, leads, day, account_id, explanation
     FROM points_entry, generate_series(1, $4) n WHERE tenant_id = $1 AND user_id = $2 AND source_id = $3",
    "UPDATE points_balance b SET entries = b.entries + $4, points = b.points + $4 * e.points FROM points_entry e
     WHERE b.tenant_id = $1 AND b.id = $2 AND e.tenant_id = $1 AND e.user_id = $2 AND e.source_id = $3",
    "WITH copied AS (
        SELECT f.scope_id, f.kind, md5(n || f.record_id::text)::uuid AS id, f.revision, f.account_id, f.changed_at,
               replace(replace(f.document, f.record_id::text, md5(n || f.record_id::text)::uuid::text),
                       $3::text, md5(n || $3::text)::uuid::text) AS document,
               row_number() OVER () AS at
        FROM feed f CROSS JOIN generate_series(1, $4) n
        WHERE f.tenant_id = $1 AND f.scope_id = $2 AND (f.record_id = $3 OR f.kind = 'points_entry')
     ), clock AS (
        UPDATE sync_clock SET head = head + (SELECT count(*) FROM copied) WHERE tenant_id = $1 RETURNING head
     ), fed AS (
        INSERT INTO feed (tenant_id, scope_id, kind, record_id, seq, revision, account_id, changed_at, document)
        SELECT $1, scope_id, kind, id, head - (SELECT count(*) FROM copied) + at, revision, account_id, changed_at, document
        FROM copied CROSS JOIN clock
     )
     UPDATE scope_head h SET head = clock.head FROM clock WHERE h.tenant_id = $1 AND h.scope_id = $2",
];
