//! The whole of an import: checks the files against the mapping, then reads them in its order, chunk by chunk. The same for
//! the command and for the API; they differ in where files lie and where the journal is kept.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use encoding_rs::Encoding;
use entity::kind::Kind;
use entity::tenant;
use sha2::{Digest, Sha256};

use super::journal::{Journal, Kept, Place, Reached, Verdict, broken};
use super::mapping::{Mapping, MappingError};
use super::open::{Files, Reading, blocking, open, rows_of};
use super::own::own;
use super::refused::Refused;
use super::source::{Format, Row, Rows};
use super::summary::{Count, Summary};
use super::write::{Item, Task, Writer};
use crate::auth::Actor;
use crate::problem::Error;
use crate::state::State;
use crate::tenant::create::NewTenant;

/// Rows a commit.
const CHUNK: usize = 500;
/// Bytes of rows that are enough for a commit, however few rows they are: one may have 1 MiB.
const CHUNK_BYTES: usize = 1 << 20;

/// Rows of a file after which a database that was small may plan by new statistics; then whenever they have doubled.
const FIRST_STATISTICS: u64 = 1_000;

/// How to import.
#[derive(Clone, Debug)]
pub struct Options {
    pub files: Files,
    /// Where refused rows go; `None`: beside the files.
    pub refused: Option<PathBuf>,
    /// Do everything but keep it. One transaction: rows that it would change stay locked until it ends.
    pub dry_run: bool,
    /// For a dry run: the tenant is not there, and is made only for it.
    pub made_up: Option<NewTenant>,
}

/// How far an import is.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A file of so many bytes is begun.
    Begun {
        path: &'a Path,
        kind: Kind,
        bytes: u64,
        format: Format,
        encoding: &'static Encoding,
    },
    /// So many bytes and rows of it were read.
    Read {
        bytes: u64,
        rows: u64,
    },
    Ended(&'a Count),
}

/// Why an import stopped. Chunks that were committed before stay; the next run goes on from there.
#[derive(Debug)]
pub enum Stopped {
    /// The mapping and the files do not go together. Nothing was written.
    Mapping(MappingError),
    /// It is no longer ours: cancelled, or taken up by another server.
    Lost,
    /// The server stops.
    Interrupted,
    Failed(Error),
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stopped::Mapping(cause) => cause.fmt(f),
            Stopped::Lost => f.write_str("the import was cancelled or taken up elsewhere"),
            Stopped::Interrupted => f.write_str("the server stops"),
            Stopped::Failed(cause) => cause.fmt(f),
        }
    }
}

impl std::error::Error for Stopped {}

impl From<Error> for Stopped {
    fn from(cause: Error) -> Self {
        Stopped::Failed(cause)
    }
}

