//! Proves that a tenant's books are right, from the rows alone: nothing that wrote them is trusted. Reads only.
//!
//! For `waypost ledger verify`, and for tests after every story.

use std::fmt;

use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, IsolationLevel, Statement, TransactionTrait,
};
use uuid::Uuid;

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The rule that is broken.
    pub rule: &'static str,
    /// The record that breaks it: an entry, a user, a hold, an appeal, a statement, or the tenant.
    pub id: Uuid,
    /// The figures that do not agree.
    pub detail: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.rule, self.id, self.detail)
    }
}

/// Each rule with the statement that finds what breaks it: `$1` tenant → id, detail.
const RULES: &[(&str, &str)] = &[
    (
        "The sides of the ledger add up to zero, in points",
        "SELECT $1::uuid, format('users have %s, the other sides %s', users, others)
         FROM (SELECT coalesce(sum(points + held), 0) AS users FROM points_balance WHERE tenant_id = $1) u
         CROSS JOIN (SELECT coalesce(sum(-points), 0) AS others FROM points_entry
                     WHERE tenant_id = $1 AND counterpart NOT IN ('rep', 'held')) o
         WHERE users + others <> 0",
    ),
    (
        "The sides of the ledger add up to zero, in leads",
        "SELECT $1::uuid, format('users have %s, the other sides %s', users, others)
         FROM (SELECT coalesce(sum(leads), 0) AS users FROM points_balance WHERE tenant_id = $1) u
         CROSS JOIN (SELECT coalesce(sum(-leads), 0) AS others FROM points_entry
                     WHERE tenant_id = $1 AND counterpart NOT IN ('rep', 'held')) o
         WHERE users + others <> 0",
    ),
    (
        "Rights to pick leads never wait",
        "SELECT id, format('%s leads between %s and %s', leads, ledger_account, counterpart) FROM points_entry
         WHERE tenant_id = $1 AND leads <> 0 AND 'held' IN (ledger_account, counterpart)",
    ),
    (
        "A balance is the sum of its entries",
        "SELECT coalesce(b.id, e.user_id), format('balance %s, entries %s',
                    concat_ws(' ', b.points, b.held, b.leads, b.entries), concat_ws(' ', e.points, e.held, e.leads, e.entries))
         FROM (SELECT id, points, held, leads, entries FROM points_balance WHERE tenant_id = $1 AND deleted_at IS NULL) b
         FULL JOIN (
             SELECT user_id, count(*)::integer AS entries, sum(leads)::integer AS leads,
                    sum(CASE 'rep' WHEN ledger_account THEN points WHEN counterpart THEN -points ELSE 0 END) AS points,
                    sum(CASE 'held' WHEN ledger_account THEN points WHEN counterpart THEN -points ELSE 0 END) AS held
             FROM points_entry WHERE tenant_id = $1 GROUP BY user_id) e ON e.user_id = b.id
         WHERE (b.points, b.held, b.leads, b.entries) IS DISTINCT FROM (e.points, e.held, e.leads, e.entries)",
    ),
    (
        "A user's entries are numbered without a gap",
        "SELECT user_id, format('%s entries, from %s to %s', count(*), min(ordinal), max(ordinal)) FROM points_entry
         WHERE tenant_id = $1 GROUP BY user_id HAVING min(ordinal) <> 1 OR max(ordinal) <> count(*)",
    ),
    (
        "A user's entries about one record are numbered without a gap",
        "SELECT source_id, format('%s entries, from %s to %s', count(*), min(number), max(number)) FROM points_entry
         WHERE tenant_id = $1 GROUP BY source_id, user_id HAVING min(number) <> 1 OR max(number) <> count(*)",
    ),
    (
        "Nothing that is spent takes a balance below zero",
        "SELECT id, format('%s: %s points and %s leads are left', kind, points_then, leads_then) FROM (
             SELECT id, kind, leads, CASE ledger_account WHEN 'rep' THEN points ELSE 0 END AS change,
                    sum(CASE 'rep' WHEN ledger_account THEN points WHEN counterpart THEN -points ELSE 0 END) OVER entries AS points_then,
                    sum(leads) OVER entries AS leads_then
             FROM points_entry WHERE tenant_id = $1 WINDOW entries AS (PARTITION BY user_id ORDER BY ordinal)) e
         WHERE leads_then < 0
            OR points_then < 0 AND change < 0 AND kind IN ('claim', 'expiry', 'payout', 'grant')",
    ),
    (
        "An entry refers to one of the same user",
        "SELECT e.id, format('refers to an entry of %s', o.user_id) FROM points_entry e
         JOIN points_entry o ON o.tenant_id = $1 AND o.id = e.entry_id
         WHERE e.tenant_id = $1 AND o.user_id <> e.user_id",
    ),
    (
        "What waits is what open holds and appeals say",
        "SELECT b.id, format('balance %s, holds %s, fines on appeal %s', b.held, coalesce(h.points, 0), coalesce(a.points, 0))
         FROM points_balance b
         LEFT JOIN (SELECT user_id, sum(points) AS points FROM hold
                    WHERE tenant_id = $1 AND status = 'open' GROUP BY user_id) h ON h.user_id = b.id
         LEFT JOIN (SELECT a.user_id, sum(e.points) AS points FROM appeal a
                    JOIN points_entry e ON e.tenant_id = $1 AND e.entry_id = a.entry_id AND e.kind = 'freeze'
                    WHERE a.tenant_id = $1 AND a.status = 'open' GROUP BY a.user_id) a ON a.user_id = b.id
         WHERE b.tenant_id = $1 AND b.held <> coalesce(h.points, 0) - coalesce(a.points, 0)",
    ),
    (
        "A hold is decided by one entry of its points",
        "SELECT h.id, format('%s with %s points, booked %s', h.status, h.points, coalesce(d.booked, '{}')) FROM hold h
         LEFT JOIN (SELECT entry_id, array_agg(kind || ' ' || points ORDER BY number) AS booked FROM points_entry
                    WHERE tenant_id = $1 AND kind IN ('release', 'denial') GROUP BY entry_id) d ON d.entry_id = h.entry_id
         WHERE h.tenant_id = $1 AND coalesce(d.booked, '{}') <> CASE
             WHEN h.status = 'released' AND h.points <> 0 THEN ARRAY['release ' || h.points]
             WHEN h.status = 'denied' THEN ARRAY['denial ' || -h.points]
             ELSE ARRAY[]::text[] END",
    ),
    (
        "A fine on appeal is frozen, and decided one way",
        "SELECT a.id, format('%s, on hold %s', a.status, coalesce(w.held, 0)) FROM appeal a
         LEFT JOIN (SELECT entry_id, count(*) FILTER (WHERE kind = 'freeze') AS freezes,
                           sum(CASE 'held' WHEN ledger_account THEN points WHEN counterpart THEN -points ELSE 0 END) AS held
                    FROM points_entry WHERE tenant_id = $1 AND kind IN ('freeze', 'reversal') AND entry_id IS NOT NULL
                      AND 'held' IN (ledger_account, counterpart)
                    GROUP BY entry_id) w ON w.entry_id = a.entry_id
         LEFT JOIN points_entry f ON f.tenant_id = $1 AND f.entry_id = a.entry_id AND f.kind = 'freeze'
         WHERE a.tenant_id = $1 AND (w.freezes IS DISTINCT FROM 1
               OR w.held <> CASE a.status WHEN 'open' THEN -f.points ELSE 0 END)",
    ),
    (
        "A statement adds up",
        "SELECT id, format('points %s, leads %s', closing, leads_closing) FROM statement
         WHERE tenant_id = $1 AND (closing <> opening + awarded + fined + corrected + spent + paid_out
               OR leads_closing <> leads_opening + leads_granted - leads_claimed - leads_expired)",
    ),
    (
        "A statement closes with what its entries come to",
        "SELECT s.id, format('closing %s, held %s, leads %s; entries %s', s.closing, s.held, s.leads_closing,
                    concat_ws(' ', e.points, e.held, e.leads))
         FROM statement s CROSS JOIN LATERAL (
             SELECT coalesce(sum(CASE 'rep' WHEN ledger_account THEN points WHEN counterpart THEN -points ELSE 0 END), 0) AS points,
                    coalesce(sum(CASE 'held' WHEN ledger_account THEN points WHEN counterpart THEN -points ELSE 0 END), 0) AS held,
                    coalesce(sum(e.leads), 0)::integer AS leads
             FROM points_entry e WHERE e.tenant_id = $1 AND e.user_id = s.user_id AND e.ordinal <= s.last_entry) e
         WHERE s.tenant_id = $1 AND s.user_id IS NOT NULL
           AND (s.closing, s.held, s.leads_closing) IS DISTINCT FROM (e.points, e.held, e.leads)",
    ),
    (
        "A statement begins where the one before ended",
        "SELECT id, format('opening %s after %s, %s entries up to %s after %s', opening, before, entries, last_entry, last_before)
         FROM (SELECT s.*, coalesce(lag(closing) OVER months, 0) AS before, coalesce(lag(last_entry) OVER months, 0) AS last_before
               FROM statement s WHERE tenant_id = $1 AND user_id IS NOT NULL
               WINDOW months AS (PARTITION BY user_id ORDER BY month)) s
         WHERE opening <> before OR last_entry <> last_before + entries
            OR first_entry IS DISTINCT FROM CASE WHEN entries > 0 THEN last_before + 1 END",
    ),
    (
        "A team's statement is the sum of those of its reps",
        "SELECT t.id, format('%s is not %s', t.closing, r.closing) FROM statement t
         LEFT JOIN (SELECT team_id, month, sum(opening) AS opening, sum(closing) AS closing,
                           sum(leads_closing)::integer AS leads, sum(entries)::integer AS entries
                    FROM statement WHERE tenant_id = $1 AND user_id IS NOT NULL GROUP BY team_id, month) r
           ON r.team_id = t.team_id AND r.month = t.month
         WHERE t.tenant_id = $1 AND t.user_id IS NULL
           AND (t.opening, t.closing, t.leads_closing, t.entries)
               IS DISTINCT FROM (r.opening, r.closing, r.leads, r.entries)",
    ),
    (
        "A team's fines in money are those of its reps, in each currency",
        "WITH told AS (
            SELECT id, team_id, month, user_id IS NULL AS of_team, currency, money FROM statement WHERE tenant_id = $1
            UNION ALL
            SELECT id, team_id, month, user_id IS NULL, o ->> 'currency', (o ->> 'money')::numeric
            FROM statement CROSS JOIN LATERAL jsonb_array_elements(other_money -> 'sums') o
            WHERE tenant_id = $1 AND other_money IS NOT NULL)
         SELECT (array_agg(id))[1], format('%s %s more than those of its reps',
             sum(money) FILTER (WHERE of_team) - sum(money) FILTER (WHERE NOT of_team), currency)
         FROM told WHERE currency IS NOT NULL GROUP BY team_id, month, currency
         HAVING coalesce(sum(money) FILTER (WHERE of_team), 0) <> coalesce(sum(money) FILTER (WHERE NOT of_team), 0)",
    ),
    (
        "Statements are numbered without a gap",
        "SELECT $1::uuid, format('%s statements, from %s to %s', count(*), min(number), max(number)) FROM statement
         WHERE tenant_id = $1 HAVING count(*) > 0 AND (min(number) <> 1 OR max(number) <> count(*))",
    ),
];

