//! Reads page by page in one snapshot and hands over what a client takes. A task of its own holds the transaction; a client
//! that hangs up or stops taking ends it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{io, mem};

use entity::kind::Kind;
use futures_util::stream;
use poem::Body;
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseTransaction, DbBackend, EntityName, IsolationLevel, Iterable, Statement,
    TransactionTrait, Value,
};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::columns::{cells, columns_with};
use crate::auth::Actor;
use crate::custom_field::{customizable, defined};
use crate::problem::{Code, Error, Refusal};
use crate::read::visible;
use crate::record::Record;
use crate::state::State;
use crate::sync::cursor::{Clock, Cursor};
use crate::sync::pull::write_change;
use crate::with_record;
use crate::work::text;

/// Records of a page.
const PAGE: i64 = 500;
/// Exports that a server streams at the same time: each holds a connection and a snapshot.
const AT_ONCE: usize = 4;
/// As many of them may be of one tenant, however slowly its clients read.
const OF_ONE_TENANT: usize = 2;
/// Seconds after which there may be room for another.
const AGAIN: u32 = 10;
/// How long a client may take for a page, and for all of it.
const PATIENCE: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// What a server needs to export: tenant and user of each export that goes on.
#[derive(Clone, Default)]
pub struct Exporter(Arc<Mutex<Vec<(Uuid, Uuid)>>>);

/// One of them, until it is dropped.
struct Turn {
    exporter: Exporter,
    of: (Uuid, Uuid),
}

impl Exporter {
    /// Reps and managers have one turn each, so that nobody takes those of the whole company.
    fn begin(&self, actor: &Actor) -> Result<Turn, Refusal> {
        let mut going_on = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = (actor.tenant_id, actor.user_id);
        let busy = |detail: String| Refusal { retry_after: Some(AGAIN), ..Refusal::new(Code::TooManyRequests, detail) };
        if !actor.sees_all() && going_on.contains(&of) {
            return Err(busy(format!(
                "You have an export going on, which is all that you may have at a time. Read it to its end or close its \
                 connection, and try again in {AGAIN} s."
            )));
        }
        if going_on.iter().filter(|(tenant_id, _)| *tenant_id == actor.tenant_id).count() == OF_ONE_TENANT {
            return Err(busy(format!(
                "Your company has {OF_ONE_TENANT} exports going on, which is all that it may have. Try again in {AGAIN} s."
            )));
        }
        if going_on.len() == AT_ONCE {
            return Err(Refusal::unavailable(AGAIN));
        }
        going_on.push(of);
        Ok(Turn { exporter: self.clone(), of })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut going_on = self.exporter.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = going_on.iter().position(|of| *of == self.of) {
            going_on.swap_remove(at);
        }
    }
}

/// What is exported, and as what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One kind as CSV, which may begin with a mark.
    Table { kind: Kind, mark: bool },
    /// One kind, a document a line.
    Documents(Kind),
    /// All kinds, a change a line as a pull sends it.
    Changes,
}

impl Form {
    /// What is referred to comes first.
    fn kinds(self) -> VecDeque<Kind> {
        match self {
            Form::Table { kind, .. } | Form::Documents(kind) => VecDeque::from([kind]),
            Form::Changes => Kind::iter().collect(),
        }
    }
}

/// An export that has begun.
pub struct Begun {
    pub body: Body,
    /// Of the snapshot.
    pub cursor: Cursor,
}

/// What is exported, and to whom.
struct Export {
    actor: Actor,
    form: Form,
    /// What is left: of the first of these, the records after `at`.
    kinds: VecDeque<Kind>,
    at: Uuid,
    /// Only what has changed after this number, deletions too.
    since: Option<i64>,
    /// Of a table.
    columns: Vec<String>,
}

/// 410: the only remedy is to begin anew.
pub fn expired() -> Refusal {
    let detail = "This snapshot is too old to go on from, or somebody else's. Export all again, without `since`.";
    Refusal::new(Code::CursorExpired, detail)
}

