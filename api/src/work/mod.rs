//! The unit of work: the one door to the records. One request, one transaction, one explicit `commit`.
//!
//! `load` locks what a request refers to; verbs then work in memory with `get`, `visible` and `put`; `commit` writes the rows,
//! one part of a statement a table, and the feed (see `emit`). Handlers know nothing of sync: what is put here reaches the phones.

mod batch;
mod columns;
mod commit;
pub mod days;
mod document;
mod emit;
mod receipts;
mod sight;
mod stays;
mod table;

use std::any::Any;
use std::collections::BTreeMap;

use entity::kind::Kind;
use entity::scalar::Timestamp;
use poem_openapi::types::ToJSON;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, EntityName, Statement, TransactionTrait, Value};
use uuid::Uuid;

use crate::auth::Actor;
use crate::captured::Captured;
use crate::change::{KnownSettings, Mark};
use crate::problem::{Code, Refusal};
use crate::record::Record;
use crate::state::State;
pub use document::text;
use receipts::Receipts;
use sight::Sight;
pub use stays::SQL as STAYS;
use table::{By, Staging, Table};
pub use table::{Slot, document};

/// `$2` ids. The list stands in a select of its own, so that the planner cannot count it: else it finds a plan for each list
/// better than the kept one, and plans every time anew, which takes longer than the reading.
const BY_ID: &str = "id = ANY((SELECT $2::uuid[])::uuid[])";

/// A transaction of one actor.
pub struct UnitOfWork {
    state: State,
    tx: DatabaseTransaction,
    pub actor: Actor,
    /// The moment of the request: what `received` means.
    pub now: Timestamp,
    /// The earliest moment at which anything of this batch may have been typed.
    pub earliest: Timestamp,
    /// When the write at hand was typed.
    pub captured: Captured,
    /// Why it was made, where that was said.
    pub reason: Option<String>,
    /// The phone that sent it; `None` for REST.
    pub device: Option<Uuid>,
    tables: BTreeMap<Kind, Box<dyn Staging>>,
    sight: Sight,
    receipts: Receipts,
    later: Vec<Statement>,
    has_rehearsed_settings: bool,
}

impl UnitOfWork {
    /// Begins a transaction. Call it inside `State::run`, so that a caller who hangs up leaves none open.
    pub async fn begin(state: &State, actor: &Actor) -> Result<Self, DbErr> {
        let now = state.clock.now();
        Ok(UnitOfWork {
            tx: state.db.begin().await?,
            state: state.clone(),
            actor: actor.clone(),
            now,
            earliest: now,
            captured: Captured { at: now, proven: true },
            reason: None,
            device: None,
            tables: BTreeMap::new(),
            sight: Sight::default(),
            receipts: Receipts::default(),
            later: Vec::new(),
            has_rehearsed_settings: false,
        })
    }

    fn table<M: Record>(&mut self) -> &mut Table<M> {
        let table: &mut dyn Any =
            self.tables.entry(M::KIND).or_insert_with(|| Box::new(Table::<M>::default())).as_mut();
        table.downcast_mut().expect("one type a kind")
    }

    fn peek<M: Record>(&self) -> Option<&Table<M>> {
        let table: &dyn Any = self.tables.get(&M::KIND)?.as_ref();
        table.downcast_ref()
    }

    /// A tenant-bound statement; `$1` is the tenant.
    pub fn statement(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
        let values = std::iter::once(self.actor.tenant_id.into()).chain(values);
        Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
    }

    /// Whether settings stand in the database that nobody else will ever see.
    pub fn has_rehearsed_settings(&self) -> bool {
        self.has_rehearsed_settings
    }

    /// The mark of what the tenant sets, if the actor's sight was asked for.
    pub fn settings_mark(&self) -> Option<&Mark> {
        self.sight.mark.as_ref()
    }

    /// What this server knows of tenants' settings.
    pub fn known_settings(&self) -> &KnownSettings {
        &self.state.settings
    }

    /// For reads that no `load` covers, on the same snapshot rules.
    pub fn connection(&self) -> &DatabaseTransaction {
        &self.tx
    }

