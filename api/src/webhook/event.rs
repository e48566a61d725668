//! What is sent: a change of a record as the history has it, and the record as it stands now.

use entity::scalar::Timestamp;
use sea_orm::{DbErr, QueryResult};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Cursor;

/// `$1` tenant, `$2` to `$5` cursor, `$6` head, `$7` kinds, `$8` ops, `$9` limit → changes in the order of their commits.
pub const SQL: &str = "
    SELECT h.seq, h.record_id, h.kind, h.revision, h.op, h.actor_id, h.captured, h.received, h.changes,
           (SELECT f.document FROM feed f
            WHERE f.tenant_id = $1 AND f.record_id = h.record_id AND f.kind = h.kind AND f.document IS NOT NULL LIMIT 1) AS document
    FROM record_history h
    WHERE h.tenant_id = $1 AND h.seq >= $2 AND h.seq <= $6
      AND (h.seq, h.record_id, h.kind, h.revision) > ($2, $3, $4, $5)
      AND (cardinality($7::text[]) = 0 OR h.kind = ANY($7)) AND (cardinality($8::text[]) = 0 OR h.op = ANY($8))
    ORDER BY h.seq, h.record_id, h.kind, h.revision LIMIT $9";

/// A change, ready to be sent.
pub struct Event {
    /// Where the endpoint stands once it has this.
    pub cursor: Cursor,
    /// The same however often it is sent: a receiver tells repetitions by it.
    pub id: String,
    /// `opportunity.updated`
    pub kind: String,
    /// `None`: what is kept of the change cannot be read, today or later.
    pub body: Option<String>,
}

impl Event {
    pub fn read(row: &QueryResult) -> Result<Self, DbErr> {
        let cursor = Cursor {
            seq: row.try_get("", "seq")?,
            record_id: row.try_get("", "record_id")?,
            kind: row.try_get("", "kind")?,
            revision: row.try_get("", "revision")?,
        };
        let op: String = row.try_get("", "op")?;
        let kind = format!("{}.{op}d", cursor.kind);
        let id = format!("{}_{}_{}", cursor.kind, cursor.record_id, cursor.revision);
        let body = body(row, &cursor, &kind, &op);
        let body = body.inspect_err(|cause| tracing::error!(%cause, event = id, "a change cannot be read")).ok();
        Ok(Event { cursor, id, kind, body })
    }
}

fn body(row: &QueryResult, cursor: &Cursor, kind: &str, op: &str) -> Result<String, DbErr> {
    let actor_id: Uuid = row.try_get("", "actor_id")?;
    let (captured, received): (Timestamp, Timestamp) = (row.try_get("", "captured")?, row.try_get("", "received")?);
    let (changes, document): (String, Option<String>) = (row.try_get("", "changes")?, row.try_get("", "document")?);
    let mut body = json!({
        "type": kind,
        "timestamp": received,
        "data": {
            "seq": cursor.seq,
            "kind": cursor.kind,
            "recordId": cursor.record_id,
            "revision": cursor.revision,
            "op": op,
            "actorId": actor_id,
            "captured": captured,
            "changes": parsed(&changes)?,
        },
    });
    if let Some(document) = document {
        body["data"]["record"] = parsed(&document)?;
    }
    Ok(body.to_string())
}

fn parsed(text: &str) -> Result<Value, DbErr> {
    serde_json::from_str(text).map_err(|error| DbErr::Json(error.to_string()))
}