/// Begins; everything that can be refused is refused here.
pub async fn begin(state: &State, actor: &Actor, form: Form, since: Option<Cursor>) -> Result<Begun, Error> {
    let turn = state.exporter.begin(actor)?;
    let (sender, receiver) = mpsc::channel(1);
    let (inner, actor) = (state.clone(), actor.clone());
    // The task ends by itself whoever hangs up, so that no transaction is left half begun.
    let cursor = state
        .run(async move {
            let snapshot =
                inner.db.begin_with_config(Some(IsolationLevel::RepeatableRead), Some(AccessMode::ReadOnly)).await?;
            let clock = clock(&snapshot, actor.tenant_id).await?;
            if since.as_ref().is_some_and(|since| !since.holds(&clock)) {
                return Err(expired().into());
            }
            let cursor = Cursor { epoch: clock.epoch, since: clock.head, ..Cursor::start(&actor) };
            let since = since.map(|since| since.since);
            let mut columns = Vec::new();
            if let Form::Table { kind, .. } = form {
                let own = match customizable(kind) {
                    Some(of) => defined(&snapshot, actor.tenant_id, Some(of)).await?,
                    None => Vec::new(),
                };
                columns = columns_with(kind, &own);
                columns.extend(since.map(|_| "deleted".to_owned()));
            }
            let mut export = Export { actor, form, kinds: form.kinds(), at: Uuid::nil(), since, columns };
            let mut first = export.head();
            let more = export.page(&snapshot, &mut first).await?;
            tokio::spawn(async move { send(&inner, export, snapshot, first, more, &sender, turn).await });
            Ok::<_, Error>(cursor)
        })
        .await?;
    let pages = stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) });
    Ok(Begun { body: Body::from_bytes_stream(pages), cursor })
}

async fn clock(snapshot: &DatabaseTransaction, tenant_id: Uuid) -> Result<Clock, Error> {
    let sql = "SELECT head, epoch, pruned FROM sync_clock WHERE tenant_id = $1";
    let asked = Statement::from_sql_and_values(DbBackend::Postgres, sql, [tenant_id.into()]);
    let row = snapshot.query_one_raw(asked).await?.ok_or_else(|| Error::Internal("the tenant has no clock".into()))?;
    Ok(Clock { head: row.try_get_by_index(0)?, epoch: row.try_get_by_index(1)?, pruned: row.try_get_by_index(2)? })
}

/// Sends page after page. A stream that breaks off is not whole, which HTTP tells the client.
async fn send(
    state: &State,
    mut export: Export,
    snapshot: DatabaseTransaction,
    first: Vec<u8>,
    mut more: bool,
    sender: &mpsc::Sender<io::Result<Vec<u8>>>,
    turn: Turn,
) {
    let end = tokio::time::Instant::now() + LONGEST;
    let mut page = first;
    loop {
        let is_taken = sender.send_timeout(Ok(mem::take(&mut page)), PATIENCE).await.is_ok();
        let broken = match (is_taken && more, state.stopping.is_cancelled() || tokio::time::Instant::now() > end) {
            (false, _) => break,
            (true, true) => Some("the export was given up".to_owned()),
            (true, false) => match export.page(&snapshot, &mut page).await {
                Ok(goes_on) => {
                    more = goes_on;
                    None
                }
                Err(cause) => {
                    tracing::error!("an export broke off: {cause}");
                    Some("the export broke off".to_owned())
                }
            },
        };
        if let Some(told) = broken {
            let _ = sender.send_timeout(Err(io::Error::other(told)), PATIENCE).await;
            break;
        }
    }
    if let Err(cause) = snapshot.rollback().await {
        tracing::warn!("an export's snapshot was not given back: {cause}");
    }
    // Before the sender, and so before the body ends: who has read it all may begin another.
    drop(turn);
}

impl Export {
    /// What comes before the records.
    fn head(&self) -> Vec<u8> {
        let Form::Table { mark, .. } = self.form else { return Vec::new() };
        let mut head = if mark { Vec::from("\u{feff}") } else { Vec::new() };
        write_row(&mut head, &self.columns);
        head
    }

    /// Adds the next records, of as many kinds as have room; false if these were the last.
    async fn page(&mut self, snapshot: &DatabaseTransaction, page: &mut Vec<u8>) -> Result<bool, Error> {
        let mut room = PAGE;
        while let Some(kind) = self.kinds.front().copied() {
            room -= with_record!(kind, M => self.read::<M>(snapshot, page, room).await)?;
            if room == 0 {
                return Ok(true);
            }
            self.kinds.pop_front();
            self.at = Uuid::nil();
        }
        Ok(false)
    }

    /// Adds the next records of a kind; how many.
    async fn read<M: Record>(
        &mut self,
        snapshot: &DatabaseTransaction,
        page: &mut Vec<u8>,
        room: i64,
    ) -> Result<i64, Error> {
        let (sql, values) = self.statement::<M>(room);
        let rows = snapshot.query_all_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
        for row in &rows {
            let record = M::from_query_result(row, "")?;
            self.at = record.id();
            self.write(&record, page);
        }
        Ok(rows.len() as i64)
    }

