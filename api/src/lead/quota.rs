//! The month's rights: each rep gets his quota, and what he did not use of the month before expires. Can be late, run
//! twice or on two servers: a month's grant and its end are the first and second entry about that month, each unique.

use chrono::{Datelike, NaiveDate};
use entity::kind::{EntryKind, EntrySource, GrantPolicy};
use entity::scalar::{Date, Points, Timestamp};
use futures_util::FutureExt;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::booking::{Rights, book_as};
use crate::auth::Actor;
use crate::change::Settings;
use crate::ledger;
use crate::problem::Error;
use crate::state::State;
use crate::work::UnitOfWork;
use crate::write;

/// Users whose rights one commit moves at the most, so that nobody waits for long.
const BATCH: usize = 500;

const GRANT: i32 = 1;
const EXPIRY: i32 = 2;

/// `$1` now → tenants in which a month's rights are still to be given or taken.
const TENANTS: &str = r#"
    SELECT t.id FROM tenant t CROSS JOIN LATERAL (
        SELECT date_trunc('month', $1::timestamptz AT TIME ZONE t.time_zone)::date AS first) m
    WHERE EXISTS (SELECT FROM points_entry g WHERE g.tenant_id = t.id AND g.source_kind = 'month' AND g.kind = 'grant'
                  AND g.day < m.first AND NOT EXISTS (
                      SELECT FROM points_entry e WHERE e.tenant_id = t.id AND e.source_id = g.source_id
                      AND e.user_id = g.user_id AND e.kind = 'expiry'))
       OR EXISTS (SELECT FROM rule_set r JOIN "user" u ON u.tenant_id = r.tenant_id
                  WHERE r.tenant_id = t.id AND r.status = 'active' AND r.rules #> '{leads,policies}' @> '["quota"]'
                  AND u.role = 'rep' AND u.disabled_at IS NULL AND u.deleted_at IS NULL AND NOT EXISTS (
                      SELECT FROM points_entry g WHERE g.tenant_id = t.id AND g.user_id = u.id
                      AND g.source_kind = 'month' AND g.kind = 'grant' AND g.day = m.first))"#;

/// `$1` tenant, `$2` first day of this month, `$3` whether there is a quota → users with something to be moved.
const USERS: &str = r#"
    SELECT g.user_id FROM points_entry g
    WHERE g.tenant_id = $1 AND g.source_kind = 'month' AND g.kind = 'grant' AND g.day < $2 AND NOT EXISTS (
        SELECT FROM points_entry e WHERE e.tenant_id = $1 AND e.source_id = g.source_id AND e.user_id = g.user_id
        AND e.kind = 'expiry')
    UNION
    SELECT u.id FROM "user" u
    WHERE u.tenant_id = $1 AND $3 AND u.role = 'rep' AND u.disabled_at IS NULL AND u.deleted_at IS NULL AND NOT EXISTS (
        SELECT FROM points_entry g WHERE g.tenant_id = $1 AND g.user_id = u.id AND g.source_kind = 'month'
        AND g.kind = 'grant' AND g.day = $2)
    ORDER BY 1 LIMIT $4"#;

/// `$1` tenant, `$2` first day of this month, `$3` users → grants of earlier months that did not end: user, month,
/// source, rights, and how many leads he picked since.
const OPEN: &str = "
    SELECT g.user_id, g.day, g.source_id, g.leads, (
        SELECT coalesce(-sum(c.leads), 0)::integer FROM points_entry c
        WHERE c.tenant_id = $1 AND c.user_id = g.user_id AND c.source_kind = 'lead' AND c.created_at >= g.created_at)
    FROM points_entry g
    WHERE g.tenant_id = $1 AND g.user_id = ANY($3) AND g.source_kind = 'month' AND g.kind = 'grant' AND g.day < $2
    AND NOT EXISTS (SELECT FROM points_entry e WHERE e.tenant_id = $1 AND e.source_id = g.source_id
                    AND e.user_id = g.user_id AND e.kind = 'expiry')
    ORDER BY g.user_id, g.day";

/// `$1` tenant, `$2` first day of this month, `$3` users → reps who lack this month's grant.
const LACKING: &str = r#"
    SELECT u.id FROM "user" u
    WHERE u.tenant_id = $1 AND u.id = ANY($3) AND u.role = 'rep' AND u.disabled_at IS NULL AND u.deleted_at IS NULL
    AND NOT EXISTS (SELECT FROM points_entry g WHERE g.tenant_id = $1 AND g.user_id = u.id AND g.source_kind = 'month'
                    AND g.kind = 'grant' AND g.day = $2)
    ORDER BY 1"#;

