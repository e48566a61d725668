//! The statements that put a commit into the feed. Each takes the tenant's clock and writes the feed in one round
//! trip, so that the clock's row lock is held no longer than that and the flush to disk.

/// `$1` tenant, `$2` records, `$3` history, `$4` now, `$5` actor, `$6` device → the new head.
///
/// A record under an account gets one row per member; another, its named scope. A record that was deleted or moved
/// (`sweep`) is buried wherever it is still shown.
pub const RECORDS: &str = r#"
WITH r AS MATERIALIZED (
    SELECT * FROM ROWS FROM (json_to_recordset($2::json) AS (
        kind text, record_id uuid, revision integer, account_id uuid, scope_id uuid, sweep boolean, leaves uuid, document text
    )) WITH ORDINALITY AS r(kind, record_id, revision, account_id, scope_id, sweep, leaves, document, ord)
), shown AS MATERIALIZED (
    SELECT r.ord, r.kind, r.record_id, r.revision, r.account_id, m.user_id AS scope_id, r.document
    FROM r JOIN account_member m ON m.tenant_id = $1 AND m.account_id = r.account_id AND m.deleted_at IS NULL
    WHERE r.document IS NOT NULL AND r.account_id IS NOT NULL
    UNION ALL
    SELECT r.ord, r.kind, r.record_id, r.revision, NULL, r.scope_id, r.document
    FROM r WHERE r.document IS NOT NULL AND r.account_id IS NULL
), gone AS (
    SELECT r.ord, r.kind, r.record_id, r.revision, f.account_id, f.scope_id, NULL::text AS document
    FROM r JOIN feed f ON f.tenant_id = $1 AND f.record_id = r.record_id AND f.kind = r.kind AND f.document IS NOT NULL
    WHERE r.sweep
      AND NOT EXISTS (SELECT FROM shown s WHERE s.kind = r.kind AND s.record_id = r.record_id AND s.scope_id = f.scope_id)
    UNION ALL
    SELECT r.ord, r.kind, r.record_id, r.revision, r.account_id, r.leaves, NULL
    FROM r WHERE r.leaves IS NOT NULL
      AND NOT EXISTS (SELECT FROM shown s WHERE s.kind = r.kind AND s.record_id = r.record_id AND s.scope_id = r.leaves)
), numbered AS MATERIALIZED (
    SELECT row_number() OVER (ORDER BY ord, scope_id) AS n, x.* FROM (SELECT * FROM shown UNION ALL SELECT * FROM gone) x
), clock AS (
    UPDATE sync_clock SET head = head + (SELECT count(*) FROM numbered) WHERE tenant_id = $1 RETURNING head
), base AS MATERIALIZED (
    SELECT head - (SELECT count(*) FROM numbered) AS base, head FROM clock
), fed AS (
    INSERT INTO feed AS f (tenant_id, scope_id, kind, record_id, seq, revision, account_id, changed_at, document)
    SELECT $1, scope_id, kind, record_id, base + n, revision, account_id, $4, document FROM numbered CROSS JOIN base
    ON CONFLICT (tenant_id, record_id, scope_id, kind) DO UPDATE
    SET seq = excluded.seq, revision = excluded.revision, account_id = excluded.account_id,
        changed_at = excluded.changed_at, document = excluded.document
), heads AS (
    INSERT INTO scope_head AS h (tenant_id, scope_id, head)
    SELECT $1, scope_id, max(base + n) FROM numbered CROSS JOIN base GROUP BY scope_id
    ON CONFLICT (tenant_id, scope_id) DO UPDATE SET head = excluded.head
), history AS (
    INSERT INTO record_history (tenant_id, kind, record_id, revision, seq, actor_id, device_id, op, changes, captured, received)
    SELECT $1, x.kind, x.record_id, x.revision, base.head, $5, $6, x.op, x.changes, x.captured, x.received
    FROM json_to_recordset($3::json) AS x(kind text, record_id uuid, revision integer, op text, changes text, captured timestamptz, received timestamptz)
    CROSS JOIN base
)
SELECT head FROM base
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