    fn write<M: Record>(&self, record: &M, page: &mut Vec<u8>) {
        match self.form {
            Form::Table { .. } => write_row(page, &cells(&self.columns, &document(record))),
            Form::Documents(_) => {
                page.extend_from_slice(document(record).to_string().as_bytes());
                page.push(b'\n');
            }
            Form::Changes => {
                let document = (!record.deleted()).then(|| text(record));
                let document = document.as_deref().map(str::as_bytes);
                write_change(page, M::KIND.as_str(), record.id(), record.revision(), document);
                page.push(b'\n');
            }
        }
    }

    /// `$1` tenant, `$2` user, `$3` the last id, `$4` how many, `$5` since.
    fn statement<M: Record>(&self, room: i64) -> (String, Vec<Value>) {
        let actor = &self.actor;
        let seen = if actor.sees_all() { "$2::uuid IS NOT NULL".to_owned() } else { visible(M::KIND) };
        let mut values: Vec<Value> = vec![actor.tenant_id.into(), actor.user_id.into(), self.at.into(), room.into()];
        let live = match self.since {
            None => "t.deleted_at IS NULL".to_owned(),
            Some(since) => {
                values.push(since.into());
                format!(
                    "EXISTS (SELECT FROM feed f WHERE f.tenant_id = $1 AND f.record_id = t.id AND f.kind = '{}' AND f.seq > $5)",
                    M::KIND
                )
            }
        };
        let table = <M::Table as Default>::default();
        let sql = format!(
            "SELECT t.* FROM \"{}\" t WHERE t.tenant_id = $1 AND t.id > $3 AND {live} AND {seen} ORDER BY t.id LIMIT $4",
            table.table_name()
        );
        (sql, values)
    }
}

/// The record as REST answers it, or that it is gone.
fn document<M: Record>(record: &M) -> serde_json::Value {
    if record.deleted() {
        serde_json::json!({ "id": record.id(), "revision": record.revision(), "deleted": true })
    } else {
        record.to_json().unwrap_or_default()
    }
}

fn write_row(page: &mut Vec<u8>, cells: &[String]) {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(page);
    writer
        .write_record(cells)
        .and_then(|()| writer.flush().map_err(Into::into))
        .expect("memory takes what it is given");
}

#[cfg(test)]
mod tests {
    use entity::kind::Role;

    use super::*;

    fn actor(tenant: u128, user: u128, role: Role) -> Actor {
        Actor { tenant_id: Uuid::from_u128(tenant), user_id: Uuid::from_u128(user), role, may_write: true }
    }

    #[test]
    fn no_tenant_takes_all_turns_and_one_that_ends_makes_room() {
        let exporter = Exporter::default();
        let begin = |tenant| exporter.begin(&actor(tenant, 1, Role::Admin)).map_err(|refusal| refusal.code);
        let mut going_on: Vec<Turn> = (0..AT_ONCE).filter_map(|_| begin(1).ok()).collect();
        assert_eq!((going_on.len(), begin(1).err()), (OF_ONE_TENANT, Some(Code::TooManyRequests)));
        going_on.extend((2..10).filter_map(|tenant| begin(tenant).ok()));
        assert_eq!((going_on.len(), begin(10).err()), (AT_ONCE, Some(Code::Unavailable)));
        going_on.remove(0);
        assert!(begin(1).is_ok_and(|turn| turn.of.0 == Uuid::from_u128(1)));
        going_on.clear();
        assert!(exporter.0.lock().unwrap().is_empty());
    }

    #[test]
    fn whoever_has_a_turn_leaves_the_other_to_a_colleague() {
        for role in [Role::Rep, Role::Manager] {
            let exporter = Exporter::default();
            let begin = |tenant, user| exporter.begin(&actor(tenant, user, role));
            let own = begin(1, 1).unwrap_or_else(|refusal| panic!("{refusal}"));
            let refused = begin(1, 1).err().expect("a second one");
            assert_eq!((refused.code, refused.retry_after), (Code::TooManyRequests, Some(AGAIN)));
            assert!(refused.detail.starts_with("You have an export going on"), "{}", refused.detail);
            assert!(begin(2, 1).is_ok(), "somebody of another company");
            let colleague = begin(1, 2);
            assert!(colleague.is_ok());
            let refused = begin(1, 3).err().expect("a third one");
            assert!(refused.detail.starts_with("Your company has 2 exports going on"), "{}", refused.detail);
            drop(own);
            assert!(begin(1, 2).is_err());
            assert!(begin(1, 1).is_ok());
        }
    }
}
