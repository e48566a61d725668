//! One kind's share of a unit of work: the rows that were loaded or made, what was done to them, and how to take it back.
//! Knows nothing of other kinds.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};

use entity::scalar::Timestamp;
use sea_orm::Value;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::columns::{parameters, statements};
use super::document::text;
use super::emit::{Emitted, Fed, Kept};
use crate::custom_field::merge;
use crate::record::{Record, Visibility};

/// Members of a document that change with every write and mean nothing by themselves.
const NOISE: [&str; 2] = ["revision", "updatedAt"];

/// A row as it was found, and as it is to be stored.
pub struct Slot<M> {
    /// `None`: the row is new.
    pub found: Option<M>,
    pub now: M,
    /// Whether it is to be written.
    touched: bool,
    /// What `record_history` is to keep, for kinds that have a history.
    changes: Vec<Change>,
    /// Further scopes that are to see a tombstone of it.
    leaves: Option<Uuid>,
}

impl<M> Slot<M> {
    /// When the member was last set in this unit of work, as it was typed.
    pub fn set_at(&self, member: &str) -> Option<Timestamp> {
        let named = format!("\"{member}\"");
        let sets = self.changes.iter().filter(|change| change.op == "create" || change.fields.contains(&named));
        sets.map(|change| change.by.captured).max()
    }
}

/// One write of one record, as `record_history` keeps it.
struct Change {
    revision: i32,
    op: &'static str,
    /// JSON text: for `create` the document, else `{field: [from, to]}`.
    fields: String,
    by: By,
}

/// For whom it is written, and when it was typed.
#[derive(Clone, Copy)]
pub struct By {
    pub tenant_id: Uuid,
    pub captured: Timestamp,
    pub now: Timestamp,
}

/// How to take back one write of a row.
enum Undo<M> {
    Made,
    Was { now: M, touched: bool, changes: usize, leaves: Option<Uuid> },
}

/// The rows of one kind.
pub struct Table<M> {
    slots: BTreeMap<Uuid, Slot<M>>,
    /// What `undo` takes back, newest last.
    undo: Vec<(Uuid, Undo<M>)>,
    /// Ids that were asked for, found or not.
    asked: BTreeSet<Uuid>,
}

impl<M> Default for Table<M> {
    fn default() -> Self {
        Table { slots: BTreeMap::new(), undo: Vec::new(), asked: BTreeSet::new() }
    }
}

