//! One kind's share of a unit of work: the rows that were loaded or made, what was done to them, and the two
//! statements that store them. Knows nothing of other kinds.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use entity::kind::Kind;
use sea_orm::{ColumnTrait, ColumnType, EntityName, Iterable};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::record::{Record, Visibility};

/// Members of a document that change with every write and mean nothing by themselves.
const NOISE: [&str; 2] = ["revision", "updatedAt"];

/// A row as it was found, and as it is to be stored.
#[derive(Clone)]
pub struct Slot<M> {
    /// `None`: the row is new.
    pub found: Option<M>,
    pub now: M,
    pub changes: Vec<Change>,
    /// Further scopes that are to see a tombstone of it.
    pub leaves: Option<Uuid>,
}

/// One write of one record, as `record_history` keeps it.
#[derive(Clone)]
pub struct Change {
    pub revision: i32,
    pub op: &'static str,
    /// JSON text: for `create` the document, else `{field: [from, to]}`.
    pub fields: String,
    pub captured: entity::scalar::Timestamp,
    pub received: entity::scalar::Timestamp,
}

/// The rows of one kind.
pub struct Table<M> {
    slots: BTreeMap<Uuid, Slot<M>>,
    /// What `undo` puts back, newest last.
    undo: Vec<(Uuid, Option<Slot<M>>)>,
    /// Ids that were asked for, found or not.
    asked: BTreeSet<Uuid>,
}

impl<M> Default for Table<M> {
    fn default() -> Self {
        Table { slots: BTreeMap::new(), undo: Vec::new(), asked: BTreeSet::new() }
    }
}

/// What one kind adds to a commit.
#[derive(Default)]
pub struct Staged {
    /// New rows as a JSON array of objects by column.
    pub inserts: Vec<Value>,
    /// Changed rows, likewise.
    pub updates: Vec<Value>,
    /// One a record: what the feed needs to know of it.
    pub feed: Vec<Value>,
    /// One a write.
    pub history: Vec<Value>,
}

/// A table whatever its kind.
pub trait Staging: Any + Send + Sync {
    fn undo(&mut self);
    fn keep(&mut self);
    /// Whether anything in it is to be written.
    fn is_touched(&self) -> bool;
    fn stage(&self) -> Staged;
    fn insert_sql(&self) -> &'static str;
    fn update_sql(&self) -> &'static str;
}

impl<M: Record> Table<M> {
    pub fn wanted(&self, ids: impl IntoIterator<Item = Uuid>) -> Vec<Uuid> {
        let ids: BTreeSet<Uuid> = ids.into_iter().filter(|id| !self.asked.contains(id)).collect();
        ids.into_iter().collect()
    }

    pub fn found(&mut self, asked: &[Uuid], rows: Vec<M>) {
        self.asked.extend(asked);
        for row in rows {
            self.asked.insert(row.id());
            self.slots.entry(row.id()).or_insert(Slot {
                found: Some(row.clone()),
                now: row,
                changes: Vec::new(),
                leaves: None,
            });
        }
    }

    pub fn get(&self, id: Uuid) -> Option<&M> {
        self.slots.get(&id).map(|slot| &slot.now)
    }

    pub fn slot(&self, id: Uuid) -> Option<&Slot<M>> {
        self.slots.get(&id)
    }

    pub fn rows(&self) -> impl Iterator<Item = &Slot<M>> {
        self.slots.values()
    }

    /// Replaces the row `next.id()` and remembers how to put the old one back.
    pub fn replace(&mut self, slot: Slot<M>) {
        let id = slot.now.id();
        let old = self.slots.insert(id, slot);
        self.undo.push((id, old));
    }
}

/// The document of a record: what REST answers and the feed sends.
pub fn document<M: Record>(record: &M) -> Map<String, Value> {
    match record.to_json() {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

/// `{field: [from, to]}` over two documents, without what changes anyway; `None` if nothing else changed.
pub fn difference(from: &Map<String, Value>, to: &Map<String, Value>) -> Option<Map<String, Value>> {
    let names: BTreeSet<&String> = from.keys().chain(to.keys()).collect();
    let changed: Map<String, Value> = names
        .into_iter()
        .filter(|name| !NOISE.contains(&name.as_str()) && from.get(*name) != to.get(*name))
        .map(|name| (name.clone(), json!([from.get(name), to.get(name)])))
        .collect();
    (!changed.is_empty()).then_some(changed)
}

impl<M: Record> Staging for Table<M> {
    fn undo(&mut self) {
        while let Some((id, old)) = self.undo.pop() {
            match old {
                Some(slot) => self.slots.insert(id, slot),
                None => self.slots.remove(&id),
            };
        }
    }

    fn keep(&mut self) {
        self.undo.clear();
    }

    fn is_touched(&self) -> bool {
        self.slots.values().any(|slot| !slot.changes.is_empty())
    }

    fn stage(&self) -> Staged {
        let mut staged = Staged::default();
        for slot in self.slots.values().filter(|slot| !slot.changes.is_empty()) {
            // A row that was made and deleted in one commit is stored all the same: its history keeps what was typed, other
            // rows may refer to it, and its id stays taken. No scope ever showed it, so the feed gets no tombstone.
            let row = serde_json::to_value(&slot.now).expect("a model is plain data");
            if slot.found.is_some() { &mut staged.updates } else { &mut staged.inserts }.push(row);

            let (account_id, scope_id) = match slot.now.visibility() {
                Visibility::Account(account) => (Some(account), None),
                Visibility::Scope(scope) => (None, Some(scope)),
            };
            let moved = slot.found.as_ref().is_some_and(|found| found.visibility() != slot.now.visibility());
            let text = (!slot.now.deleted()).then(|| Value::Object(document(&slot.now)).to_string());
            staged.feed.push(json!({
                "kind": M::KIND,
                "record_id": slot.now.id(),
                "revision": slot.now.revision(),
                "account_id": account_id,
                "scope_id": scope_id,
                "sweep": moved || slot.now.deleted(),
                "leaves": slot.leaves,
                "document": text,
            }));
            if M::HISTORY {
                staged.history.extend(slot.changes.iter().map(|change| {
                    json!({
                        "kind": M::KIND,
                        "record_id": slot.now.id(),
                        "revision": change.revision,
                        "op": change.op,
                        "changes": change.fields,
                        "captured": change.captured,
                        "received": change.received,
                    })
                }));
            }
        }
        staged
    }

    fn insert_sql(&self) -> &'static str {
        statements::<M>().0
    }

    fn update_sql(&self) -> &'static str {
        statements::<M>().1
    }
}

