//! The whole of an import: checks the files against the mapping, then reads them in its order, chunk by chunk.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use entity::kind::Kind;
use entity::tenant;

use super::draft::{Draft, Reader};
use super::mapping::{From as Origin, Mapping, MappingError, Pass};
use super::refused::Refused;
use super::rows::Rows;
use super::store::Done;
use super::summary::{Count, Summary};
use super::write::{Task, Verdict, Writer};
use crate::problem::Error;
use crate::state::State;

/// Rows a commit.
const CHUNK: usize = 500;

/// Rows of a file after which a database that was small may plan by new statistics; then whenever they have doubled.
const FIRST_STATISTICS: u64 = 1_000;

/// How to import.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the files of the mapping lie.
    pub folder: PathBuf,
    /// Where refused rows go; `None`: beside the files.
    pub refused: Option<PathBuf>,
    /// Do everything but keep it. One transaction: rows that it would change stay locked until it ends.
    pub dry_run: bool,
}

/// How far an import is.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A file of so many bytes is begun.
    Begun {
        path: &'a Path,
        kind: Kind,
        bytes: u64,
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
    Failed(Error),
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stopped::Mapping(cause) => cause.fmt(f),
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
    mut progress: impl FnMut(Progress<'_>) + Send,
) -> Result<Summary, Stopped> {
    let zone: Tz = tenant
        .time_zone
        .parse()
        .map_err(|_| Error::Internal(format!("the tenant's time zone {} is not known", tenant.time_zone)))?;
    let mut refused = Refused::new(options.refused.as_deref());
    let mut readings = Vec::new();
    for number in 0..mapping.passes.len() {
        readings.push(open(mapping, number, options, &refused, zone)?);
    }
    let mut writer = Writer::begin(state, tenant.id, zone, options.dry_run).await?;
    let mut counts = Vec::new();
    for reading in &mut readings {
        let task = writer.task(reading.pass).await?;
        reading.import(&mut writer, &task, &mut refused, &mut progress).await?;
        progress(Progress::Ended(&reading.count));
        counts.push(reading.count.clone());
    }
    let refused = refused.finish().map_err(|cause| broken("the files of refused rows", &cause))?;
    Ok(Summary { dry_run: options.dry_run, counts, refused })
}

fn broken(what: &str, cause: &io::Error) -> Stopped {
    Stopped::Failed(Error::Internal(format!("{what}: {cause}")))
}

/// A pass whose file goes with the mapping.
struct Reading<'a> {
    pass: &'a Pass,
    path: PathBuf,
    reader: Reader<'a>,
    count: Count,
    /// By external id: the line of its row, and its fingerprint.
    seen: HashMap<String, (u64, u64)>,
    headers: Vec<String>,
}

/// Checks one pass against its file.
fn open<'a>(
    mapping: &'a Mapping,
    number: usize,
    options: &Options,
    refused: &Refused,
    zone: Tz,
) -> Result<Reading<'a>, Stopped> {
    let pass = &mapping.passes[number];
    let wrong = |key: &str, problem: String| Stopped::Mapping(mapping.error(number, key, problem));
    let path = options.folder.join(&pass.path);
    let rows = Rows::open(&path, pass.delimiter).map_err(|cause| {
        wrong("path", format!("{} cannot be read: {cause}. Correct `path`, or give --folder", path.display()))
    })?;
    let named: BTreeMap<String, String> = pass.columns().into_iter().collect();
    let mut columns = HashMap::new();
    for (column, key) in &named {
        columns.insert(column.clone(), rows.column(column).map_err(|told| wrong(key, told))?);
    }
    for (name, source) in &pass.fields {
        if let Origin::Lookup(lookup) = &source.from {
            let key = format!("fields.{name}.lookup");
            let other = options.folder.join(&lookup.path);
            let other = Rows::open(&other, lookup.delimiter)
                .map_err(|cause| wrong(&key, format!("{} cannot be read: {cause}", other.display())))?;
            for column in [&lookup.matching, &lookup.take] {
                other.column(column).map_err(|told| wrong(&key, told))?;
            }
        }
    }
    refused.prepare(&path).map_err(|cause| {
        wrong("path", format!("refused rows cannot be written beside {}: {cause}. Give --refused-dir", path.display()))
    })?;
    let reader =
        Reader::new(pass, columns, &options.folder, zone).map_err(|cause| wrong("fields", cause.to_string()))?;
    let count = Count::new(pass.path.clone(), pass.kind);
    Ok(Reading { pass, path, reader, count, seen: HashMap::new(), headers: rows.headers })
}