/// A table whatever its kind.
pub trait Staging: Any + Send + Sync {
    fn undo(&mut self);
    fn keep(&mut self);
    /// Whether anything in it is to be written.
    fn is_touched(&self) -> bool;
    /// Adds what the feed and the history need to know of it; answers the statements that store its rows.
    fn stage(&self, emitted: &mut Emitted) -> Vec<(&'static str, Vec<Value>)>;
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
            self.slots.entry(row.id()).or_insert_with(|| Slot {
                found: Some(row.clone()),
                now: row,
                touched: false,
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

    /// Stages a row and remembers how to take it back. Returns its revision, which counts up only if something changed.
    pub fn put(&mut self, mut next: M, by: By, reason: Option<&str>) -> i32 {
        let id = next.id();
        let Some(slot) = self.slots.get_mut(&id) else {
            next.stamp(by.tenant_id, 1, by.now, by.now);
            let mut changes = Vec::new();
            if M::HISTORY {
                changes.push(Change { revision: 1, op: "create", fields: text(&next), by });
            }
            let slot = Slot { found: None, now: next, touched: true, changes, leaves: None };
            self.slots.insert(id, slot);
            self.undo.push((id, Undo::Made));
            return 1;
        };
        let was = &slot.now;
        let deletes = next.deleted() && !was.deleted();
        next.stamp(by.tenant_id, was.revision(), was.created_at(), was.updated_at());
        let (from, to) = (text(was), text(&next));
        if from == to && !deletes {
            return was.revision();
        }
        let revision = was.revision() + 1;
        next.stamp(by.tenant_id, revision, was.created_at(), by.now);
        let undo = Undo::Was {
            now: std::mem::replace(&mut slot.now, next),
            touched: std::mem::replace(&mut slot.touched, true),
            changes: slot.changes.len(),
            leaves: slot.leaves,
        };
        if M::HISTORY {
            let mut changed = difference(&members(&from), &members(&to)).unwrap_or_default();
            changed.extend(reason.map(|reason| ("reason".to_owned(), json!([null, reason]))));
            let op = if deletes { "delete" } else { "update" };
            slot.changes.push(Change { revision, op, fields: Json::Object(changed).to_string(), by });
        }
        self.undo.push((id, undo));
        revision
    }

    /// The staged row will not stay in this scope.
    pub fn leaves(&mut self, id: Uuid, scope_id: Uuid) {
        if let Some(slot) = self.slots.get_mut(&id) {
            let (now, touched, changes) = (slot.now.clone(), slot.touched, slot.changes.len());
            let leaves = slot.leaves.replace(scope_id);
            self.undo.push((id, Undo::Was { now, touched, changes, leaves }));
        }
    }
}

/// The document of a record as a tree.
pub fn document<M: Record>(record: &M) -> Map<String, Json> {
    match record.to_json() {
        Some(Json::Object(members)) => members,
        _ => Map::new(),
    }
}

fn members(document: &str) -> Map<String, Json> {
    serde_json::from_str(document).expect("a document is a JSON object")
}

/// `{field: [from, to]}` over two documents, without what changes anyway; `None` if nothing else changed.
fn difference(from: &Map<String, Json>, to: &Map<String, Json>) -> Option<Map<String, Json>> {
    let names: BTreeSet<&String> = from.keys().chain(to.keys()).collect();
    let changed: Map<String, Json> = names
        .into_iter()
        .filter(|name| !NOISE.contains(&name.as_str()) && from.get(*name) != to.get(*name))
        .flat_map(|name| match (name.as_str(), from.get(name), to.get(name)) {
            (merge::MEMBER, from, to) => merge::difference(from, to),
            (_, from, to) => vec![(name.clone(), json!([from, to]))],
        })
        .collect();
    (!changed.is_empty()).then_some(changed)
}

impl<M: Record> Slot<M> {
    /// What the feed needs to know of it.
    fn fed(&self) -> Fed {
        let (account_id, scope_id) = match self.now.visibility() {
            Visibility::Account(account) => (Some(account), None),
            Visibility::Scope(scope) => (None, Some(scope)),
        };
        let moved = self.found.as_ref().is_some_and(|found| found.visibility() != self.now.visibility());
        let document = (!self.now.deleted()).then(|| match self.changes.as_slice() {
            [made] if made.op == "create" => made.fields.clone(),
            _ => text(&self.now),
        });
        Fed {
            kind: M::KIND,
            record_id: self.now.id(),
            revision: self.now.revision(),
            account_id,
            scope_id,
            sweep: moved || self.now.deleted(),
            leaves: self.leaves,
            document,
        }
    }
}

impl<M: Record> Staging for Table<M> {
    fn undo(&mut self) {
        while let Some((id, undo)) = self.undo.pop() {
            match undo {
                Undo::Made => {
                    self.slots.remove(&id);
                }
                Undo::Was { now, touched, changes, leaves } => {
                    if let Some(slot) = self.slots.get_mut(&id) {
                        slot.changes.truncate(changes);
                        (slot.now, slot.touched, slot.leaves) = (now, touched, leaves);
                    }
                }
            }
        }
    }

    fn keep(&mut self) {
        self.undo.clear();
    }

    fn is_touched(&self) -> bool {
        self.slots.values().any(|slot| slot.touched)
    }

    fn stage(&self, emitted: &mut Emitted) -> Vec<(&'static str, Vec<Value>)> {
        let (mut inserts, mut updates) = (Vec::new(), Vec::new());
        for slot in self.slots.values().filter(|slot| slot.touched) {
            // A row that was made and deleted in one commit is stored all the same: its history keeps what was typed, other
            // rows may refer to it, and its id stays taken. No scope ever showed it, so the feed gets no tombstone.
            if slot.found.is_some() { &mut updates } else { &mut inserts }.push(&slot.now);
            emitted.feed(slot.fed());
            for change in &slot.changes {
                emitted.history(Kept {
                    kind: M::KIND,
                    record_id: slot.now.id(),
                    revision: change.revision,
                    op: change.op,
                    changes: &change.fields,
                    captured: change.by.captured,
                    received: change.by.now,
                });
            }
        }
        let sql = statements::<M>();
        [(sql.insert(inserts.len()), inserts), (sql.update(updates.len()), updates)]
            .into_iter()
            .filter(|(_, rows)| !rows.is_empty())
            .map(|(sql, rows)| (sql, parameters(&rows)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_names_what_changed() {
        let map = |value: Json| value.as_object().cloned().unwrap();
        let from = map(json!({"a": 1, "b": 2, "revision": 1}));
        let to = map(json!({"a": 1, "c": 3, "revision": 2}));
        assert_eq!(difference(&from, &to).unwrap(), map(json!({"b": [2, null], "c": [null, 3]})));
        assert_eq!(difference(&from, &map(json!({"a": 1, "b": 2, "revision": 9}))), None);
    }
}
