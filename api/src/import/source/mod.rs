//! Files as rows of named cells, whatever they are: CSV in any common encoding, JSON lines, a sheet of a workbook. What a
//! file is decides its content, never its name. All of it reads in bounded memory; what would not is refused.
//!
//! `Source` is a file that was looked at, `Rows` one reading of it. `encoding` finds out how a text is written, `unpacked`
//! keeps what is compressed from growing without end, `markup` what a workbook is made of. What cells mean is `draft`'s.

mod csv;
mod encoding;
mod json_lines;
mod markup;
mod sheet;
mod text;
mod unpacked;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use encoding_rs::Encoding;
use tempfile::NamedTempFile;

use csv::Csv;
use json_lines::JsonLines;
use sheet::Sheet;

/// Most bytes of one row.
const LONGEST_ROW: usize = 1 << 20;
/// Most columns of a file.
const MOST_COLUMNS: usize = 2_000;
/// Bytes from which the content is told.
pub const HEAD: usize = 8 << 10;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Csv,
    Ndjson,
    Xlsx,
}

impl Format {
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Ndjson => "ndjson",
            Format::Xlsx => "xlsx",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Format::Csv, Format::Ndjson, Format::Xlsx].into_iter().find(|format| format.as_str() == text)
    }
}

/// A file that was looked at.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    pub format: Format,
    /// How the text is written; UTF-8 where there is none.
    pub encoding: &'static Encoding,
    /// Bytes of it, unpacked.
    pub bytes: u64,
    /// The names that objects of JSON lines use, in the order in which they first appear.
    names: Vec<String>,
    /// What a packed file was unpacked to.
    _unpacked: Option<NamedTempFile>,
}

/// One row as it stands in the file.
#[derive(Debug)]
pub struct Row {
    /// The number of its first line, from 1; of a workbook, the number of the row.
    pub line: u64,
    pub cells: Vec<String>,
    /// Why it cannot be read.
    pub broken: Option<String>,
    /// Why single cells cannot be read, by their places.
    pub faults: BTreeMap<usize, String>,
}

impl Row {
    fn plain(line: u64, cells: Vec<String>) -> Self {
        Row { line, cells, broken: None, faults: BTreeMap::new() }
    }

    fn broken(line: u64, cells: Vec<String>, reason: impl Into<String>) -> Self {
        Row { line, cells, broken: Some(reason.into()), faults: BTreeMap::new() }
    }

    /// Bytes of memory that its cells take.
    pub fn bytes(&self) -> usize {
        self.cells.iter().map(|cell| size_of::<String>() + cell.len()).sum()
    }
}

/// A file that is being read.
pub struct Rows {
    pub headers: Vec<String>,
    input: Input,
}

enum Input {
    Csv(Csv),
    JsonLines(JsonLines),
    Sheet(Sheet),
}

fn invalid(problem: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem.into())
}

const DAMAGED: &str = "is a damaged workbook: open it in a spreadsheet program and save it as .xlsx again";

fn damaged() -> io::Error {
    invalid(DAMAGED)
}

/// Whether the first bytes of a file are of a kind that can be imported, before anything else is done with it.
pub fn check_head(head: &[u8]) -> Result<(), String> {
    if head.is_empty() {
        return Err("is empty: there is nothing to import".into());
    }
    if head.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
        return Err("is a workbook of an old Excel or one with a password: save it as .xlsx, without a password".into());
    }
    if head.starts_with(&unpacked::GZIP) || head.starts_with(&unpacked::ZIP) {
        return Ok(());
    }
    if let Some(found) = infer::get(head).filter(|found| found.matcher_type() != infer::MatcherType::Text) {
        return Err(format!("is {}, by its content: send CSV, JSON lines or XLSX", found.mime_type()));
    }
    encoding::of_head(head).map(drop)
}

impl Source {
    /// Looks at a whole file. `named`: the encoding that the mapping names. Blocks.
    ///
    /// # Errors
    /// `InvalidData` with a sentence about the file; anything else is the disk's.
    pub fn look(path: &Path, named: Option<&'static Encoding>) -> io::Result<Self> {
        let head = head(path)?;
        check_head(&head).map_err(invalid)?;
        let unpacked = if head.starts_with(&unpacked::GZIP) { Some(unpacked::gunzip(path)?) } else { None };
        let path = unpacked.as_ref().map_or(path, |file| file.path()).to_owned();
        let head = if unpacked.is_some() { self::head(&path)? } else { head };
        if unpacked.is_some() {
            check_head(&head).map_err(|told| invalid(format!("{told} (unpacked)")))?;
        }
        let bytes = std::fs::metadata(&path)?.len();
        let source =
            |format, encoding, names| Source { path: path.clone(), format, encoding, bytes, names, _unpacked: None };
        let mut source = if head.starts_with(&unpacked::ZIP) {
            unpacked::check_workbook(&path)?;
            source(Format::Xlsx, encoding_rs::UTF_8, Vec::new())
        } else {
            let encoding = match named {
                Some(encoding) => encoding,
                None => encoding::of_file(&path)?,
            };
            match json_lines::begins(&path, encoding)? {
                true => source(Format::Ndjson, encoding, json_lines::names(&path, encoding)?),
                false => source(Format::Csv, encoding, Vec::new()),
            }
        };
        source._unpacked = unpacked;
        Ok(source)
    }

    /// Begins to read it. `sheet`: of a workbook; without it, the first that is shown. Blocks.
    pub fn open(&self, delimiter: char, sheet: Option<&str>) -> io::Result<Rows> {
        let (headers, input) = match self.format {
            Format::Csv => {
                let csv = Csv::open(&self.path, self.encoding, delimiter)?;
                (csv.headers.clone(), Input::Csv(csv))
            }
            Format::Ndjson => {
                let lines = JsonLines::open(&self.path, self.encoding, &self.names)?;
                (self.names.clone(), Input::JsonLines(lines))
            }
            Format::Xlsx => {
                let sheet = Sheet::open(&self.path, sheet, self.bytes)?;
                (sheet.headers.clone(), Input::Sheet(sheet))
            }
        };
        if headers.len() > MOST_COLUMNS {
            return Err(invalid(format!("has {} columns; there may be {MOST_COLUMNS}", headers.len())));
        }
        Ok(Rows { headers, input })
    }
}

fn head(path: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    File::open(path)?.take(HEAD as u64).read_to_end(&mut head)?;
    Ok(head)
}

impl Rows {
    /// The place of a column, if exactly one has the name.
    pub fn column(&self, name: &str) -> Result<usize, String> {
        let mut places = self.headers.iter().enumerate().filter(|(_, header)| *header == name).map(|(place, _)| place);
        match (places.next(), places.next()) {
            (Some(place), None) => Ok(place),
            (None, _) => Err(format!("the file has no column `{name}`. It has {}", self.headers.join(", "))),
            (Some(_), Some(_)) => Err(format!("the file has several columns `{name}`: rename one of them")),
        }
    }

    /// The next row that is not empty. Blocks.
    pub fn row(&mut self) -> io::Result<Option<Row>> {
        match &mut self.input {
            Input::Csv(csv) => csv.row(),
            Input::JsonLines(lines) => lines.row(),
            Input::Sheet(sheet) => sheet.row(),
        }
    }

    /// About how many bytes of the file were read.
    pub fn read(&self) -> u64 {
        match &self.input {
            Input::Csv(csv) => csv.read(),
            Input::JsonLines(lines) => lines.read(),
            Input::Sheet(sheet) => sheet.read(),
        }
    }
}
