//! Reads for REST: one record, or a page of them. The rule of visibility is the one that pulls follow: a live row of the
//! feed in a scope that is granted to the user. Admins and integrations see the whole tenant.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use poem_openapi::Object;
use poem_openapi::types::{ParseFromJSON, ToJSON, Type};
use sea_orm::{ConnectionTrait, DbBackend, EntityName, Statement, Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::auth::Actor;
use crate::change::camel;
use crate::problem::{Code, Error, FieldError, Refusal, constraint};
use crate::record::Record;
use crate::state::State;

/// A part of a list.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct Page<T: ParseFromJSON + ToJSON + Type + Send + Sync> {
    pub items: Vec<T>,
    /// Give it as `cursor` to get what follows; absent on the last page.
    pub cursor: Option<String>,
}

/// The members of a list that every kind has.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    pub cursor: Option<String>,
    /// 1 to 200; 50 if absent.
    pub limit: Option<i32>,
    /// A name of `SORTS`, with `-` in front for the newest or last first.
    pub sort: Option<String>,
    /// Part of the name.
    pub search: Option<String>,
    filters: Vec<(&'static str, Value)>,
    /// The parameter with a text that no database holds.
    broken: Option<String>,
}

impl Listing {
    pub fn new(cursor: Option<String>, limit: Option<i32>, sort: Option<String>) -> Self {
        Listing { cursor, limit, sort, ..Listing::default() }
    }

    pub fn search(mut self, text: Option<String>) -> Self {
        self.search = text;
        self
    }

    /// Only rows that meet `condition`, in which `?` stands for the value.
    pub fn only(mut self, condition: &'static str, value: Option<impl Into<Value>>) -> Self {
        if let Some(value) = value.map(Into::into) {
            if matches!(&value, Value::String(Some(text)) if text.contains('\0')) {
                self.broken = Some(parameter(condition));
            }
            self.filters.push((condition, value));
        }
        self
    }
}

/// What the parameter of a condition is called: `t.external_id = ?` is `externalId`'s.
fn parameter(condition: &str) -> String {
    let column = condition.split([' ', '(', ')']).find_map(|word| word.strip_prefix("t.")).unwrap_or("A filter");
    camel(column)
}

/// What a list can be sorted by: name on the wire, expression over the table `t` that is never null, its type.
pub type Sorts = &'static [(&'static str, &'static str, &'static str)];

/// The sorts that every kind has.
pub const BY_TIME: Sorts =
    &[("createdAt", "t.created_at", "timestamptz"), ("updatedAt", "t.updated_at", "timestamptz")];

/// Where a page ended.
#[derive(Serialize, Deserialize)]
struct Position {
    sort: String,
    value: String,
    id: Uuid,
}

/// The condition under which `t` is visible to an actor who does not see all; `$2` is the user.
pub fn visible(kind: entity::kind::Kind) -> String {
    format!("EXISTS (SELECT {} AND f.record_id = t.id)", shown(kind))
}

/// The same where it is one of several conditions, over many rows: Postgres then collects what is visible once, where
/// `visible` would look for each row by itself.
pub fn among_visible(kind: entity::kind::Kind) -> String {
    format!("t.id IN (SELECT f.record_id {})", shown(kind))
}

/// What the feed shows the user of this kind.
fn shown(kind: entity::kind::Kind) -> String {
    format!(
        "FROM feed f JOIN scope_grant g ON g.tenant_id = f.tenant_id AND g.scope_id = f.scope_id \
         WHERE f.tenant_id = $1 AND f.kind = '{kind}' AND f.document IS NOT NULL \
         AND g.tenant_id = $1 AND g.user_id = $2 AND g.revoked IS NULL"
    )
}

/// `SELECT t.* … WHERE` tenant, live and visible; `$1` tenant, `$2` user.
fn select<M: Record>(actor: &Actor, columns: &str) -> String {
    let table = <M::Table as Default>::default();
    let seen = if actor.sees_all() { "$2::uuid IS NOT NULL".to_owned() } else { visible(M::KIND) };
    format!(
        "SELECT {columns} FROM \"{}\" t WHERE t.tenant_id = $1 AND t.deleted_at IS NULL AND {seen}",
        table.table_name()
    )
}

/// One record, or 404 for what is not there, deleted or not visible.
pub async fn get<M: Record>(state: &State, actor: &Actor, id: Uuid) -> Result<M, Error> {
    Ok(find(state, actor, id).await?.ok_or_else(|| Refusal::not_found(M::KIND.as_str()))?)
}

