//! The statements that put a commit into the feed. Each takes the tenant's clock and writes the feed in one round
//! trip, so that the clock's row lock is held no longer than that and the flush to disk.

use entity::kind::Kind;
use entity::scalar::Timestamp;
use sea_orm::Value;
use sea_orm::sea_query::ArrayType;
use uuid::Uuid;

/// What the feed needs to know of a record.
pub struct Fed {
    pub kind: Kind,
    pub record_id: Uuid,
    pub revision: i32,
    pub account_id: Option<Uuid>,
    pub scope_id: Option<Uuid>,
    /// Bury it wherever it is still shown.
    pub sweep: bool,
    /// A further scope that is to see a tombstone.
    pub leaves: Option<Uuid>,
    /// `None`: it was deleted.
    pub document: Option<String>,
}

/// What the history keeps of a write.
pub struct Kept<'a> {
    pub kind: Kind,
    pub record_id: Uuid,
    pub revision: i32,
    pub op: &'static str,
    pub changes: &'a str,
    pub captured: Timestamp,
    pub received: Timestamp,
}

/// The arrays that `RECORDS` reads. They hold no NULL: absent are the nil UUID and the empty text.
#[derive(Default)]
pub struct Emitted {
    feed: [Vec<Value>; 8],
    history: [Vec<Value>; 7],
    buries: bool,
}

const FEED: [ArrayType; 8] = [
    ArrayType::String,
    ArrayType::Uuid,
    ArrayType::Int,
    ArrayType::Uuid,
    ArrayType::Uuid,
    ArrayType::Bool,
    ArrayType::Uuid,
    ArrayType::String,
];
const HISTORY: [ArrayType; 7] = [
    ArrayType::String,
    ArrayType::Uuid,
    ArrayType::Int,
    ArrayType::String,
    ArrayType::String,
    ArrayType::ChronoDateTimeUtc,
    ArrayType::ChronoDateTimeUtc,
];

impl Emitted {
    pub fn feed(&mut self, row: Fed) {
        self.buries |= row.sweep || row.leaves.is_some();
        let values: [Value; 8] = [
            row.kind.as_str().into(),
            row.record_id.into(),
            row.revision.into(),
            row.account_id.unwrap_or_default().into(),
            row.scope_id.unwrap_or_default().into(),
            row.sweep.into(),
            row.leaves.unwrap_or_default().into(),
            row.document.unwrap_or_default().into(),
        ];
        self.feed.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
    }

