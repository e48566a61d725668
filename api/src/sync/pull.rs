//! What changed for a user since a cursor: one statement reads clock, grants and feed, so that they agree. Documents are
//! sent as they are stored.

use entity::kind::Kind;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use uuid::Uuid;

use super::cursor::{Clock, Cursor, Paging};
use crate::auth::Actor;
use crate::change::camel;
use crate::problem::{Error, Refusal};
use crate::state::State;

/// `$1` tenant, `$2` user, `$3` since, `$4` upto or NULL for the head, `$5` and `$6` scope and number of the last row
/// sent, `$7` how many.
///
/// Scopes are read one after the other, each in the order of its numbers, those that have nothing new left out:
/// - held: what came after the cursor;
/// - granted since: everything, but of the tombstones only those after the cursor;
/// - revoked since: every record of it as a tombstone.
///
/// A tombstone is left out where another scope of the user still shows the record, and in a first pull.
const SQL: &str = r#"
WITH bound AS MATERIALIZED (
    SELECT head, epoch, pruned, coalesce($4::bigint, head) AS upto FROM sync_clock WHERE tenant_id = $1
), scopes AS MATERIALIZED (
    SELECT g.scope_id, g.revoked IS NOT NULL AS revoked,
           CASE WHEN g.revoked IS NOT NULL OR g.granted > $3 THEN 0 ELSE $3 END AS base
    FROM scope_grant g
    CROSS JOIN bound b
    JOIN scope_head h ON h.tenant_id = $1 AND h.scope_id = g.scope_id
    WHERE g.tenant_id = $1 AND g.user_id = $2 AND ($5::uuid IS NULL OR g.scope_id >= $5)
      AND CASE WHEN g.revoked IS NULL
               THEN g.granted <= b.upto AND h.head > CASE WHEN g.granted > $3 THEN 0 ELSE $3 END
               ELSE $3 > 0 AND g.revoked > $3 AND g.revoked <= b.upto END
    ORDER BY g.scope_id
), page AS (
    SELECT s.scope_id, f.seq, f.kind, f.record_id, f.revision, f.document
    FROM scopes s
    CROSS JOIN bound b
    CROSS JOIN LATERAL (
        SELECT f.seq, f.kind, f.record_id, f.revision, CASE WHEN NOT s.revoked THEN f.document END AS document
        FROM feed f
        WHERE f.tenant_id = $1 AND f.scope_id = s.scope_id
          AND f.seq > CASE WHEN s.scope_id = $5 THEN greatest($6::bigint, s.base) ELSE s.base END
          AND (s.revoked OR f.seq <= b.upto)
          AND CASE WHEN f.document IS NOT NULL AND NOT s.revoked THEN TRUE
                   ELSE $3 > 0 AND (f.document IS NOT NULL OR f.seq > $3) AND NOT EXISTS (
                       SELECT FROM feed o
                       JOIN scope_grant og ON og.tenant_id = $1 AND og.user_id = $2 AND og.scope_id = o.scope_id
                       WHERE o.tenant_id = $1 AND o.record_id = f.record_id AND o.kind = f.kind
                         AND o.document IS NOT NULL AND og.revoked IS NULL)
              END
        ORDER BY f.seq LIMIT $7
    ) f
    LIMIT $7
)
SELECT b.head, b.epoch, b.pruned, p.scope_id, p.seq, p.kind, p.record_id, p.revision, p.document
FROM bound b LEFT JOIN page p ON TRUE
"#;

/// `$1` tenant, `$2` user, `$3` since → the clock, and whether a scope of the user has anything to tell. Most pulls find
/// nothing: this answers them without setting up the whole read.
const NEWS: &str = r#"
SELECT c.head, c.epoch, c.pruned, EXISTS (
    SELECT FROM scope_grant g JOIN scope_head h ON h.tenant_id = $1 AND h.scope_id = g.scope_id
    WHERE g.tenant_id = $1 AND g.user_id = $2
      AND CASE WHEN g.revoked IS NULL THEN h.head > $3 OR g.granted > $3 ELSE g.revoked > $3 END)
FROM sync_clock c WHERE c.tenant_id = $1
"#;

/// Rows of the feed, and where they end.
pub struct Pulled {
    /// Each a JSON object: one change.
    pub changes: Vec<String>,
    pub cursor: Cursor,
    pub more: bool,
    pub head: i64,
}