/// Imports the files that the mapping names into a tenant. Run it inside `State::run`.
pub async fn run(
    state: &State,
    tenant: &tenant::Model,
    mapping: &Mapping,
    options: &Options,
    progress: impl FnMut(Progress<'_>) + Send,
) -> Result<Summary, Stopped> {
    let zone = zone(tenant)?;
    let refused = Refused::new(options.refused.as_deref());
    let actor = Actor::system(tenant.id);
    let own = own(state, &actor, mapping).await?.map_err(Stopped::Mapping)?;
    let readings = open(mapping, &options.files, &own, zone).await?;
    for (number, reading) in readings.iter().enumerate() {
        refused.prepare(&reading.path).map_err(|cause| {
            let target = refused.target(&reading.path);
            let told = format!(
                "refused rows cannot be written to {}: {cause}. Name another folder with --refused-dir",
                target.display()
            );
            Stopped::Mapping(mapping.error(number, "path", told))
        })?;
    }
    let counts = readings.iter().map(|reading| Count::new(reading.pass.path.clone(), reading.pass.kind)).collect();
    let files = readings.iter().map(|reading| (reading.path.clone(), reading.headers.clone())).collect();
    let journal = Journal::new(counts, Place::Files(refused, files));
    let writer = Writer::begin(state, actor, zone, options.dry_run, options.made_up.as_ref()).await?;
    let journal = import(state, writer, &readings, journal, progress).await?;
    let refused = match journal.place {
        Place::Files(refused, _) => refused.finish().map_err(|cause| broken("the files of refused rows", &cause))?,
        Place::Kept(_) => Vec::new(),
    };
    Ok(Summary { dry_run: options.dry_run, counts: journal.counts, refused })
}

/// What an import of the API goes on from.
pub struct Begun {
    pub kept: Kept,
    /// The one who asked for it.
    pub actor: Actor,
    /// Empty: it has not begun.
    pub counts: Vec<Count>,
    pub reached: Reached,
    pub waiting: Vec<u64>,
    pub dry_run: bool,
}

/// Goes on with an import of the API. `opened` is told the files once they were looked at.
pub async fn go_on(
    state: &State,
    tenant: &tenant::Model,
    mapping: &Mapping,
    files: &Files,
    begun: Begun,
    opened: impl AsyncFnOnce(&[Reading<'_>]) -> Result<(), Stopped>,
) -> Result<(), Stopped> {
    let zone = zone(tenant)?;
    let own = own(state, &begun.actor, mapping).await?.map_err(Stopped::Mapping)?;
    let readings = open(mapping, files, &own, zone).await?;
    opened(&readings).await?;
    let fresh = || readings.iter().map(|reading| Count::new(reading.pass.path.clone(), reading.pass.kind)).collect();
    let counts = if begun.counts.len() == readings.len() { begun.counts } else { fresh() };
    let (reached, waiting) = (begun.reached, begun.waiting);
    let journal = Journal { reached, waiting, ..Journal::new(counts, Place::Kept(begun.kept)) };
    let writer = Writer::begin(state, begun.actor, zone, begun.dry_run, None).await?;
    import(state, writer, &readings, journal, |_| {}).await.map(drop)
}

fn zone(tenant: &tenant::Model) -> Result<Tz, Error> {
    let unknown = |_| Error::Internal(format!("the tenant's time zone {} is not known", tenant.time_zone));
    tenant.time_zone.parse().map_err(unknown)
}

impl Journal {
    fn new(counts: Vec<Count>, place: Place) -> Self {
        Journal { counts, reached: Reached::default(), is_reading: true, percent: 0, waiting: Vec::new(), place }
    }
}

/// What an external id is remembered by: a digest, so that a million of them take little room.
type Digested = [u8; 16];

fn digested(key: &str) -> Digested {
    let whole = Sha256::digest(key);
    let mut digested = Digested::default();
    digested.copy_from_slice(&whole[..16]);
    digested
}

/// Reads everything, from where the journal stands.
async fn import(
    state: &State,
    writer: Writer<'_>,
    readings: &[Reading<'_>],
    journal: Journal,
    mut progress: impl FnMut(Progress<'_>) + Send,
) -> Result<Journal, Stopped> {
    let bytes = readings.iter().map(|reading| reading.source.bytes).sum();
    let mut import = Import { state, writer, journal, bytes, before: 0 };
    for (number, reading) in readings.iter().enumerate() {
        if number >= import.journal.reached.pass {
            import.journal.turn_to(number, &state.db).await?;
            let task = import.writer.task(reading.pass).await?;
            let end = import.read(reading, &task, &mut progress).await?;
            import.write_waiting(reading, &task).await?;
            end?;
            progress(Progress::Ended(import.journal.count()));
        }
        import.before += reading.source.bytes;
    }
    Ok(import.journal)
}

struct Import<'a> {
    state: &'a State,
    writer: Writer<'a>,
    journal: Journal,
    /// Bytes of all readings, and of those that are behind.
    bytes: u64,
    before: u64,
}

/// After the last rows of a file: whether it ends there, or cannot be read any further.
type End = Option<Result<(), Stopped>>;

/// The next rows.
async fn chunk(mut rows: Rows, path: &Path) -> Result<(Rows, Vec<Row>, End), Stopped> {
    let (rows, chunk, end) = blocking(move || {
        let (mut chunk, mut bytes) = (Vec::with_capacity(CHUNK), 0);
        while chunk.len() < CHUNK && bytes < CHUNK_BYTES {
            match rows.row() {
                Ok(Some(row)) => {
                    bytes += row.bytes();
                    chunk.push(row);
                }
                Ok(None) => return (rows, chunk, Some(Ok(()))),
                Err(cause) => return (rows, chunk, Some(Err(cause))),
            }
        }
        (rows, chunk, None)
    })
    .await?;
    let stopped = |cause: &io::Error| broken(&path.display().to_string(), cause);
    match end {
        Some(Err(cause)) if cause.kind() != io::ErrorKind::InvalidData => Err(stopped(&cause)),
        end => Ok((rows, chunk, end.map(|end| end.map_err(|cause| stopped(&cause))))),
    }
}

impl Import<'_> {
    /// Reads it to its end, or as far as it can be read.
    async fn read(
        &mut self,
        reading: &Reading<'_>,
        task: &Task<'_>,
        progress: &mut (impl FnMut(Progress<'_>) + Send),
    ) -> Result<Result<(), Stopped>, Stopped> {
        let Reading { pass, path, source, .. } = reading;
        let (format, encoding) = (source.format, source.encoding);
        progress(Progress::Begun { path: &pass.path, kind: pass.kind, bytes: source.bytes, format, encoding });
        let rows = rows_of(source, pass.delimiter, pass.sheet.clone()).await?;
        let mut rows = rows.map_err(|cause| broken(&path.display().to_string(), &cause))?;
        self.journal.is_reading = true;
        // By external id: the line of its row, and its fingerprint.
        let mut seen: HashMap<Digested, (u64, u64)> = HashMap::new();
        let (mut place, mut next_statistics, mut end): (u64, u64, End) = (0, FIRST_STATISTICS, None);
        while end.is_none() {
            self.may_go_on()?;
            let read;
            (rows, read, end) = chunk(rows, &pass.path).await?;
            let mut items = Vec::with_capacity(read.len());
            for row in read {
                place += 1;
                let found = reading.reader.draft(&row).map_err(Verdict::Refused);
                let found = found.and_then(|draft| {
                    match seen.insert(digested(&draft.key()), (row.line, draft.fingerprint)) {
                        None => Ok(draft),
                        Some((line, fingerprint)) => {
                            // The first one stays.
                            seen.insert(digested(&draft.key()), (line, fingerprint));
                            Err(if fingerprint == draft.fingerprint {
                                Verdict::Repeated
                            } else {
                                let key = draft.key();
                                Verdict::Refused(format!(
                                    "line {line} has the externalId `{key}` too, with other values"
                                ))
                            })
                        }
                    }
                });
                // What an earlier run decided is only remembered.
                if place > self.journal.reached.row {
                    items.push(Item { line: row.line, place, cells: row.cells, found });
                }
            }
            self.journal.percent = self.percent(rows.read());
            if !items.is_empty() {
                self.writer.write(task, items, false, &mut self.journal).await?;
            }
            progress(Progress::Read { bytes: rows.read(), rows: self.journal.count().read });
            if self.journal.count().created >= next_statistics {
                self.writer.gather_statistics().await?;
                next_statistics = self.journal.count().created * 2;
            }
        }
        Ok(end.unwrap_or(Ok(())))
    }

    /// Rows that refer to rows further down: round after round, until a round finds nothing new.
    async fn write_waiting(&mut self, reading: &Reading<'_>, task: &Task<'_>) -> Result<(), Stopped> {
        let mut is_last = false;
        self.journal.is_reading = false;
        while !self.journal.waiting.is_empty() {
            let waiting: BTreeSet<u64> = std::mem::take(&mut self.journal.waiting).into_iter().collect();
            let rows = rows_of(&reading.source, reading.pass.delimiter, reading.pass.sheet.clone()).await?;
            let mut rows = rows.map_err(|cause| broken(&reading.path.display().to_string(), &cause))?;
            let (mut place, mut end, mut items, mut bytes): (u64, End, Vec<Item>, usize) = (0, None, Vec::new(), 0);
            while end.is_none() {
                self.may_go_on()?;
                let read;
                (rows, read, end) = chunk(rows, &reading.pass.path).await?;
                for row in read {
                    place += 1;
                    if waiting.contains(&place) {
                        bytes += row.bytes();
                        let found = reading.reader.draft(&row).map_err(Verdict::Refused);
                        items.push(Item { line: row.line, place, cells: row.cells, found });
                    }
                }
                let is_enough = items.len() >= CHUNK || bytes >= CHUNK_BYTES;
                if is_enough || (end.is_some() && !items.is_empty()) {
                    bytes = 0;
                    self.writer.write(task, std::mem::take(&mut items), is_last, &mut self.journal).await?;
                }
            }
            is_last = self.journal.waiting.len() == waiting.len();
        }
        Ok(())
    }

    fn may_go_on(&self) -> Result<(), Stopped> {
        if self.state.stopping.is_cancelled() { Err(Stopped::Interrupted) } else { Ok(()) }
    }

    fn percent(&self, read: u64) -> i32 {
        let done = u128::from(self.before + read) * 100;
        done.checked_div(u128::from(self.bytes)).and_then(|percent| i32::try_from(percent.min(99)).ok()).unwrap_or(99)
    }
}