/// One record, or nothing for what is not there, deleted or not visible.
pub async fn find<M: Record>(state: &State, actor: &Actor, id: Uuid) -> Result<Option<M>, Error> {
    let sql = format!("{} AND t.id = $3", select::<M>(actor, "t.*"));
    let values = [actor.tenant_id.into(), actor.user_id.into(), id.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    Ok(M::find_by_statement(statement).one(&state.db).await?)
}

/// Those of these records that are there and visible, in no order.
pub async fn some<M: Record>(state: &State, actor: &Actor, ids: Vec<Uuid>) -> Result<Vec<M>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!("{} AND t.id = ANY($3)", select::<M>(actor, "t.*"));
    let values = [actor.tenant_id.into(), actor.user_id.into(), ids.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    Ok(M::find_by_statement(statement).all(&state.db).await?)
}

/// Whether this scope is granted to the actor.
pub async fn holds_scope(state: &State, actor: &Actor, scope_id: Uuid) -> Result<bool, Error> {
    let sql = "SELECT 1 AS one FROM scope_grant \
               WHERE tenant_id = $1 AND user_id = $2 AND scope_id = $3 AND revoked IS NULL";
    let values = [actor.tenant_id.into(), actor.user_id.into(), scope_id.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    Ok(state.db.query_one_raw(statement).await?.is_some())
}

/// Those of these scopes that are granted to the actor.
pub async fn held_scopes(state: &State, actor: &Actor, scopes: Vec<Uuid>) -> Result<HashSet<Uuid>, Error> {
    let sql = "SELECT scope_id FROM scope_grant \
               WHERE tenant_id = $1 AND user_id = $2 AND scope_id = ANY($3) AND revoked IS NULL";
    let values = [actor.tenant_id.into(), actor.user_id.into(), scopes.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let rows = state.db.query_all_raw(statement).await?;
    Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
}

/// A page of the records that the actor sees, newest first unless sorted otherwise.
pub async fn list<M: Record>(state: &State, actor: &Actor, listing: Listing, sorts: Sorts) -> Result<Page<M>, Error> {
    if let Some(parameter) = &listing.broken {
        let fault = FieldError::new(parameter, "Contains the character U+0000, which no text has: leave it out.");
        return Err(Refusal::fields(Code::Malformed, vec![fault]).into());
    }
    let limit = listing.limit.unwrap_or(50).clamp(1, 200);
    let sort = listing.sort.unwrap_or_else(|| "-createdAt".to_owned());
    let (name, descending) = sort.strip_prefix('-').map_or((sort.as_str(), false), |name| (name, true));
    let (_, by, kind) = sorts.iter().chain(BY_TIME).find(|(known, ..)| *known == name).ok_or_else(|| {
        let known: Vec<&str> = sorts.iter().chain(BY_TIME).map(|(name, ..)| *name).collect();
        Refusal::invalid("sort", format!("Must be one of {}, with `-` in front for descending.", known.join(", ")))
    })?;

    let mut sql = select::<M>(actor, &format!("t.*, ({by})::text AS sort_value"));
    let mut values: Vec<Value> = vec![actor.tenant_id.into(), actor.user_id.into()];
    for (condition, value) in listing.filters {
        values.push(value);
        sql += &format!(" AND {}", condition.replace('?', &format!("${}", values.len())));
    }
    if let (Some(text), Some(column)) = (listing.search.filter(|text| !text.trim().is_empty()), M::SEARCH) {
        values.push(pattern(text.trim()).into());
        sql += &format!(" AND t.{column} ILIKE ${}", values.len());
    }
    let with_cursor = listing.cursor.is_some();
    if let Some(cursor) = listing.cursor {
        let position = read_cursor(&cursor, &sort)?;
        values.push(position.value.into());
        values.push(position.id.into());
        let (at, id) = (values.len() - 1, values.len());
        let beyond = if descending { "<" } else { ">" };
        sql += &format!(" AND ({by}, t.id) {beyond} (${at}::text::{kind}, ${id})");
    }
    let direction = if descending { "DESC" } else { "ASC" };
    sql += &format!(" ORDER BY {by} {direction}, t.id {direction} LIMIT {}", limit + 1);

    let rows = state.db.query_all_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await;
    let rows = rows.map_err(|error| if with_cursor { unreadable(error) } else { error.into() })?;
    let more = rows.len() > limit as usize;
    let mut items = Vec::with_capacity(rows.len());
    let mut cursor = None;
    for row in rows.iter().take(limit as usize) {
        let item = M::from_query_result(row, "")?;
        cursor = Some(Position { sort: sort.clone(), value: row.try_get("", "sort_value")?, id: item.id() });
        items.push(item);
    }
    let cursor = cursor
        .filter(|_| more)
        .map(|position| URL_SAFE_NO_PAD.encode(serde_json::to_vec(&position).expect("a position is plain data")));
    Ok(Page { items, cursor })
}

fn read_cursor(text: &str, sort: &str) -> Result<Position, Refusal> {
    URL_SAFE_NO_PAD
        .decode(text)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Position>(&bytes).ok())
        .filter(|position| position.sort == sort && !position.value.contains('\0'))
        .ok_or_else(foreign_cursor)
}

fn foreign_cursor() -> Refusal {
    Refusal::malformed("cursor: not a cursor of this list and sort. Start again without a cursor.")
}

/// A value in a cursor that Postgres cannot read as what the list is sorted by (class 22) is none of ours.
fn unreadable(error: sea_orm::DbErr) -> Error {
    match constraint(&error) {
        Some((state, _)) if state.starts_with("22") => foreign_cursor().into(),
        _ => error.into(),
    }
}

/// Finds the text anywhere; what would be a wildcard stands for itself.
fn pattern(text: &str) -> String {
    let text: String = text.chars().filter(|c| *c != '\0').collect();
    format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
}