/// Brings the rights of all reps of all tenants up to this month. Returns how many entries were made.
pub async fn renew(state: &State) -> Result<usize, Error> {
    let now: Timestamp = state.clock.now();
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, TENANTS, [now.into()]);
    let mut made = 0;
    for row in state.db.query_all_raw(statement).await? {
        made += renew_in(state, row.try_get_by_index(0)?).await?;
    }
    Ok(made)
}

/// Likewise in one tenant.
pub async fn renew_in(state: &State, tenant_id: Uuid) -> Result<usize, Error> {
    let mut made = 0;
    loop {
        let (users, entries) = write::whole(state, &Actor::system(tenant_id), |work| batch(work).boxed()).await?;
        made += entries;
        if users < BATCH {
            return Ok(made);
        }
    }
}

/// Stages the entries of some users; how many users there were, and entries.
async fn batch(work: &mut UnitOfWork) -> Result<(usize, usize), Error> {
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended('quota ' || $1::text, 0))";
    work.connection().execute_raw(work.statement(lock, [])).await?;
    let settings = Settings::read(work).await?;
    let today = work.now.0.with_timezone(&settings.zone).date_naive();
    let first = Date(today.with_day(1).unwrap_or(today));
    let rules = &settings.rules.leads;
    let quota = rules.monthly_quota.filter(|quota| *quota > 0 && rules.policies.contains(&GrantPolicy::Quota));

    let values = [first.into(), quota.is_some().into(), (BATCH as i64).into()];
    let rows = work.connection().query_all_raw(work.statement(USERS, values)).await?;
    let users = rows.iter().map(|row| row.try_get_by_index::<Uuid>(0)).collect::<Result<Vec<_>, _>>()?;
    if users.is_empty() {
        return Ok((0, 0));
    }
    ledger::load(work, users.iter().copied()).await?;

    let mut made = 0;
    let open = work.statement(OPEN, [first.into(), users.clone().into()]);
    for row in work.connection().query_all_raw(open).await? {
        let (user_id, month): (Uuid, Date) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let (granted, picked): (i32, i32) = (row.try_get_by_index(3)?, row.try_get_by_index(4)?);
        let unused = (granted - picked).clamp(0, ledger::balance(work, user_id).leads);
        let (en, zh) = ended(month, granted, unused);
        let rights = Rights {
            user_id,
            source: (EntrySource::Month, row.try_get_by_index(2)?),
            kind: EntryKind::Expiry,
            leads: -unused,
            points: Points::default(),
            version: settings.rule_set_version,
            arithmetic: format!("{granted} - {} = {unused}", granted - unused),
            en: &en,
            zh: &zh,
        };
        book_as(work, Date(today), EXPIRY, rights)?;
        made += 1;
    }
    let Some(quota) = quota else { return Ok((users.len(), made)) };
    let lacking = work.statement(LACKING, [first.into(), users.clone().into()]);
    for row in work.connection().query_all_raw(lacking).await? {
        let (en, zh) = given(first, quota);
        let rights = Rights {
            user_id: row.try_get_by_index(0)?,
            source: (EntrySource::Month, source(first.0)),
            kind: EntryKind::Grant,
            leads: quota,
            points: Points::default(),
            version: settings.rule_set_version,
            arithmetic: format!("+{quota}"),
            en: &en,
            zh: &zh,
        };
        book_as(work, first, GRANT, rights)?;
        made += 1;
    }
    Ok((users.len(), made))
}

/// The id by which entries name a month: the same on every server and in every tenant.
pub fn source(month: NaiveDate) -> Uuid {
    let mut name = [0; 16];
    name.copy_from_slice(&Sha256::digest(month.format("month %Y-%m").to_string())[..16]);
    uuid::Builder::from_custom_bytes(name).into_uuid()
}

fn given(month: Date, quota: i32) -> (String, String) {
    let (year, month) = (month.0.year(), month.0.month());
    (
        format!("Your quota for {year}-{month:02}: {quota} rights to pick leads. What is unused at its end expires."),
        format!("{year} 年 {month} 月的配额：{quota} 个线索领取名额，月底未用的名额作废。"),
    )
}

fn ended(month: Date, granted: i32, unused: i32) -> (String, String) {
    let (year, month, used) = (month.0.year(), month.0.month(), granted - unused);
    (
        format!("Of your quota of {granted} for {year}-{month:02} you used {used}; {unused} rights expired."),
        format!("{year} 年 {month} 月的配额 {granted} 个，已用 {used} 个，{unused} 个作废。"),
    )
}