impl Reading<'_> {
    async fn import(
        &mut self,
        writer: &mut Writer<'_>,
        task: &Task<'_>,
        refused: &mut Refused,
        progress: &mut (impl FnMut(Progress<'_>) + Send),
    ) -> Result<(), Stopped> {
        let failed = |path: &Path, cause: io::Error| broken(&path.display().to_string(), &cause);
        let mut rows = Rows::open(&self.path, self.pass.delimiter).map_err(|cause| failed(&self.path, cause))?;
        let bytes = std::fs::metadata(&self.path).map_err(|cause| failed(&self.path, cause))?.len();
        progress(Progress::Begun { path: &self.pass.path, kind: self.pass.kind, bytes });
        let (mut waiting, mut next_statistics) = (Vec::new(), FIRST_STATISTICS);
        loop {
            let mut chunk = Vec::with_capacity(CHUNK);
            let mut is_over = false;
            while chunk.len() < CHUNK && !is_over {
                match rows.row().map_err(|cause| failed(&self.path, cause))? {
                    None => is_over = true,
                    Some(row) => {
                        self.count.read += 1;
                        match self.reader.draft(row) {
                            Ok(draft) => chunk.extend(self.first_of_its_key(draft, refused)?),
                            Err((row, reason)) => self.refuse(refused, row.line, &reason, &row.cells)?,
                        }
                    }
                }
            }
            waiting.extend(self.write(writer, task, chunk, false, refused).await?);
            progress(Progress::Read { bytes: rows.read, rows: self.count.read });
            if self.count.created >= next_statistics {
                writer.gather_statistics().await?;
                next_statistics *= 2;
            }
            if is_over {
                break;
            }
        }
        self.write_waiting(writer, task, waiting, refused).await
    }

    /// Rows that refer to rows further down: round after round, until a round finds nothing new.
    async fn write_waiting(
        &mut self,
        writer: &mut Writer<'_>,
        task: &Task<'_>,
        mut waiting: Vec<Draft>,
        refused: &mut Refused,
    ) -> Result<(), Stopped> {
        let mut is_last = false;
        while !waiting.is_empty() {
            let before = waiting.len();
            let mut rest = Vec::new();
            let mut drafts = waiting.into_iter().peekable();
            while drafts.peek().is_some() {
                let chunk = drafts.by_ref().take(CHUNK).collect();
                rest.extend(self.write(writer, task, chunk, is_last, refused).await?);
            }
            waiting = rest;
            is_last = waiting.len() == before;
        }
        Ok(())
    }

    /// The draft, unless an earlier row had its external id.
    fn first_of_its_key(&mut self, draft: Draft, refused: &mut Refused) -> Result<Option<Draft>, Stopped> {
        match self.seen.get(&draft.key) {
            None => {
                self.seen.insert(draft.key.clone(), (draft.line, draft.fingerprint));
                return Ok(Some(draft));
            }
            Some((_, fingerprint)) if *fingerprint == draft.fingerprint => self.count.repeated += 1,
            Some((line, _)) => {
                let reason = format!("line {line} has the externalId `{}` too, with other values", draft.key);
                self.refuse(refused, draft.line, &reason, &draft.cells)?;
            }
        }
        Ok(None)
    }

    /// Writes a chunk and answers the rows that wait for others.
    async fn write(
        &mut self,
        writer: &mut Writer<'_>,
        task: &Task<'_>,
        chunk: Vec<Draft>,
        is_last: bool,
        refused: &mut Refused,
    ) -> Result<Vec<Draft>, Stopped> {
        let mut waiting = Vec::new();
        if chunk.is_empty() {
            return Ok(waiting);
        }
        for (draft, verdict) in writer.write(task, chunk, is_last).await? {
            match verdict {
                Verdict::Done(Done::Created) => self.count.created += 1,
                Verdict::Done(Done::Updated) => self.count.updated += 1,
                Verdict::Done(Done::Unchanged) => self.count.unchanged += 1,
                Verdict::Waits => waiting.push(draft),
                Verdict::Refused(reason) => self.refuse(refused, draft.line, &reason, &draft.cells)?,
            }
        }
        Ok(waiting)
    }

    fn refuse(&mut self, refused: &mut Refused, line: u64, reason: &str, cells: &[String]) -> Result<(), Stopped> {
        self.count.refused += 1;
        refused
            .add(&self.path, &self.headers, self.pass.kind, line, reason, cells)
            .map_err(|cause| broken("the file of refused rows", &cause))
    }
}
