//! What each rep did on each day of the tenant's zone, kept for reports in `activity_day`. A year of a million activities is a
//! few thousand of these rows. Whoever writes an activity only marks its day in `activity_day_due`, in the same transaction;
//! marked days are counted anew soon after, and until then reports count them themselves. So a report is never behind, and a
//! write waits for nobody who writes the same day. The sums of months are kept as well, in `activity_month`: they are made
//! anew with their days.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use chrono::{DateTime, DurationRound, NaiveDate, TimeDelta, Utc};
use entity::{account, activity};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement, TransactionTrait, Value};
use uuid::Uuid;

use super::{Slot, UnitOfWork};
use crate::problem::Error;
use crate::state::State;

/// The steps by which delays are counted, in minutes: each begins where the one before it ends, the first at none; what took
/// longer than the last one counts as that.
const STEPS: [i32; 27] = [
    5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300, 360, 480, 600, 720, 960, 1200, 1440, 2160, 2880, 4320, 5760,
    7200, 10080, 20160, 43200,
];

/// As arrays of Postgres, where each step begins and where it ends.
pub fn steps() -> (String, String) {
    let text = |steps: &[i32]| steps.iter().map(i32::to_string).collect::<Vec<_>>().join(",");
    let ends = text(&STEPS);
    (format!("{{0,{ends}}}"), format!("{{{ends},{}}}", STEPS[STEPS.len() - 1]))
}

/// The SQL that counts what `rows` answers: see `days.sql`.
pub fn counted(rows: &str) -> String {
    let each = |term: fn(usize) -> String| (1..=STEPS.len() + 1).map(term).collect::<Vec<_>>().join(", ");
    include_str!("days.sql")
        .replace("{delays}", &each(|step| format!("count(*) FILTER (WHERE step = {step})")))
        .replace("{delay_minutes}", &each(|step| format!("coalesce(sum(late) FILTER (WHERE step = {step}), 0)")))
        .replace("{steps}", &steps().0)
        .replace("{longest}", &STEPS[STEPS.len() - 1].to_string())
        .replace("{rows}", rows)
}

/// The SQL that counts the days (of an owner) in `due`, for the tenant `$1` whose zone is in `zone`, by the tiers in `accounts`. Where
/// clocks are set back at midnight a day begins twice: it is looked for with some hours to spare.
pub fn counted_due(accounts: &str) -> String {
    counted(&format!(
        "SELECT x.owner_id, due.day, x.kind, x.verdict, x.duration_minutes AS minutes, a.tier, x.captured - x.occurred AS delay
         FROM zone
         CROSS JOIN due
         JOIN activity x ON x.tenant_id = $1 AND x.owner_id = due.owner_id
             AND x.occurred >= due.day::timestamp AT TIME ZONE zone.time_zone - interval '3 hours'
             AND x.occurred < (due.day + 1)::timestamp AT TIME ZONE zone.time_zone + interval '3 hours'
         JOIN {accounts} a ON a.tenant_id = $1 AND a.id = x.account_id
         WHERE x.deleted_at IS NULL AND (x.occurred AT TIME ZONE zone.time_zone)::date = due.day"
    ))
}

/// The sums of all that is counted of days, over rows `d` that hold such counts.
pub fn sums() -> String {
    let sum = |column: &str| {
        if !column.starts_with("delay") {
            return format!("sum(d.{column})::bigint AS {column}");
        }
        let steps = (1..=STEPS.len() + 1).map(|step| format!("sum(d.{column}[{step}])::bigint"));
        format!("ARRAY[{}] AS {column}", steps.collect::<Vec<_>>().join(", "))
    };
    KEPT.map(sum).join(", ")
}

/// The columns that are counted, of `table`.
pub fn columns(table: &str) -> String {
    KEPT.map(|column| format!("{table}.{column}")).join(", ")
}

/// `$2` owners, `$3` moments: their days are due.
const MARK: &str = "INSERT INTO activity_day_due (tenant_id, owner_id, occurred)
    SELECT $1, u.owner_id, u.occurred FROM unnest($2::uuid[], $3::timestamptz[]) AS u(owner_id, occurred)";