/// The INSERT and the UPDATE of a kind, made once from its columns. `$1` tenant, `$2` JSON array of rows.
/// The join with `sync_clock` lets Citus push the whole statement down to the tenant's shard.
fn statements<M: Record>() -> (&'static str, &'static str) {
    static MADE: LazyLock<std::sync::Mutex<BTreeMap<Kind, (&'static str, &'static str)>>> =
        LazyLock::new(Default::default);
    let mut made = MADE.lock().expect("nothing panics while it is held");
    *made.entry(M::KIND).or_insert_with(|| {
        let table = <M::Table as Default>::default().table_name().to_owned();
        let columns: Vec<(String, &'static str)> = <M::Table as sea_orm::EntityTrait>::Column::iter()
            .map(|column| {
                (sea_orm::IdenStatic::as_str(&column).to_owned(), postgres_type(column.def().get_column_type()))
            })
            .filter(|(name, _)| name != "tenant_id")
            .collect();
        let list =
            |prefix: &str| columns.iter().map(|(name, _)| format!("{prefix}{name}")).collect::<Vec<_>>().join(", ");
        let typed = columns.iter().map(|(name, kind)| format!("{name} {kind}")).collect::<Vec<_>>().join(", ");
        let set = columns
            .iter()
            .filter(|(name, _)| name != "id")
            .map(|(name, _)| format!("{name} = r.{name}"))
            .collect::<Vec<_>>()
            .join(", ");
        let insert = format!(
            "INSERT INTO \"{table}\" (tenant_id, {}) SELECT c.tenant_id, {} FROM sync_clock c \
             CROSS JOIN json_to_recordset($2::json) AS r({typed}) WHERE c.tenant_id = $1 ORDER BY r.id",
            list(""),
            list("r."),
        );
        let update = format!(
            "UPDATE \"{table}\" AS t SET {set} FROM json_to_recordset($2::json) AS r({typed}) \
             WHERE t.tenant_id = $1 AND t.id = r.id",
        );
        (&*insert.leak(), &*update.leak())
    })
}

fn postgres_type(column: &ColumnType) -> &'static str {
    match column {
        ColumnType::Uuid => "uuid",
        ColumnType::String(_) | ColumnType::Text => "text",
        ColumnType::Integer => "integer",
        ColumnType::BigInteger => "bigint",
        ColumnType::Double => "double precision",
        ColumnType::Boolean => "boolean",
        ColumnType::Date => "date",
        ColumnType::Decimal(_) | ColumnType::Money(_) => "numeric",
        ColumnType::TimestampWithTimeZone => "timestamptz",
        ColumnType::JsonBinary | ColumnType::Json => "jsonb",
        ColumnType::Array(_) => "text[]",
        other => unreachable!("no record has a column of type {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_statements() {
        let (insert, update) = statements::<entity::activity::Model>();
        assert!(insert.starts_with("INSERT INTO \"activity\" (tenant_id, id, revision,"), "{insert}");
        assert!(insert.contains("check_in jsonb"), "{insert}");
        assert!(update.contains("SET revision = r.revision"), "{update}");
        let (insert, _) = statements::<entity::stage::Model>();
        assert!(insert.contains("required_fields text[]"), "{insert}");
        let (insert, _) = statements::<entity::points_entry::Model>();
        assert!(insert.contains("points numeric") && insert.contains("explanation jsonb"), "{insert}");
    }

    #[test]
    fn a_difference_names_what_changed() {
        let map = |value: Value| value.as_object().cloned().unwrap();
        let from = map(json!({"a": 1, "b": 2, "revision": 1}));
        let to = map(json!({"a": 1, "c": 3, "revision": 2}));
        assert_eq!(difference(&from, &to).unwrap(), map(json!({"b": [2, null], "c": [null, 3]})));
        assert_eq!(difference(&from, &map(json!({"a": 1, "b": 2, "revision": 9}))), None);
    }
}