    /// Reads and locks these rows, deleted ones too, in the order of their ids. Rows already here stay as they are.
    pub async fn load<M: Record>(&mut self, ids: impl IntoIterator<Item = Uuid>) -> Result<(), DbErr> {
        let wanted = self.table::<M>().wanted(ids);
        if wanted.is_empty() {
            return Ok(());
        }
        let rows = self.select::<M>(BY_ID, [wanted.clone().into()], "NO KEY UPDATE").await?;
        self.table::<M>().found(&wanted, rows);
        Ok(())
    }

    /// Like `load`, for rows that are only referred to: nobody changes them meanwhile, but others may refer to them too.
    pub async fn load_shared<M: Record>(&mut self, ids: impl IntoIterator<Item = Uuid>) -> Result<(), DbErr> {
        let wanted = self.table::<M>().wanted(ids);
        if wanted.is_empty() {
            return Ok(());
        }
        let rows = self.select::<M>(BY_ID, [wanted.clone().into()], "SHARE").await?;
        self.table::<M>().found(&wanted, rows);
        Ok(())
    }

    /// Reads and locks the live rows that meet a condition over the table's columns; `$2` is the first value.
    pub async fn load_where<M: Record>(
        &mut self,
        condition: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<(), DbErr> {
        let rows = self.select::<M>(&format!("deleted_at IS NULL AND {condition}"), values, "NO KEY UPDATE").await?;
        self.table::<M>().found(&[], rows);
        Ok(())
    }

    /// Reads live rows without locking or keeping them: settings, and what is only looked at. `condition` may end in an order.
    pub async fn fetch<M: Record>(
        &self,
        condition: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<M>, DbErr> {
        let table = <M::Table as Default>::default();
        let sql = format!(
            "SELECT * FROM \"{}\" WHERE tenant_id = $1 AND deleted_at IS NULL AND {condition}",
            table.table_name()
        );
        M::find_by_statement(self.statement(&sql, values)).all(&self.tx).await
    }

    async fn select<M: Record>(
        &self,
        condition: &str,
        values: impl IntoIterator<Item = Value>,
        lock: &str,
    ) -> Result<Vec<M>, DbErr> {
        let table = <M::Table as Default>::default();
        let lock = if M::FIXED { String::new() } else { format!(" FOR {lock}") };
        let sql =
            format!("SELECT * FROM \"{}\" WHERE tenant_id = $1 AND {condition} ORDER BY id{lock}", table.table_name());
        M::find_by_statement(self.statement(&sql, values)).all(&self.tx).await
    }

    /// A loaded or staged row, visible or not, deleted or not.
    pub fn get<M: Record>(&self, id: Uuid) -> Option<&M> {
        self.peek::<M>()?.get(id)
    }

    /// A row that is here, as it will be stored: stamped, with its revision.
    pub fn stored<M: Record>(&self, id: Uuid) -> Result<M, Refusal> {
        self.get(id).cloned().ok_or_else(|| Refusal::not_found(M::KIND.as_str()))
    }

    /// All loaded or staged rows of a kind that are not deleted.
    pub fn live<M: Record>(&self) -> impl Iterator<Item = &M> {
        self.peek::<M>().into_iter().flat_map(|table| table.rows()).map(|slot| &slot.now).filter(|row| !row.deleted())
    }

    /// The row, if this actor may see it; a tombstone is named as such only to who saw the record.
    pub fn visible<M: Record>(&self, id: Uuid) -> Result<M, Refusal> {
        let slot =
            self.peek::<M>().and_then(|table| table.slot(id)).ok_or_else(|| Refusal::not_found(M::KIND.as_str()))?;
        if slot.now.deleted() {
            return Err(if self.sees(M::KIND, id) || self.sight.buried(M::KIND, id) {
                let what = M::KIND.as_str();
                Refusal::new(
                    Code::RecordDeleted,
                    format!("This {what} was deleted; it is not brought back by an edit."),
                )
            } else {
                Refusal::not_found(M::KIND.as_str())
            });
        }
        if slot.found.is_none() || self.sees(M::KIND, id) {
            Ok(slot.now.clone())
        } else {
            Err(Refusal::not_found(M::KIND.as_str()))
        }
    }

    /// The row, if it is there and this actor may see it.
    pub fn seen<M: Record>(&self, id: Uuid) -> Option<&M> {
        let slot = self.peek::<M>()?.slot(id).filter(|slot| !slot.now.deleted())?;
        (slot.found.is_none() || self.sees(M::KIND, id)).then_some(&slot.now)
    }

    /// Whether the actor once saw this record, in his own scope or as one of the whole tenant, and no longer.
    pub fn was_shown<M: Record>(&self, id: Uuid) -> bool {
        !self.sight.shown(M::KIND, id) && self.sight.buried(M::KIND, id)
    }

    /// The actor sees this record from here on: what he does in this very unit of work brings it into his view.
    pub fn reveal<M: Record>(&mut self, id: Uuid) {
        self.sight.reveal(M::KIND, id);
    }

    fn sees(&self, kind: Kind, id: Uuid) -> bool {
        self.actor.sees_all() || self.sight.shown(kind, id)
    }

    /// All loaded or staged rows of a kind, with what was found.
    pub fn slots<M: Record>(&self) -> impl Iterator<Item = &Slot<M>> {
        self.peek::<M>().into_iter().flat_map(|table| table.rows())
    }

    /// When this account left the actor's scope, if it once was in it and is no longer.
    pub fn left(&self, account_id: Uuid) -> Option<Timestamp> {
        self.sight.left(account_id)
    }

    /// Finds out which of the loaded rows the actor sees. Call it after the loads, before the verbs.
    pub async fn look(&mut self, ids: impl IntoIterator<Item = Uuid>) -> Result<(), DbErr> {
        if self.actor.sees_all() {
            return Ok(());
        }
        let wanted = self.sight.wanted(ids);
        if wanted.is_empty() {
            return Ok(());
        }
        let rows =
            self.tx.query_all_raw(self.statement(&sight::SQL, [self.actor.user_id.into(), wanted.into()])).await?;
        self.sight.record(&rows)
    }

    /// Stages a row: a new one, a changed one or, with `deleted_at` set, a deleted one. Returns its revision, which
    /// counts up only if something changed.
    pub fn put<M: Record>(&mut self, next: M) -> i32 {
        let by = By { tenant_id: self.actor.tenant_id, captured: self.captured.at, now: self.now };
        let reason = self.reason.clone();
        self.table::<M>().put(next, by, reason.as_deref())
    }

    /// Stages the deletion of a row that is here.
    pub fn bury<M: Record>(&mut self, id: Uuid) -> i32 {
        let now = self.now;
        let Some(mut row) = self.get::<M>(id).cloned() else { return 0 };
        row.bury(now);
        self.put(row)
    }

    /// The staged record will not stay in this scope: a tombstone goes there.
    pub fn leaves<M: Record>(&mut self, id: Uuid, scope_id: Uuid) {
        self.table::<M>().leaves(id, scope_id);
    }

    /// Drops what was put since the last `keep`.
    pub fn undo(&mut self) {
        self.tables.values_mut().for_each(|table| table.undo());
    }

    /// What was put so far stays.
    pub fn keep(&mut self) {
        self.tables.values_mut().for_each(|table| table.keep());
    }

    /// Remembers the answer to a write, to be given again when the write is repeated.
    pub fn receipt(&mut self, key: &str, hash: &str, result: &str) {
        self.receipts.add(key, hash, result);
    }

    /// Runs at commit, once the rows are written: for what is no record but refers to one that is new. `$1` is the tenant.
    pub fn once_written(&mut self, sql: &str, values: impl IntoIterator<Item = Value>) {
        let statement = self.statement(sql, values);
        self.later.push(statement);
    }

    /// Keeps concurrent changes of teams and users apart, so that grants are worked out from all of them.
    pub async fn lock_teams(&self) -> Result<(), DbErr> {
        self.lock("teams").await
    }

    /// Keeps concurrent changes of what is named so apart, within the tenant.
    pub async fn lock(&self, what: &'static str) -> Result<(), DbErr> {
        let sql = "SELECT pg_advisory_xact_lock(hashtextextended($2 || ' ' || $1::text, 0))";
        self.tx.execute_raw(self.statement(sql, [what.into()])).await.map(drop)
    }
}

/// The values of an object that are present, by their names on the wire.
pub fn present(object: &impl ToJSON) -> serde_json::Map<String, serde_json::Value> {
    match object.to_json() {
        Some(serde_json::Value::Object(members)) => members.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        _ => serde_json::Map::new(),
    }
}
