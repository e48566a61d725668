//! What changed for a user since a cursor: one statement reads clock, grants and feed, so that they agree. Documents are
//! sent as they are stored: each is copied once, from the database's answer into ours.

use std::mem;

use entity::kind::Kind;
use futures_util::TryStreamExt;
use sea_orm::sqlx::postgres::PgRow;
use sea_orm::sqlx::{self, PgPool, Row};
use uuid::Uuid;

use super::cursor::{Cursor, Paging};
use super::news::news;
use super::rows;
use crate::auth::Actor;
use crate::change::camel;
use crate::problem::{Error, Refusal};
use crate::state::State;

/// `$1` tenant, `$2` user, `$3` since, `$4` upto or NULL for the head, `$5` and `$6` scope and number of the last row
/// sent, `$7` how many, `$8` the scopes to read or NULL for all.
///
/// Scopes are read one after the other, each in the order of its numbers, those that have nothing new left out:
/// - held: what came after the cursor;
/// - granted since: everything, but of the tombstones only those after the cursor;
/// - revoked since: every record of it as a tombstone.
///
/// A tombstone is left out where another scope of the user still shows the record, and in a first pull. The first row is the
/// clock, the others are changes.
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
      AND ($8::uuid[] IS NULL OR g.scope_id = ANY($8))
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
SELECT head, epoch, pruned, NULL::uuid, NULL::bigint, NULL::text, NULL::uuid, NULL::integer, NULL::text FROM bound
UNION ALL
SELECT NULL, NULL, NULL, scope_id, seq, kind, record_id, revision, document FROM page
"#;

/// Where a page of the feed ends.
pub struct Pulled {
    pub cursor: Cursor,
    pub more: bool,
    pub head: i64,
}

/// Writes one page of at most `limit` changes after `cursor` to `page`, each a JSON object, with `between` between them.
pub async fn pull(
    state: &State,
    actor: &Actor,
    cursor: &Cursor,
    limit: usize,
    page: &mut Vec<u8>,
    between: u8,
) -> Result<Pulled, Error> {
    let (mut scopes, mut upto) = (None, cursor.paging.map(|paging| paging.upto));
    if cursor.paging.is_none() && cursor.since > 0 {
        let news = news(state, actor, cursor.since).await?;
        if !cursor.holds(&news.clock) {
            return Err(Refusal::cursor_expired().into());
        }
        let head = news.clock.head;
        if news.scopes.is_empty() {
            return Ok(Pulled { cursor: Cursor { since: head, ..cursor.clone() }, more: false, head });
        }
        // Other scopes may move from now on: the pull ends before that, as one of several pages does.
        (scopes, upto) = (Some(news.scopes), Some(head));
    }
    // A task of its own: a page comes in many small pieces, and whatever stands around a request is not woken for each.
    let (pool, actor, cursor) = (state.db.get_postgres_connection_pool().clone(), actor.clone(), cursor.clone());
    let mut written = mem::take(page);
    let (pulled, written) = state
        .run(async move {
            let pulled = read(&pool, &actor, cursor, (scopes, upto), limit, &mut written, between).await?;
            Ok::<_, Error>((pulled, written))
        })
        .await?;
    *page = written;
    Ok(pulled)
}

async fn read(
    pool: &PgPool,
    actor: &Actor,
    cursor: Cursor,
    (scopes, upto): (Option<Vec<Uuid>>, Option<i64>),
    limit: usize,
    page: &mut Vec<u8>,
    between: u8,
) -> Result<Pulled, Error> {
    let paging = cursor.paging;
    let query = sqlx::query(SQL)
        .bind(actor.tenant_id)
        .bind(actor.user_id)
        .bind(cursor.since)
        .bind(upto)
        .bind(paging.map(|paging| paging.scope_id))
        .bind(paging.map(|paging| paging.seq))
        .bind(i64::try_from(limit + 1).unwrap_or(i64::MAX))
        .bind(scopes);
    let mut found = query.fetch(pool);

    let no_clock = || Error::Internal("the tenant has no clock".into());
    let clock = rows::clock(&found.try_next().await.map_err(rows::failed)?.ok_or_else(no_clock)?)?;
    if !cursor.holds(&clock) {
        return Err(Refusal::cursor_expired().into());
    }
    let mut last: Option<(Uuid, i64)> = None;
    let (mut count, mut more) = (0, false);
    while let Some(row) = found.try_next().await.map_err(rows::failed)? {
        if count == limit {
            more = true;
            continue;
        }
        let place = place(&row).map_err(rows::failed)?;
        if last.is_some_and(|before| before >= place) {
            // The pages rest on this order; the plan that gives it is the only one there is for a lateral LIMIT.
            return Err(Error::Internal("the feed came out of order".into()));
        }
        last = Some(place);
        if count > 0 {
            page.push(between);
        }
        count += 1;
        write_row(page, &row).map_err(rows::failed)?;
    }
    let upto = upto.unwrap_or(clock.head);
    let next = match last {
        Some((scope_id, seq)) if more => Some(Paging { upto, scope_id, seq }),
        _ => None,
    };
    let since = if more { cursor.since } else { upto };
    // A pull in one page ends at the head that it tells.
    let head = if paging.is_none() && !more { upto } else { clock.head };
    Ok(Pulled { cursor: Cursor { epoch: clock.epoch, since, paging: next, ..cursor }, more, head })
}

/// Scope and number of a row.
fn place(row: &PgRow) -> Result<(Uuid, i64), sqlx::Error> {
    Ok((row.try_get_unchecked(3)?, row.try_get_unchecked(4)?))
}

/// The statement says of which types its columns are; they are not compared for each row.
fn write_row(page: &mut Vec<u8>, row: &PgRow) -> Result<(), sqlx::Error> {
    // Bytes of a text: what the database holds is UTF-8, and is not looked through again.
    let document: Option<&[u8]> = row.try_get_unchecked(8)?;
    write_change(page, row.try_get_unchecked(5)?, row.try_get_unchecked(6)?, row.try_get_unchecked(7)?, document);
    Ok(())
}

/// `{"kind":"account","id":"…","revision":3,"deleted":false,"account":{…}}`
pub fn write_change(page: &mut Vec<u8>, kind: &str, id: Uuid, revision: i32, document: Option<&[u8]>) {
    page.reserve(document.map_or(0, <[u8]>::len) + 160);
    for part in [
        r#"{"kind":""#,
        kind,
        r#"","id":""#,
        id.hyphenated().encode_lower(&mut Uuid::encode_buffer()),
        r#"","revision":"#,
        &revision.to_string(),
    ] {
        page.extend_from_slice(part.as_bytes());
    }
    match document {
        Some(document) => {
            for part in [br#","deleted":false,""#, member(kind).as_bytes(), br#"":"#, document, b"}"] {
                page.extend_from_slice(part);
            }
        }
        None => page.extend_from_slice(br#","deleted":true}"#),
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