/// `$2` accounts whose tier changes. Whoever writes an activity holds its account, so that none is missed.
const MARK_TURNED: &str = "INSERT INTO activity_day_due (tenant_id, owner_id, occurred)
    SELECT tenant_id, owner_id, occurred FROM activity
    WHERE tenant_id = $1 AND account_id = ANY((SELECT $2::uuid[])::uuid[]) AND deleted_at IS NULL";

/// Days are counted anew so many marks at a time.
const MARKS: i64 = 100_000;

/// `$1` tenant, `$2` marks → how many there were, and the owners and months of the days that were counted. Marks and activities are of one snapshot: whose mark is not seen is counted by
/// the next turn.
fn count_due() -> String {
    format!(
        "WITH zone AS MATERIALIZED (
             SELECT time_zone FROM tenant WHERE id = $1
         ), taken AS (
             DELETE FROM activity_day_due
             WHERE tenant_id = $1 AND id IN (SELECT id FROM activity_day_due WHERE tenant_id = $1 LIMIT $2)
             RETURNING owner_id, occurred
         ), due AS MATERIALIZED (
             SELECT DISTINCT owner_id, (occurred AT TIME ZONE time_zone)::date AS day FROM taken CROSS JOIN zone
         ), counted AS MATERIALIZED (
             {}
         ), emptied AS (
             DELETE FROM activity_day d USING due
             WHERE d.tenant_id = $1 AND d.owner_id = due.owner_id AND d.day = due.day
               AND NOT EXISTS (SELECT FROM counted c WHERE c.owner_id = due.owner_id AND c.day = due.day)
         ), kept AS (
             INSERT INTO activity_day SELECT $1::uuid, c.* FROM counted c
             ON CONFLICT (tenant_id, owner_id, day) DO UPDATE SET {}
         )
         SELECT (SELECT count(*) FROM taken), coalesce(array_agg(owner_id), '{{}}'), coalesce(array_agg(month), '{{}}')
         FROM (SELECT DISTINCT owner_id, date_trunc('month', day::timestamp)::date AS month FROM due) months",
        counted_due("account"),
        KEPT.map(|column| format!("{column} = excluded.{column}")).join(", ")
    )
}

/// `$1` tenant, `$2` owners, `$3` months, one each: their sums are gone.
const EMPTY_MONTHS: &str = "DELETE FROM activity_month m USING unnest($2::uuid[], $3::date[]) AS u(owner_id, month)
    WHERE m.tenant_id = $1 AND m.owner_id = u.owner_id AND m.month = u.month";

/// The sums of the months of the tenant `$1` that the joins of `which` leave.
fn add_up(which: &str) -> String {
    format!(
        "INSERT INTO activity_month
         SELECT $1::uuid, d.owner_id, date_trunc('month', d.day::timestamp)::date, {}
         FROM activity_day d {which}
         WHERE d.tenant_id = $1
         GROUP BY 2, 3",
        sums()
    )
}

/// Counts anew what is marked. Returns how many marks there were.
///
/// # Errors
/// What the database refuses.
pub async fn count(state: &State) -> Result<u64, Error> {
    static COUNT: LazyLock<String> = LazyLock::new(count_due);
    static ADD_UP: LazyLock<String> = LazyLock::new(|| {
        add_up(
            "JOIN unnest($2::uuid[], $3::date[]) AS u(owner_id, month)
             ON d.owner_id = u.owner_id AND d.day >= u.month AND d.day < u.month + interval '1 month'",
        )
    });
    let of = "SELECT DISTINCT tenant_id FROM activity_day_due";
    let tenants = state.db.query_all_raw(Statement::from_string(DbBackend::Postgres, of)).await?;
    let mut marks = 0;
    for row in tenants {
        let tenant: Uuid = row.try_get_by_index(0)?;
        let ask = |sql: &str, values: Vec<Value>| {
            let values = std::iter::once(tenant.into()).chain(values);
            Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
        };
        loop {
            let tx = state.db.begin().await?;
            // Who counts a company's days does so alone, and in the zone that it has.
            let turn = "SELECT FROM tenant WHERE id = $1 FOR NO KEY UPDATE SKIP LOCKED";
            if tx.query_one_raw(ask(turn, Vec::new())).await?.is_none() {
                break;
            }
            let row = tx.query_one_raw(ask(&COUNT, vec![MARKS.into()])).await?;
            let row = row.ok_or_else(|| DbErr::RecordNotFound("a count answers with a row".into()))?;
            let taken: i64 = row.try_get_by_index(0)?;
            let (owners, months): (Vec<Uuid>, Vec<NaiveDate>) = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
            for sql in [EMPTY_MONTHS, &ADD_UP] {
                tx.execute_raw(ask(sql, vec![owners.clone().into(), months.clone().into()])).await?;
            }
            tx.commit().await?;
            marks += taken.unsigned_abs();
            if taken < MARKS {
                break;
            }
        }
    }
    Ok(marks)
}

