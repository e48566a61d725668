//! What clients see of an import.

use entity::kind::Kind;
use entity::scalar::Timestamp;
use poem_openapi::{Enum, Object};
use sea_orm::{ConnectionTrait, QueryResult};
use serde::Deserialize;
use uuid::Uuid;

use super::{may_import, statement};
use crate::auth::Actor;
use crate::import::Count;
use crate::problem::{Error, Refusal};
use crate::state::State;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum ImportStatus {
    /// Waits for a server, and for earlier imports of the company.
    Queued,
    Running,
    /// Everything was read; rows may have been refused.
    Done,
    /// It could not be read at all, or not to its end; `error` says why. What was written before stays.
    Failed,
    /// Somebody stopped it. What was written before stays.
    Cancelled,
}

impl ImportStatus {
    const ALL: [(&'static str, ImportStatus); 5] = [
        ("queued", ImportStatus::Queued),
        ("running", ImportStatus::Running),
        ("done", ImportStatus::Done),
        ("failed", ImportStatus::Failed),
        ("cancelled", ImportStatus::Cancelled),
    ];

    fn parse(text: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|(name, _)| *name == text);
        found.map(|(_, status)| status).ok_or_else(|| Error::Internal(format!("an import is {text}")))
    }

    pub fn is_over(self) -> bool {
        !matches!(self, ImportStatus::Queued | ImportStatus::Running)
    }
}

/// A file that was sent.
#[derive(Clone, Debug, Object, Deserialize)]
#[oai(skip_serializing_if_is_none)]
pub struct ImportFile {
    pub name: String,
    pub bytes: i64,
    /// `csv`, `ndjson` or `xlsx`, by its content; absent until it was looked at.
    pub format: Option<String>,
    /// How its text was read, such as `UTF-8`, `GBK` or `UTF-16LE`; absent for workbooks.
    pub encoding: Option<String>,
}

/// What became of the rows of one reading of one file.
#[derive(Clone, Debug, Object)]
pub struct ImportPart {
    /// As the mapping calls it.
    pub file: String,
    pub kind: Kind,
    /// Rows, without the first one.
    pub read: i64,
    pub created: i64,
    pub updated: i64,
    pub unchanged: i64,
    /// Rows that say again what an earlier row of the file said.
    pub repeated: i64,
    pub refused: i64,
}

/// An import and how far it is.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct Import {
    pub id: Uuid,
    pub status: ImportStatus,
    /// Whether everything is tried and nothing kept.
    pub dry_run: bool,
    pub files: Vec<ImportFile>,
    /// What the files' columns mean; absent until it was made from their names.
    pub mapping: Option<String>,
    /// 0 to 100.
    pub percent: i32,
    /// One a reading of a file, in the mapping's order; empty until the files were looked at.
    pub parts: Vec<ImportPart>,
    /// Rows of all parts together.
    pub rows_read: i64,
    pub created: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub repeated: i64,
    /// `listRefusedRows` gives them back with their reasons.
    pub refused: i64,
    /// Why it failed.
    pub error: Option<String>,
    pub requested_by: Uuid,
    pub requested_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
}

/// A part of the list of imports.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct ImportPage {
    /// The newest first.
    pub items: Vec<Import>,
    pub cursor: Option<String>,
}

const SQL: &str = "
    SELECT i.*, i.counts::text AS counted,
           (SELECT coalesce(json_agg(json_build_object('name', f.name, 'bytes', f.bytes, 'format', f.format,
                                                       'encoding', f.encoding) ORDER BY f.number), '[]')::text
            FROM import_file f WHERE f.tenant_id = $1 AND f.import_id = i.id) AS files
    FROM import i WHERE i.tenant_id = $1";

fn read(row: &QueryResult) -> Result<Import, Error> {
    let unreadable = |cause: serde_json::Error| Error::Internal(format!("an import cannot be read: {cause}"));
    let (counts, files): (String, String) = (row.try_get("", "counted")?, row.try_get("", "files")?);
    let counts: Vec<Count> = serde_json::from_str(&counts).map_err(unreadable)?;
    let sum = |of: fn(&Count) -> u64| number(counts.iter().map(of).sum());
    let part = |count: &Count| ImportPart {
        file: count.path.display().to_string(),
        kind: count.kind,
        read: number(count.read),
        created: number(count.created),
        updated: number(count.updated),
        unchanged: number(count.unchanged),
        repeated: number(count.repeated),
        refused: number(count.refused),
    };
    Ok(Import {
        id: row.try_get("", "id")?,
        status: ImportStatus::parse(&row.try_get::<String>("", "status")?)?,
        dry_run: row.try_get("", "dry_run")?,
        files: serde_json::from_str(&files).map_err(unreadable)?,
        mapping: row.try_get("", "mapping")?,
        percent: row.try_get("", "percent")?,
        rows_read: sum(|count| count.read),
        created: sum(|count| count.created),
        updated: sum(|count| count.updated),
        unchanged: sum(|count| count.unchanged),
        repeated: sum(|count| count.repeated),
        refused: sum(|count| count.refused),
        parts: counts.iter().map(part).collect(),
        error: row.try_get("", "error")?,
        requested_by: row.try_get("", "requested_by")?,
        requested_at: row.try_get("", "requested_at")?,
        started_at: row.try_get("", "started_at")?,
        finished_at: row.try_get("", "finished_at")?,
    })
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// One import. For those who may not import there is none.
pub async fn get(state: &State, actor: &Actor, id: Uuid) -> Result<Import, Error> {
    may_import(actor).map_err(|_| Refusal::not_found("import"))?;
    let sql = format!("{SQL} AND i.id = $2");
    let row = state.db.query_one_raw(statement(actor.tenant_id, &sql, [id.into()])).await?;
    row.as_ref().map(read).transpose()?.ok_or_else(|| Refusal::not_found("import").into())
}

/// A page of them, the newest first; `cursor`: the last of the page before.
pub async fn list(
    state: &State,
    actor: &Actor,
    cursor: Option<String>,
    limit: Option<i32>,
) -> Result<ImportPage, Error> {
    may_import(actor)?;
    let limit = limit.unwrap_or(50).clamp(1, 200);
    let before = match cursor {
        None => Uuid::max(),
        Some(text) => text
            .parse()
            .map_err(|_| Refusal::malformed("cursor: not a cursor of this list. Start again without a cursor."))?,
    };
    let sql = format!("{SQL} AND i.id < $2 ORDER BY i.id DESC LIMIT $3");
    let asked = statement(actor.tenant_id, &sql, [before.into(), i64::from(limit + 1).into()]);
    let rows = state.db.query_all_raw(asked).await?;
    let mut items = rows.iter().take(limit as usize).map(read).collect::<Result<Vec<_>, _>>()?;
    let more = rows.len() > items.len();
    let cursor = items.last_mut().filter(|_| more).map(|last| last.id.to_string());
    Ok(ImportPage { items, cursor })
}