async fn ask<C: ConnectionTrait>(db: &C, tenant_id: Uuid, rule: &'static str, sql: &str) -> Result<Vec<Fault>, DbErr> {
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [tenant_id.into()]);
    let rows = db.query_all_raw(statement).await?;
    rows.iter().map(|row| Ok(Fault { rule, id: row.try_get_by_index(0)?, detail: row.try_get_by_index(1)? })).collect()
}

/// All that is wrong with the tenant's books; nothing, if they are right. While somebody writes, call it in a transaction
/// that sees one moment, as `books` does.
pub async fn faults<C: ConnectionTrait>(db: &C, tenant_id: Uuid) -> Result<Vec<Fault>, DbErr> {
    let mut faults = Vec::new();
    for (rule, sql) in RULES {
        faults.extend(ask(db, tenant_id, rule, sql).await?);
    }
    Ok(faults)
}

/// What was looked through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    pub tenants: usize,
    pub entries: i64,
}

/// The books of one tenant, or of all, each as it stood at one moment.
pub async fn books(db: &DatabaseConnection, tenant_id: Option<Uuid>) -> Result<(Extent, Vec<Fault>), DbErr> {
    let tenants = match tenant_id {
        Some(tenant_id) => vec![tenant_id],
        None => {
            let all = Statement::from_string(DbBackend::Postgres, "SELECT id FROM tenant ORDER BY id");
            let rows = db.query_all_raw(all).await?;
            rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?
        }
    };
    let (mut extent, mut found) = (Extent::default(), Vec::new());
    for tenant_id in tenants {
        let moment = db.begin_with_config(Some(IsolationLevel::RepeatableRead), Some(AccessMode::ReadOnly)).await?;
        let count = Statement::from_sql_and_values(
            DbBackend::Postgres,
            "SELECT count(*) FROM points_entry WHERE tenant_id = $1",
            [tenant_id.into()],
        );
        let entries: i64 = moment.query_one_raw(count).await?.map_or(Ok(0), |row| row.try_get_by_index(0))?;
        found.extend(faults(&moment, tenant_id).await?);
        moment.rollback().await?;
        extent = Extent { tenants: extent.tenants + 1, entries: extent.entries + entries };
    }
    Ok((extent, found))
}
