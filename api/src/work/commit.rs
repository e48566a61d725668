//! The end of a unit of work: rows, what is made of them, then the feed, all in one transaction; or a rehearsal of it.

use std::collections::BTreeSet;

use entity::kind::Kind;
use entity::{account, account_member};
use sea_orm::{ConnectionTrait, DbErr, Value};
use serde_json::json;
use uuid::Uuid;

use super::batch::Batch;
use super::emit::{self, Emitted};
use super::sight::Sight;
use super::{UnitOfWork, receipts, stays};
use crate::problem::Error;
use crate::record::Record;

/// Records whose references take less time to check than another round trip.
const FEW: usize = 20;

/// What a tenant sets.
const SETTINGS: [Kind; 4] = [Kind::Stage, Kind::CustomField, Kind::RuleSet, Kind::Calendar];

impl UnitOfWork {
    /// Writes everything and tells the listeners. After an error nothing was written, except that an error of the
    /// connection during COMMIT leaves it open; a receipt makes the repetition safe.
    pub async fn commit(mut self) -> Result<(), Error> {
        let head = self.flush().await?;
        self.tx.commit().await?;
        if let Some(head) = head {
            self.state.pokes.moved(self.actor.tenant_id, head);
        }
        Ok(())
    }

    /// For a dry run: writes the rows, so that the database checks them, but not the feed, for whose clock others wait.
    /// Then the unit is as if it had just begun, except that it reads what was written. After an error the rows of this
    /// time are taken back. Nothing stays once the unit is dropped.
    pub async fn rehearse(&mut self) -> Result<(), DbErr> {
        self.has_rehearsed_settings |= SETTINGS.iter().any(|kind| self.is_touched(*kind));
        self.tx.execute_unprepared("SAVEPOINT rehearsal").await?;
        let written = self.write(self.rows(&mut Emitted::default())).await;
        self.tables.clear();
        self.sight = Sight::default();
        let end = if written.is_ok() { "RELEASE SAVEPOINT rehearsal" } else { "ROLLBACK TO SAVEPOINT rehearsal" };
        self.tx.execute_unprepared(end).await?;
        written
    }

    /// Writes the rows, so that the database checks them, and takes them back.
    pub async fn check(self) -> Result<(), Error> {
        self.write(self.rows(&mut Emitted::default())).await?;
        Ok(self.tx.rollback().await?)
    }

    /// What is to be stored; adds what the feed and the history are to get.
    fn rows(&self, emitted: &mut Emitted) -> Batch {
        let mut rows = Batch::default();
        for (sql, parameters) in self.tables.values().flat_map(|table| table.stage(emitted)) {
            rows.add(sql, parameters);
        }
        rows
    }

    async fn write(&self, rows: Batch) -> Result<(), DbErr> {
        if !rows.is_empty() {
            let (sql, values) = rows.alone();
            self.tx.execute_raw(self.statement(&sql, values)).await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<Option<i64>, DbErr> {
        let mut emitted = Emitted::default();
        let mut rows = self.rows(&mut emitted);
        if let Some(values) = std::mem::take(&mut self.receipts).parameters(self.actor.user_id, self.now) {
            rows.add(receipts::INSERT, values);
        }
        let (moved, later) = (self.moved(), std::mem::take(&mut self.later));
        // Small writes are one statement with the feed. What it refers to is checked at the end of a statement: of many rows
        // before the clock is taken. These are read by what follows:
        let read = [Kind::Account, Kind::AccountMember].iter().any(|kind| self.is_touched(*kind));
        if read || emitted.len() > FEW || !moved.is_empty() || !later.is_empty() {
            self.write(std::mem::take(&mut rows)).await?;
        }
        for (sql, values) in self.days() {
            rows.add(sql, values);
            // Two that add to the same day are not one statement.
            if read {
                self.write(std::mem::take(&mut rows)).await?;
            }
        }
        if !moved.is_empty() {
            self.tx.execute_raw(self.statement(stays::SQL, [moved.into()])).await?;
        }
        for statement in later {
            self.tx.execute_raw(statement).await?;
        }
        if emitted.is_empty() {
            self.write(rows).await?;
            return Ok(None);
        }
        let by = [self.now.into(), self.actor.user_id.into(), self.device.into()];
        let records = emitted.sql();
        let (sql, values) = rows.before(&records, emitted.parameters().chain(by).collect());
        let mut head = self.moved_clock(&sql, values).await?;
        let members = self.membership();
        if !members.is_empty() {
            head = self.moved_clock(emit::MEMBERS, [text_of(&members), self.now.into()]).await?.or(head);
        }
        if self.is_touched(Kind::Team) || self.is_touched(Kind::User) {
            head = self.moved_clock(emit::GRANTS, []).await?.or(head);
        }
        Ok(head)
    }

    async fn moved_clock(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<Option<i64>, DbErr> {
        let row = self.tx.query_one_raw(self.statement(sql, values)).await?;
        row.map(|row| row.try_get_by_index(0)).transpose()
    }

    fn is_touched(&self, kind: Kind) -> bool {
        self.tables.get(&kind).is_some_and(|table| table.is_touched())
    }

    /// Who came to an account that was there before, or left it.
    fn membership(&self) -> Vec<serde_json::Value> {
        let fresh: BTreeSet<Uuid> = self
            .peek::<account::Model>()
            .into_iter()
            .flat_map(|table| table.rows())
            .filter(|slot| slot.found.is_none())
            .map(|slot| slot.now.id)
            .collect();
        self.peek::<account_member::Model>()
            .into_iter()
            .flat_map(|table| table.rows())
            .filter(|slot| !fresh.contains(&slot.now.account_id))
            .filter_map(|slot| {
                let before = slot.found.as_ref().is_some_and(|found| !found.deleted());
                let gained = !slot.now.deleted();
                (before != gained).then(
                    || json!({ "account_id": slot.now.account_id, "user_id": slot.now.user_id, "gained": gained }),
                )
            })
            .collect()
    }
}

fn text_of(rows: &[serde_json::Value]) -> Value {
    serde_json::to_string(rows).expect("rows are plain data").into()
}
