//! Runs what waits. A server takes an import on lease; if it dies, another goes on from the last rows that were committed.
//! The imports of a company run one after another, in the order in which they were asked for.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use entity::kind::{Kind, Role};
use entity::scalar::Timestamp;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::start::MAPPING;
use super::{plain_mapping, statement};
use crate::auth::Actor;
use crate::import::journal::{Kept, Reached};
use crate::import::open::{Files, Reading};
use crate::import::run::{Begun, Stopped, go_on};
use crate::import::source::{Format, Source};
use crate::import::{Count, Mapping};
use crate::problem::{Error, Refusal};
use crate::state::State;
use crate::tenant;

/// Imports that a server runs at the same time.
const AT_ONCE: usize = 2;
/// After so long without a sign of life an import is taken up by another server.
const LEASE: TimeDelta = TimeDelta::seconds(20);
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How often an import is taken up again that gets no further.
const TRIES: i32 = 5;
/// Files of a dry run are kept for a while, to be applied.
const FILES_KEPT: TimeDelta = TimeDelta::days(1);
const IMPORTS_KEPT: TimeDelta = TimeDelta::days(90);

/// What a server needs to import.
pub struct Importer {
    /// Bytes of the files of one import.
    pub most_bytes: u64,
    turns: Arc<Semaphore>,
}

impl Importer {
    pub const MOST_BYTES: u64 = 100 << 20;

