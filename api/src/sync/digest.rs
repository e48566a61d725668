//! What a phone should hold, in short: a client proves its replica with it, or finds out what to fetch again.

use entity::kind::Kind;
use poem_openapi::Object;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use uuid::Uuid;

use super::pull::write_change;
use crate::auth::Actor;
use crate::state::State;

/// Count and checksum of what the caller should hold.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct Digest {
    /// The tenant's head for which it holds; compare only after a pull that ended at the same head.
    pub head: i64,
    pub kinds: Vec<KindDigest>,
    /// With `kind` in the request: the records of that kind, in the order of their ids.
    pub records: Option<Vec<RecordRevision>>,
}

/// What the caller should hold of one kind. Kinds without records are left out.
#[derive(Clone, Debug, Object)]
pub struct KindDigest {
    pub kind: Kind,
    pub count: i64,
    /// SHA-256 in lower-case hexadecimal of the lines `id:revision`, in the order of the ids, joined by line feeds.
    pub checksum: String,
}

/// A record and its newest revision.
#[derive(Clone, Debug, Object)]
pub struct RecordRevision {
    pub id: Uuid,
    pub revision: i32,
}

/// A record that a client wants again.
#[derive(Clone, Debug, Object)]
#[oai(deny_unknown_fields)]
pub struct RecordKey {
    pub kind: Kind,
    pub id: Uuid,
}

/// `$1` tenant, `$2` user, `$3` kind or NULL → the head beside each kind; and the rows of the kind asked for.
const SQL: &str = r#"
WITH clock AS (SELECT head FROM sync_clock WHERE tenant_id = $1),
held AS MATERIALIZED (
    SELECT DISTINCT f.kind, f.record_id, f.revision
    FROM scope_grant g JOIN feed f ON f.tenant_id = $1 AND f.scope_id = g.scope_id AND f.document IS NOT NULL
    WHERE g.tenant_id = $1 AND g.user_id = $2 AND g.revoked IS NULL
), kinds AS (
    SELECT kind, count(*) AS count,
           encode(sha256(convert_to(string_agg(record_id || ':' || revision, E'\n' ORDER BY record_id), 'UTF8')), 'hex') AS checksum
    FROM held GROUP BY kind
)
SELECT head, kind, count, checksum, NULL::uuid AS record_id, NULL::integer AS revision FROM clock LEFT JOIN kinds ON TRUE
UNION ALL
SELECT NULL, NULL, NULL, NULL, record_id, revision FROM held WHERE kind = $3
ORDER BY record_id NULLS FIRST, kind
"#;

pub async fn digest(state: &State, actor: &Actor, kind: Option<Kind>) -> Result<Digest, DbErr> {
    let values = [actor.tenant_id.into(), actor.user_id.into(), kind.map(|kind| kind.as_str().to_owned()).into()];
    let mut digest = Digest { head: 0, kinds: Vec::new(), records: kind.map(|_| Vec::new()) };
    for row in state.db.query_all_raw(Statement::from_sql_and_values(DbBackend::Postgres, SQL, values)).await? {
        if let (Some(records), Some(id)) = (&mut digest.records, row.try_get_by_index::<Option<Uuid>>(4)?) {
            records.push(RecordRevision { id, revision: row.try_get_by_index(5)? });
        } else {
            digest.head = row.try_get_by_index(0)?;
            let kind: Option<String> = row.try_get_by_index(1)?;
            if let Some(kind) = kind.as_deref().and_then(Kind::parse) {
                digest.kinds.push(KindDigest {
                    kind,
                    count: row.try_get_by_index(2)?,
                    checksum: row.try_get_by_index(3)?,
                });
            }
        }
    }
    Ok(digest)
}

/// `$1` tenant, `$2` user, `$3` kinds, `$4` ids → each with its document where it is visible, once.
const RECORDS: &str = r#"
SELECT DISTINCT ON (w.kind, w.id) w.kind, w.id, coalesce(f.revision, 0), f.document
FROM unnest($3::text[], $4::uuid[]) AS w(kind, id)
LEFT JOIN (
    SELECT f.kind, f.record_id, f.revision, f.document
    FROM feed f JOIN scope_grant g ON g.tenant_id = $1 AND g.user_id = $2 AND g.scope_id = f.scope_id AND g.revoked IS NULL
    WHERE f.tenant_id = $1 AND f.record_id = ANY($4) AND f.document IS NOT NULL
) f ON f.kind = w.kind AND f.record_id = w.id
ORDER BY w.kind, w.id
"#;

/// The records as changes, with commas between them; what is not there or not visible comes as a tombstone.
pub async fn records(state: &State, actor: &Actor, keys: &[RecordKey], page: &mut Vec<u8>) -> Result<(), DbErr> {
    let kinds: Vec<String> = keys.iter().map(|key| key.kind.as_str().to_owned()).collect();
    let ids: Vec<Uuid> = keys.iter().map(|key| key.id).collect();
    let values = [actor.tenant_id.into(), actor.user_id.into(), kinds.into(), ids.into()];
    let rows = state.db.query_all_raw(Statement::from_sql_and_values(DbBackend::Postgres, RECORDS, values)).await?;
    for (at, row) in rows.iter().enumerate() {
        let kind: String = row.try_get_by_index(0)?;
        let document: Option<String> = row.try_get_by_index(3)?;
        if at > 0 {
            page.push(b',');
        }
        let document = document.as_deref().map(str::as_bytes);
        write_change(page, &kind, row.try_get_by_index(1)?, row.try_get_by_index(2)?, document);
    }
    Ok(())
}
