//! The files of a mapping: found, looked at and checked against it, before anything is written.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono_tz::Tz;
use encoding_rs::Encoding;

use super::draft::Reader;
use super::journal::broken;
use super::mapping::{From as Origin, Lookup, Mapping, Pass};
use super::own::Own;
use super::run::Stopped;
use super::source::{Format, Rows, Source};
use crate::problem::Error;

/// Most bytes that all lookups of an import keep in memory.
const MOST_LOOKED_UP: usize = 64 << 20;
/// About what an entry takes beside its texts.
const ENTRY: usize = 100;

/// Where the files of a mapping are.
#[derive(Clone, Debug)]
pub enum Files {
    Folder(PathBuf),
    /// Files that were sent, by their names, and where each lies. Nothing else is opened, whatever the mapping says.
    Given(BTreeMap<String, PathBuf>),
}

impl Files {
    /// Where the file lies that a mapping calls `path`.
    pub fn find(&self, path: &Path) -> Result<PathBuf, String> {
        match self {
            Files::Folder(folder) => Ok(folder.join(path)),
            Files::Given(given) => {
                let named = path.to_str().and_then(|name| given.get(name));
                let only = given.values().next().filter(|_| given.len() == 1);
                named.or(only).cloned().ok_or_else(|| {
                    let names: Vec<&str> = given.keys().map(String::as_str).collect();
                    format!("no file of this name was sent, but {}", names.join(", "))
                })
            }
        }
    }
}

/// Runs what takes its time and asks no database, where nobody waits for it.
pub async fn blocking<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> Result<T, Stopped> {
    let stopped = |cause| Stopped::Failed(Error::Internal(format!("reading a file stopped: {cause}")));
    tokio::task::spawn_blocking(job).await.map_err(stopped)
}

/// A pass whose file goes with the mapping.
pub struct Reading<'a> {
    pub pass: &'a Pass,
    pub path: PathBuf,
    pub source: Arc<Source>,
    pub headers: Vec<String>,
    pub reader: Reader<'a>,
}

/// Files that were looked at, so that none is looked at twice.
#[derive(Default)]
struct Looked(HashMap<PathBuf, Arc<Source>>);

impl Looked {
    async fn at(&mut self, path: &Path, named: Option<&'static Encoding>) -> Result<io::Result<Arc<Source>>, Stopped> {
        if let Some(known) = self.0.get(path) {
            return Ok(Ok(known.clone()));
        }
        let file = path.to_owned();
        let looked = blocking(move || Source::look(&file, named)).await?;
        Ok(looked.map(|source| {
            let source = Arc::new(source);
            self.0.insert(path.to_owned(), source.clone());
            source
        }))
    }
}

/// Checks each pass against its file.
pub async fn open<'a>(
    mapping: &'a Mapping,
    files: &Files,
    own: &'a [Own],
    zone: Tz,
) -> Result<Vec<Reading<'a>>, Stopped> {
    let (mut looked, mut readings, mut room) = (Looked::default(), Vec::new(), MOST_LOOKED_UP);
    for (number, (pass, own)) in mapping.passes.iter().zip(own).enumerate() {
        let wrong = |key: &str, problem: String| Stopped::Mapping(mapping.error(number, key, problem));
        let cannot = |key: &str, path: &Path, cause: &io::Error| match (cause.kind(), files) {
            (io::ErrorKind::InvalidData, _) => wrong(key, format!("the file {cause}")),
            (_, Files::Folder(_)) => {
                wrong(key, format!("{} cannot be read: {cause}. Correct `path`, or give --folder", path.display()))
            }
            (_, Files::Given(_)) => broken("a file that was sent", cause),
        };
        let path = files.find(&pass.path).map_err(|told| wrong("path", told))?;
        let source = looked.at(&path, pass.named_encoding()).await?.map_err(|cause| cannot("path", &path, &cause))?;
        let rows = rows_of(&source, pass.delimiter, pass.sheet.clone()).await?;
        let rows = rows.map_err(|cause| cannot("path", &path, &cause))?;
        let named: BTreeMap<String, String> = pass.columns().into_iter().collect();
        let mut columns = HashMap::new();
        for (column, key) in &named {
            columns.insert(column.clone(), rows.column(column).map_err(|told| wrong(key, told))?);
        }
        let mut lookups = BTreeMap::new();
        for (field, origin) in &pass.fields {
            let Origin::Lookup(lookup) = &origin.from else { continue };
            let key = format!("fields.{field}.lookup");
            let other = files.find(&lookup.path).map_err(|told| wrong(&key, told))?;
            let source = looked.at(&other, None).await?.map_err(|cause| cannot(&key, &other, &cause))?;
            let rows = rows_of(&source, lookup.delimiter, None).await?.map_err(|cause| cannot(&key, &other, &cause))?;
            for column in [&lookup.matching, &lookup.take] {
                rows.column(column).map_err(|told| wrong(&key, told))?;
            }
            let lookup = lookup.clone();
            let found = blocking(move || first_rows(&lookup, rows, room)).await?;
            let (found, left) = found.map_err(|cause| cannot(&key, &other, &cause))?;
            room = left;
            lookups.insert(field.clone(), found);
        }
        let guarded = source.format != Format::Ndjson;
        let reader = Reader::new(pass, columns, lookups, own, zone, guarded);
        readings.push(Reading { pass, path, source, headers: rows.headers, reader });
    }
    Ok(readings)
}

pub async fn rows_of(
    source: &Arc<Source>,
    delimiter: char,
    sheet: Option<String>,
) -> Result<io::Result<Rows>, Stopped> {
    let source = source.clone();
    blocking(move || source.open(delimiter, sheet.as_deref())).await
}

/// `matching` → `take`, of the first row that has both; and what is left of the room.
fn first_rows(lookup: &Lookup, mut rows: Rows, mut room: usize) -> io::Result<(HashMap<String, String>, usize)> {
    let column = |name: &str| rows.column(name).map_err(io::Error::other);
    let (matching, take) = (column(&lookup.matching)?, column(&lookup.take)?);
    let mut found = HashMap::new();
    while let Some(row) = rows.row()? {
        if let (None, Some(key), Some(value)) = (row.broken, row.cells.get(matching), row.cells.get(take))
            && !value.trim().is_empty()
            && let Entry::Vacant(vacant) = found.entry(key.trim().to_owned())
        {
            let value = value.trim().to_owned();
            room = room.checked_sub(vacant.key().len() + value.len() + ENTRY).ok_or_else(too_much)?;
            vacant.insert(value);
        }
    }
    Ok((found, room))
}

fn too_much() -> io::Error {
    let told = format!(
        "has too much to look up: an import looks up {} MiB at most. Take out rows that nothing asks for",
        MOST_LOOKED_UP >> 20
    );
    io::Error::new(io::ErrorKind::InvalidData, told)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_lookup_takes_the_first_rows_as_far_as_there_is_room() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"code,name\na,Alpha\nb,\na,Again\nb,Beta\n").unwrap();
        let lookup = Lookup {
            path: file.path().to_owned(),
            delimiter: ',',
            matching: "code".to_owned(),
            column: "product".to_owned(),
            take: "name".to_owned(),
        };
        let find = |room| first_rows(&lookup, Source::look(file.path(), None).unwrap().open(',', None).unwrap(), room);
        let needed = 2 * ENTRY + "aAlphabBeta".len();
        let (found, left) = find(needed + 1).unwrap();
        assert_eq!((found.len(), found["a"].as_str(), found["b"].as_str(), left), (2, "Alpha", "Beta", 1));
        assert_eq!(find(needed - 1).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