    pub fn new(most_bytes: u64) -> Self {
        Importer { most_bytes, turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

/// Takes up all that there is room for, without waiting for them.
pub async fn take_up(state: &State) -> Result<(), Error> {
    for key in due(state).await? {
        let Ok(turn) = state.importer.turns.clone().try_acquire_owned() else { break };
        let state = state.clone();
        tokio::spawn(async move {
            if let Err(cause) = serve(&state, key).await {
                tracing::warn!(import = %key.1, "importing: {cause}");
            }
            drop(turn);
        });
    }
    Ok(())
}

/// The imports that wait or were left, by tenant and id, the oldest first; of each tenant one.
pub async fn due(state: &State) -> Result<Vec<(Uuid, Uuid)>, Error> {
    let sql = "
        SELECT tenant_id, id FROM (
            SELECT DISTINCT ON (tenant_id) tenant_id, id, leased_until FROM import
            WHERE status IN ('queued', 'running') ORDER BY tenant_id, id
        ) i WHERE leased_until IS NULL OR leased_until <= $1 ORDER BY id";
    let now = state.clock.now();
    let asked = Statement::from_sql_and_values(DbBackend::Postgres, sql, [now.into()]);
    let rows = state.db.query_all_raw(asked).await?;
    rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
}

/// An import that this server has on lease.
struct Held {
    kept: Kept,
    actor: Actor,
    kind: Option<Kind>,
    mapping: Option<String>,
    dry_run: bool,
    counts: Vec<Count>,
    reached: Reached,
    attempts: i32,
    is_cancelling: bool,
}

/// Runs one to its end, or as far as it goes. False if somebody else has it.
pub async fn serve(state: &State, key: (Uuid, Uuid)) -> Result<bool, Error> {
    let inner = state.clone();
    // A task of its own, so that no transaction is left half begun by whoever gives up waiting for it.
    state.run(async move { serve_here(&inner, key).await }).await
}

/// Like `serve`, for who ends together with it.
pub async fn serve_here(state: &State, (tenant_id, id): (Uuid, Uuid)) -> Result<bool, Error> {
    let Some(held) = hold(state, tenant_id, id).await? else { return Ok(false) };
    let (kept, over) = (held.kept.clone(), CancellationToken::new());
    // Ends also where this is dropped on its way.
    let guard = over.clone().drop_guard();
    tokio::spawn(beat(state.clone(), kept.clone(), over));
    let ended = work(state, held).await;
    drop(guard);
    end(state, &kept, ended).await?;
    Ok(true)
}

async fn hold(state: &State, tenant_id: Uuid, id: Uuid) -> Result<Option<Held>, Error> {
    let sql = "
        UPDATE import SET status = 'running', lease = $3, leased_until = $4, attempts = attempts + 1,
                          started_at = coalesce(started_at, $5::timestamptz)
        WHERE tenant_id = $1 AND id = $2 AND status IN ('queued', 'running')
          AND (leased_until IS NULL OR leased_until <= $5)
          AND NOT EXISTS (SELECT FROM import o WHERE o.tenant_id = $1 AND o.status IN ('queued', 'running') AND o.id < $2)
        RETURNING requested_by, kind, mapping, dry_run, counts::text AS counted, pass, row, attempts, cancelling";
    let (now, lease) = (state.clock.now(), Uuid::now_v7());
    let until = Timestamp::from(now.0 + LEASE);
    let asked = statement(tenant_id, sql, [id.into(), lease.into(), until.into(), now.into()]);
    let Some(row) = state.db.query_one_raw(asked).await? else { return Ok(None) };
    let counts: String = row.try_get("", "counted")?;
    let (kind, pass): (Option<String>, i32) = (row.try_get("", "kind")?, row.try_get("", "pass")?);
    let user_id = row.try_get("", "requested_by")?;
    Ok(Some(Held {
        kept: Kept { tenant_id, id, lease },
        // What may be imported was decided when it was asked for.
        actor: Actor { tenant_id, user_id, role: Role::Admin, may_write: true },
        kind: kind.as_deref().and_then(Kind::parse),
        mapping: row.try_get("", "mapping")?,
        dry_run: row.try_get("", "dry_run")?,
        counts: serde_json::from_str(&counts).map_err(|cause| Error::Internal(cause.to_string()))?,
        reached: Reached {
            pass: usize::try_from(pass).unwrap_or(0),
            row: row.try_get::<i64>("", "row")?.cast_unsigned(),
        },
        attempts: row.try_get("", "attempts")?,
        is_cancelling: row.try_get("", "cancelling")?,
    }))
}

/// Says that we live, as long as it is ours.
async fn beat(state: State, kept: Kept, over: CancellationToken) {
    let sql =
        "UPDATE import SET leased_until = $4 WHERE tenant_id = $1 AND id = $2 AND lease = $3 AND status = 'running'";
    while over.run_until_cancelled(tokio::time::sleep(HEARTBEAT)).await.is_some() {
        let until = Timestamp::from(state.clock.now().0 + LEASE);
        let values = [kept.id.into(), kept.lease.into(), until.into()];
        if let Err(cause) = state.db.execute_raw(statement(kept.tenant_id, sql, values)).await {
            tracing::warn!(import = %kept.id, "an import's lease was not renewed: {cause}");
        }
    }
}

async fn work(state: &State, mut held: Held) -> Result<(), Stopped> {
    if held.is_cancelling {
        return Err(Stopped::Lost);
    }
    if held.attempts > TRIES {
        return Err(Stopped::Failed(Refusal::internal().into()));
    }
    if held.dry_run {
        start_over(state, &mut held).await?;
    }
    let kept = &held.kept;
    let (folder, files) = unpack(state, kept).await?;
    let tenant = tenant::by_id(&state.db, kept.tenant_id).await?;
    let text = match &held.mapping {
        Some(text) => text.clone(),
        None => plain(&files, held.kind).await?,
    };
    let mapping = Mapping::parse(Path::new(MAPPING), &text).map_err(Stopped::Mapping)?;
    let begun = Begun {
        kept: kept.clone(),
        actor: held.actor.clone(),
        waiting: waiting(state, kept, held.reached.pass).await?,
        counts: held.counts,
        reached: held.reached,
        dry_run: held.dry_run,
    };
    let given = Files::Given(files.iter().map(|(name, path)| (name.clone(), path.clone())).collect());
    let opened = async |readings: &[Reading<'_>]| Ok(opened(state, kept, &text, &files, readings).await?);
    let done = go_on(state, &tenant, &mapping, &given, begun, opened).await;
    drop(folder);
    done
}

/// What a dry run did before is not there any more.
async fn start_over(state: &State, held: &mut Held) -> Result<(), Error> {
    (held.counts, held.reached) = (Vec::new(), Reached::default());
    let sql = "DELETE FROM import_row WHERE tenant_id = $1 AND import_id = $2";
    state.db.execute_raw(statement(held.kept.tenant_id, sql, [held.kept.id.into()])).await?;
    Ok(())
}

async fn waiting(state: &State, kept: &Kept, pass: usize) -> Result<Vec<u64>, Error> {
    let sql = "SELECT place FROM import_row WHERE tenant_id = $1 AND import_id = $2 AND pass = $3 AND reason IS NULL";
    let pass = i32::try_from(pass).unwrap_or(i32::MAX);
    let rows = state.db.query_all_raw(statement(kept.tenant_id, sql, [kept.id.into(), pass.into()])).await?;
    rows.iter().map(|row| Ok(row.try_get_by_index::<i64>(0)?.cast_unsigned())).collect()
}

/// The files that were sent, by name, in the order of their numbers, each where it lies now.
type Unpacked = Vec<(String, std::path::PathBuf)>;

/// Puts the files where programs can read them, piece by piece.
async fn unpack(state: &State, kept: &Kept) -> Result<(TempDir, Unpacked), Error> {
    let broken = |cause: std::io::Error| Error::Internal(format!("the files of an import: {cause}"));
    let folder = tempfile::Builder::new().prefix("waypost-import-").tempdir().map_err(broken)?;
    let sql = "SELECT number, name, bytes FROM import_file WHERE tenant_id = $1 AND import_id = $2 ORDER BY number";
    let mut files = Vec::new();
    for row in state.db.query_all_raw(statement(kept.tenant_id, sql, [kept.id.into()])).await? {
        let (number, name, bytes): (i32, String, i64) =
            (row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        let path = folder.path().join(number.to_string());
        let mut file = std::fs::File::create(&path).map_err(broken)?;
        let (mut written, mut piece) = (0, 0);
        let sql =
            "SELECT bytes FROM import_chunk WHERE tenant_id = $1 AND import_id = $2 AND file = $3 AND number = $4";
        loop {
            let values: [sea_orm::Value; 3] = [kept.id.into(), number.into(), piece.into()];
            let Some(row) = state.db.query_one_raw(statement(kept.tenant_id, sql, values)).await? else { break };
            let bytes: Vec<u8> = row.try_get_by_index(0)?;
            file.write_all(&bytes).map_err(broken)?;
            written += bytes.len();
            piece += 1;
        }
        if i64::try_from(written).unwrap_or(i64::MAX) != bytes {
            return Err(Refusal::invalid("/file", format!("{name} is not there any more. Send it again.")).into());
        }
        files.push((name, path));
    }
    Ok((folder, files))
}

/// The mapping of the one file whose columns are called as our fields are.
async fn plain(files: &Unpacked, kind: Option<Kind>) -> Result<String, Stopped> {
    let ([(name, path)], Some(kind)) = (files.as_slice(), kind) else {
        return Err(Stopped::Failed(Error::Internal("an import has neither a mapping nor a kind".into())));
    };
    let (name, path) = (name.clone(), path.clone());
    let made = tokio::task::spawn_blocking(move || plain_mapping(&name, &path, kind)).await;
    let made = made.map_err(|cause| Error::Internal(format!("reading a file stopped: {cause}")))?;
    Ok(made.map_err(|told| Refusal::invalid("/file", told)).map_err(Error::from)?)
}

/// Keeps what was found out about the files.
async fn opened(
    state: &State,
    kept: &Kept,
    mapping: &str,
    files: &Unpacked,
    readings: &[Reading<'_>],
) -> Result<(), Error> {
    let numbers: BTreeMap<&Path, i32> =
        files.iter().zip(0..).map(|((_, path), number)| (path.as_path(), number)).collect();
    let number = |reading: &Reading<'_>| numbers.get(reading.path.as_path()).copied().unwrap_or_default();
    let sql = "UPDATE import SET mapping = $3, pass_files = $4 WHERE tenant_id = $1 AND id = $2";
    let pass_files: Vec<i32> = readings.iter().map(number).collect();
    state.db.execute_raw(statement(kept.tenant_id, sql, [kept.id.into(), mapping.into(), pass_files.into()])).await?;
    for reading in readings {
        let Source { format, encoding, .. } = &*reading.source;
        let encoding = (*format != Format::Xlsx).then(|| encoding.name().to_owned());
        let headers: Vec<String> = reading.headers.iter().map(|name| name.replace('\0', "\u{fffd}")).collect();
        let sql = "UPDATE import_file SET format = $4, encoding = $5, headers = $6
                   WHERE tenant_id = $1 AND import_id = $2 AND number = $3";
        let values: [sea_orm::Value; 5] =
            [kept.id.into(), number(reading).into(), format.as_str().into(), encoding.into(), headers.into()];
        state.db.execute_raw(statement(kept.tenant_id, sql, values)).await?;
    }
    Ok(())
}

/// Writes down how it ended.
async fn end(state: &State, kept: &Kept, ended: Result<(), Stopped>) -> Result<(), Error> {
    let (status, error) = match ended {
        Ok(()) => ("done", None),
        Err(Stopped::Mapping(wrong)) => ("failed", Some(wrong.to_string())),
        Err(Stopped::Failed(Error::Refusal(refusal))) => {
            ("failed", Some(refusal.detail.trim_start_matches("/file: ").to_owned()))
        }
        Err(Stopped::Failed(cause)) => {
            // It is taken up again when the lease ends: the database may be back by then.
            return Err(cause);
        }
        Err(Stopped::Interrupted) => {
            let sql =
                "UPDATE import SET leased_until = NULL, attempts = 0 WHERE tenant_id = $1 AND id = $2 AND lease = $3";
            let values = [kept.id.into(), kept.lease.into()];
            state.db.execute_raw(statement(kept.tenant_id, sql, values)).await?;
            return Ok(());
        }
        Err(Stopped::Lost) => ("cancelled", None),
    };
    // Who has lost it to another server, and not to somebody who cancelled it, writes nothing.
    let sql = "UPDATE import SET status = $4, error = $5, finished_at = $6, leased_until = NULL, lease = NULL,
                                 percent = CASE WHEN $4 = 'done' THEN 100 ELSE percent END
               WHERE tenant_id = $1 AND id = $2 AND lease = $3 AND status = 'running' AND ($4 <> 'cancelled' OR cancelling)
               RETURNING dry_run";
    let now = state.clock.now();
    let values: [sea_orm::Value; 5] = [
        kept.id.into(),
        kept.lease.into(),
        status.into(),
        error.map(|text| text.replace('\0', "\u{fffd}")).into(),
        now.into(),
    ];
    let Some(row) = state.db.query_one_raw(statement(kept.tenant_id, sql, values)).await? else { return Ok(()) };
    let is_tried: bool = row.try_get_by_index(0)?;
    if !(is_tried && status == "done") {
        super::upload::throw_away(state, kept.tenant_id, kept.id).await?;
    }
    Ok(())
}

/// Forgets files that nobody applied or that never became an import, and old imports.
pub async fn forget(state: &State) -> Result<(), Error> {
    let now = state.clock.now().0;
    let files = "DELETE FROM import_chunk c WHERE c.received_at < $1 AND NOT EXISTS (
                     SELECT FROM import i WHERE i.tenant_id = c.tenant_id AND i.id = c.import_id AND i.status IN ('queued', 'running'))";
    let imports = "DELETE FROM import WHERE finished_at < $1";
    for (sql, before) in [(files, now - FILES_KEPT), (imports, now - IMPORTS_KEPT)] {
        let asked = Statement::from_sql_and_values(DbBackend::Postgres, sql, [Timestamp::from(before).into()]);
        state.db.execute_raw(asked).await?;
    }
    Ok(())
}