/// One page of at most `limit` changes after `cursor`.
pub async fn pull(state: &State, actor: &Actor, cursor: &Cursor, limit: usize) -> Result<Pulled, Error> {
    let paging = cursor.paging;
    if paging.is_none()
        && cursor.since > 0
        && let Some(head) = nothing_new(state, actor, cursor).await?
    {
        let cursor = Cursor { since: head, ..cursor.clone() };
        return Ok(Pulled { changes: Vec::new(), cursor, more: false, head });
    }
    let values = [
        actor.tenant_id.into(),
        actor.user_id.into(),
        cursor.since.into(),
        paging.map(|paging| paging.upto).into(),
        paging.map(|paging| paging.scope_id).into(),
        paging.map(|paging| paging.seq).into(),
        i64::try_from(limit + 1).unwrap_or(i64::MAX).into(),
    ];
    let rows = state.db.query_all_raw(Statement::from_sql_and_values(DbBackend::Postgres, SQL, values)).await?;
    let first = rows.first().ok_or_else(|| Error::Internal("the tenant has no clock".into()))?;
    let clock = Clock {
        head: first.try_get_by_index(0)?,
        epoch: first.try_get_by_index(1)?,
        pruned: first.try_get_by_index(2)?,
    };
    if !cursor.holds(&clock) {
        return Err(Refusal::cursor_expired().into());
    }
    let upto = paging.map_or(clock.head, |paging| paging.upto);

    let mut changes = Vec::with_capacity(rows.len().min(limit));
    let mut last: Option<(Uuid, i64)> = None;
    for row in rows.iter().take(limit) {
        let Some(scope_id) = row.try_get_by_index::<Option<Uuid>>(3)? else { break };
        let place = (scope_id, row.try_get_by_index(4)?);
        if last.is_some_and(|before| before >= place) {
            // The pages rest on this order; the plan that gives it is the only one there is for a lateral LIMIT.
            return Err(Error::Internal("the feed came out of order".into()));
        }
        last = Some(place);
        let kind: String = row.try_get_by_index(5)?;
        let document: Option<String> = row.try_get_by_index(8)?;
        changes.push(change(&kind, row.try_get_by_index(6)?, row.try_get_by_index(7)?, document.as_deref()));
    }
    let more = rows.len() > limit;
    let paging = match last {
        Some((scope_id, seq)) if more => Some(Paging { upto, scope_id, seq }),
        _ => None,
    };
    let since = if more { cursor.since } else { upto };
    Ok(Pulled {
        changes,
        cursor: Cursor { epoch: clock.epoch, since, paging, ..cursor.clone() },
        more,
        head: clock.head,
    })
}

/// The head, if nothing came into or out of the user's view since the cursor.
async fn nothing_new(state: &State, actor: &Actor, cursor: &Cursor) -> Result<Option<i64>, Error> {
    let values = [actor.tenant_id.into(), actor.user_id.into(), cursor.since.into()];
    let row = state.db.query_one_raw(Statement::from_sql_and_values(DbBackend::Postgres, NEWS, values)).await?;
    let row = row.ok_or_else(|| Error::Internal("the tenant has no clock".into()))?;
    let clock =
        Clock { head: row.try_get_by_index(0)?, epoch: row.try_get_by_index(1)?, pruned: row.try_get_by_index(2)? };
    if !cursor.holds(&clock) {
        return Err(Refusal::cursor_expired().into());
    }
    let news: bool = row.try_get_by_index(3)?;
    Ok((!news).then_some(clock.head))
}

/// `{"kind":"account","id":"…","revision":3,"deleted":false,"account":{…}}`
pub fn change(kind: &str, id: Uuid, revision: i32, document: Option<&str>) -> String {
    match document {
        Some(document) => {
            let member = member(kind);
            format!(r#"{{"kind":"{kind}","id":"{id}","revision":{revision},"deleted":false,"{member}":{document}}}"#)
        }
        None => format!(r#"{{"kind":"{kind}","id":"{id}","revision":{revision},"deleted":true}}"#),
    }
}

/// The member of a change that holds a record of this kind.
fn member(kind: &str) -> std::borrow::Cow<'static, str> {
    match Kind::parse(kind) {
        Some(Kind::Account) => "account".into(),
        Some(Kind::Activity) => "activity".into(),
        Some(Kind::PointsEntry) => "pointsEntry".into(),
        _ => camel(kind).into(),
    }
}