    pub fn history(&mut self, row: Kept<'_>) {
        let values: [Value; 7] = [
            row.kind.as_str().into(),
            row.record_id.into(),
            row.revision.into(),
            row.op.into(),
            row.changes.into(),
            row.captured.into(),
            row.received.into(),
        ];
        self.history.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Records.
    pub fn len(&self) -> usize {
        self.feed[0].len()
    }

    /// `RECORDS`, without what it would do in vain: most writes bury nothing, and the database begins a statement part by part.
    pub fn sql(&self) -> String {
        let (gone, all) =
            if self.buries { (GONE, "(SELECT * FROM shown UNION ALL SELECT * FROM gone)") } else { ("", "shown") };
        RECORDS.replace("{gone}", gone).replace("{all}", all)
    }

    /// `$2` to `$16`.
    pub fn parameters(self) -> impl Iterator<Item = Value> {
        let columns = FEED.into_iter().zip(self.feed).chain(HISTORY.into_iter().zip(self.history));
        columns.map(|(of, values)| Value::Array(of, Some(Box::new(values))))
    }
}

/// `$1` tenant, `$2` to `$9` records, `$10` to `$16` history, `$17` now, `$18` actor, `$19` device → the new head.
///
/// A record under an account gets one row per member; another, its named scope. A record that was deleted or moved
/// (`sweep`) is buried wherever it is still shown. Other writes may stand before it (`Batch::before`): the clock is taken
/// once they are done, and they must not be of members, whom this reads. The clock is always there; `UPDATE` would begin the whole
/// statement once more, part by part, where it had to wait for it (EvalPlanQual), and `ON CONFLICT` does not.
const RECORDS: &str = r#"
WITH {writes}r AS MATERIALIZED (
    SELECT u.kind, u.record_id, u.revision, NULLIF(u.account_id, '00000000-0000-0000-0000-000000000000') AS account_id, NULLIF(u.scope_id, '00000000-0000-0000-0000-000000000000') AS scope_id,
           u.sweep, NULLIF(u.leaves, '00000000-0000-0000-0000-000000000000') AS leaves, NULLIF(u.document, '') AS document, u.ord
    FROM unnest($2::text[], $3::uuid[], $4::integer[], $5::uuid[], $6::uuid[], $7::boolean[], $8::uuid[], $9::text[])
         WITH ORDINALITY AS u(kind, record_id, revision, account_id, scope_id, sweep, leaves, document, ord)
), shown AS MATERIALIZED (
    SELECT r.ord, r.kind, r.record_id, r.revision, r.account_id, m.user_id AS scope_id, r.document
    FROM r
    CROSS JOIN LATERAL (
        -- A look-up for each, also by a plan that was made while there were few members.
        SELECT m.user_id FROM account_member m
        WHERE m.tenant_id = $1 AND m.account_id = r.account_id AND m.deleted_at IS NULL OFFSET 0
    ) m
    WHERE r.document IS NOT NULL AND r.account_id IS NOT NULL
    UNION ALL
    SELECT r.ord, r.kind, r.record_id, r.revision, NULL, r.scope_id, r.document
    FROM r WHERE r.document IS NOT NULL AND r.account_id IS NULL
{gone}), numbered AS MATERIALIZED (
    SELECT row_number() OVER (ORDER BY ord, scope_id) AS n, x.* FROM {all} x
), clock AS (
    INSERT INTO sync_clock AS c (tenant_id, head, epoch, pruned)
    SELECT $1, (SELECT count(*) FROM numbered){written}, 1, 0
    ON CONFLICT (tenant_id) DO UPDATE SET head = c.head + excluded.head RETURNING c.head
), base AS MATERIALIZED (
    SELECT head - (SELECT count(*) FROM numbered) AS base, head FROM clock
), fed AS (
    INSERT INTO feed AS f (tenant_id, scope_id, kind, record_id, seq, revision, account_id, changed_at, document)
    SELECT $1, scope_id, kind, record_id, base + n, revision, account_id, $17, document FROM numbered CROSS JOIN base
    ON CONFLICT (tenant_id, record_id, scope_id, kind) DO UPDATE
    SET seq = excluded.seq, revision = excluded.revision, account_id = excluded.account_id,
        changed_at = excluded.changed_at, document = excluded.document
), heads AS (
    INSERT INTO scope_head AS h (tenant_id, scope_id, head)
    SELECT $1, scope_id, max(base + n) FROM numbered CROSS JOIN base GROUP BY scope_id
    ON CONFLICT (tenant_id, scope_id) DO UPDATE SET head = excluded.head
), history AS (
    INSERT INTO record_history (tenant_id, kind, record_id, revision, seq, actor_id, device_id, op, changes, captured, received)
    SELECT $1, x.kind, x.record_id, x.revision, base.head, $18, $19, x.op, x.changes, x.captured, x.received
    FROM unnest($10::text[], $11::uuid[], $12::integer[], $13::text[], $14::text[], $15::timestamptz[], $16::timestamptz[])
         AS x(kind, record_id, revision, op, changes, captured, received)
    CROSS JOIN base
)
SELECT head FROM base
"#;

/// The part of `RECORDS` that buries.
const GONE: &str = r#"), gone AS (
    SELECT r.ord, r.kind, r.record_id, r.revision, f.account_id, f.scope_id, NULL::text AS document
    FROM r JOIN feed f ON f.tenant_id = $1 AND f.record_id = r.record_id AND f.kind = r.kind AND f.document IS NOT NULL
    WHERE r.sweep
      AND NOT EXISTS (SELECT FROM shown s WHERE s.kind = r.kind AND s.record_id = r.record_id AND s.scope_id = f.scope_id)
    UNION ALL
    SELECT r.ord, r.kind, r.record_id, r.revision, r.account_id, r.leaves, NULL
    FROM r WHERE r.leaves IS NOT NULL
      AND NOT EXISTS (SELECT FROM shown s WHERE s.kind = r.kind AND s.record_id = r.record_id AND s.scope_id = r.leaves)
"#;

/// Members who came to an account or left it: everything under it comes into their view or is buried there. What they
/// gain is copied from one who was there before (`held`), since each member has all of it: reading the rows of all
/// members would make an account with many of them slow to share.
/// `$1` tenant, `$2` changes of membership, `$3` now → the new head, or no row if nothing moved.
pub const MEMBERS: &str = r#"
WITH c AS MATERIALIZED (
    SELECT * FROM json_to_recordset($2::json) AS c(account_id uuid, user_id uuid, gained boolean)
), held AS MATERIALIZED (
    SELECT DISTINCT ON (f.record_id) f.record_id AS account_id, f.scope_id
    FROM feed f JOIN c ON c.gained AND f.record_id = c.account_id
    WHERE f.tenant_id = $1 AND f.kind = 'account' AND f.document IS NOT NULL
      AND NOT EXISTS (SELECT FROM c n WHERE n.gained AND n.account_id = f.record_id AND n.user_id = f.scope_id)
    ORDER BY f.record_id, f.scope_id
), moved AS (
    SELECT f.seq AS ord, f.kind, f.record_id, f.revision, f.account_id, c.user_id AS scope_id, f.document
    FROM c JOIN held h ON h.account_id = c.account_id
    JOIN feed f ON f.tenant_id = $1 AND f.account_id = c.account_id AND f.scope_id = h.scope_id AND f.document IS NOT NULL
    WHERE c.gained AND NOT EXISTS (
        SELECT FROM feed o WHERE o.tenant_id = $1 AND o.record_id = f.record_id AND o.kind = f.kind
                             AND o.scope_id = c.user_id AND o.document IS NOT NULL)
    UNION ALL
    SELECT f.seq, f.kind, f.record_id, f.revision, f.account_id, f.scope_id, NULL
    FROM c JOIN feed f ON f.tenant_id = $1 AND f.account_id = c.account_id AND f.scope_id = c.user_id AND f.document IS NOT NULL
    WHERE NOT c.gained
), numbered AS MATERIALIZED (
    SELECT row_number() OVER (ORDER BY ord, scope_id) AS n, moved.* FROM moved
), clock AS (
    UPDATE sync_clock SET head = head + (SELECT count(*) FROM numbered)
    WHERE tenant_id = $1 AND EXISTS (SELECT FROM numbered) RETURNING head
), base AS MATERIALIZED (
    SELECT head - (SELECT count(*) FROM numbered) AS base, head FROM clock
), fed AS (
    INSERT INTO feed AS f (tenant_id, scope_id, kind, record_id, seq, revision, account_id, changed_at, document)
    SELECT $1, scope_id, kind, record_id, base + n, revision, account_id, $3, document FROM numbered CROSS JOIN base
    ON CONFLICT (tenant_id, record_id, scope_id, kind) DO UPDATE
    SET seq = excluded.seq, revision = excluded.revision, account_id = excluded.account_id,
        changed_at = excluded.changed_at, document = excluded.document
), heads AS (
    INSERT INTO scope_head AS h (tenant_id, scope_id, head)
    SELECT $1, scope_id, max(base + n) FROM numbered CROSS JOIN base GROUP BY scope_id
    ON CONFLICT (tenant_id, scope_id) DO UPDATE SET head = excluded.head
)
SELECT head FROM base
"#;

/// Brings the grants in line with users and teams: own, team and tenant for reps and managers; for a manager also the
/// teams and users at and below his own. `$1` tenant → the new head, or no row if nothing moved.
pub const GRANTS: &str = r#"
WITH RECURSIVE below AS (
    SELECT t.tenant_id, t.id AS root, t.id AS team_id FROM team t WHERE t.tenant_id = $1 AND t.deleted_at IS NULL
    UNION
    SELECT b.tenant_id, b.root, t.id FROM below b
    JOIN team t ON t.tenant_id = b.tenant_id AND t.parent_id = b.team_id AND t.deleted_at IS NULL
    WHERE t.tenant_id = $1
), reader AS (
    SELECT id, team_id, role FROM "user"
    WHERE tenant_id = $1 AND deleted_at IS NULL AND disabled_at IS NULL AND role IN ('rep', 'manager')
), wanted AS (
    SELECT id AS user_id, id AS scope_id FROM reader
    UNION SELECT id, team_id FROM reader
    UNION SELECT id, $1 FROM reader
    UNION SELECT m.id, b.team_id FROM reader m JOIN below b ON b.root = m.team_id WHERE m.role = 'manager'
    UNION SELECT m.id, u.id FROM reader m JOIN below b ON b.root = m.team_id
          JOIN "user" u ON u.tenant_id = $1 AND u.team_id = b.team_id WHERE m.role = 'manager'
), held AS (
    SELECT user_id, scope_id FROM scope_grant WHERE tenant_id = $1 AND revoked IS NULL
), gained AS MATERIALIZED (
    SELECT user_id, scope_id FROM wanted EXCEPT SELECT user_id, scope_id FROM held
), lost AS MATERIALIZED (
    SELECT user_id, scope_id FROM held EXCEPT SELECT user_id, scope_id FROM wanted
), clock AS (
    UPDATE sync_clock SET head = head + 1
    WHERE tenant_id = $1 AND (EXISTS (SELECT FROM gained) OR EXISTS (SELECT FROM lost)) RETURNING head
), granted AS (
    INSERT INTO scope_grant AS g (tenant_id, user_id, scope_id, granted, revoked)
    SELECT $1, user_id, scope_id, head, NULL FROM gained CROSS JOIN clock
    ON CONFLICT (tenant_id, user_id, scope_id) DO UPDATE SET granted = excluded.granted, revoked = NULL
), revoked AS (
    UPDATE scope_grant g SET revoked = clock.head FROM lost CROSS JOIN clock
    WHERE g.tenant_id = $1 AND g.user_id = lost.user_id AND g.scope_id = lost.scope_id
)
SELECT head FROM clock
"#;