/// The columns of a day that are counted.
const KEPT: [&str; 12] = [
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
    "delays",
    "delay_minutes",
];

/// What of an activity counts.
type Counts<'a> = (Uuid, DateTime<Utc>, Uuid, DateTime<Utc>, &'a str, Option<&'a str>, Option<i32>);

fn counts(row: &activity::Model) -> Option<Counts<'_>> {
    let verdict = row.verdict.map(|verdict| verdict.as_str());
    row.deleted_at.is_none().then_some((
        row.owner_id,
        row.occurred.0,
        row.account_id,
        row.captured.0,
        row.kind.as_str(),
        verdict,
        row.duration_minutes,
    ))
}

/// When the quarter of an hour began: it is of the same day in every zone, and what one phone sends at once has few of them.
fn begun(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(TimeDelta::minutes(15)).unwrap_or(at)
}

impl UnitOfWork {
    /// What marks the days of the activities and accounts that were written.
    pub(super) fn days(&self) -> Vec<(&'static str, Vec<Value>)> {
        let changed = self.slots::<activity::Model>().filter_map(|Slot { found, now, .. }| {
            let (was, is) = (found.as_ref().and_then(counts), counts(now));
            (was != is).then_some([was, is])
        });
        let marks: BTreeSet<(Uuid, DateTime<Utc>)> =
            changed.flatten().flatten().map(|(owner, occurred, ..)| (owner, begun(occurred))).collect();
        let turned = self.slots::<account::Model>().filter_map(|Slot { found, now, .. }| {
            found.as_ref().is_some_and(|found| found.tier != now.tier).then_some(now.id)
        });
        let turned: Vec<Uuid> = turned.collect();
        let mut statements = Vec::new();
        if !marks.is_empty() {
            let (owners, moments): (Vec<Uuid>, Vec<DateTime<Utc>>) = marks.into_iter().unzip();
            statements.push((MARK, vec![owners.into(), moments.into()]));
        }
        if !turned.is_empty() {
            statements.push((MARK_TURNED, vec![turned.into()]));
        }
        statements
    }

    /// Makes all days of the tenant anew: for a change of its zone, which must have been written before, so that nobody else
    /// is at work on them.
    ///
    /// # Errors
    /// What the database refuses.
    pub async fn count_days_anew(&self) -> Result<(), DbErr> {
        for sql in [
            "DELETE FROM activity_day WHERE tenant_id = $1",
            "DELETE FROM activity_month WHERE tenant_id = $1",
            "DELETE FROM activity_day_due WHERE tenant_id = $1",
        ] {
            self.tx.execute_raw(self.statement(sql, [])).await?;
        }
        let all = "
            SELECT x.owner_id, (x.occurred AT TIME ZONE zone.time_zone)::date AS day, x.kind, x.verdict,
                   x.duration_minutes AS minutes, a.tier, x.captured - x.occurred AS delay
            FROM tenant zone
            JOIN activity x ON x.tenant_id = $1
            JOIN account a ON a.tenant_id = $1 AND a.id = x.account_id
            WHERE zone.id = $1 AND x.deleted_at IS NULL";
        let days = format!("INSERT INTO activity_day SELECT $1::uuid, c.* FROM ({}) c", counted(all));
        for sql in [&days, &add_up("")] {
            self.tx.execute_raw(self.statement(sql, [])).await?;
        }
        Ok(())
    }
}
