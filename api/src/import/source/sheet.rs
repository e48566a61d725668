//! A sheet of a workbook, row by row. A thread reads ahead a little; it ends when nobody takes rows any more. Of a formula
//! the value counts that the spreadsheet program stored with it.

use std::fs::File;
use std::io::{self, BufReader};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use calamine::{DataRef, Reader, SheetType, SheetVisible, Xlsx, XlsxError};

use super::{DAMAGED, LONGEST_ROW, MOST_COLUMNS, Row, invalid};

/// Rows that the thread may be ahead; each may have 1 MiB.
const AHEAD: usize = 16;
/// Excel has no more rows.
const MOST_ROWS: u32 = 1 << 20;

type Told = Result<Row, String>;

pub struct Sheet {
    pub headers: Vec<String>,
    rows: Receiver<Told>,
    bytes: u64,
    /// Rows that the sheet says it has.
    height: u64,
    line: u64,
}

impl Sheet {
    /// `bytes`: of the file, to tell how much of it was read.
    pub fn open(path: &Path, name: Option<&str>, bytes: u64) -> io::Result<Self> {
        let (begun, answer) = sync_channel(1);
        let (sender, rows) = sync_channel(AHEAD);
        let (path, name) = (path.to_owned(), name.map(str::to_owned));
        thread::Builder::new().name("workbook".into()).spawn(move || {
            let read = catch_unwind(AssertUnwindSafe(|| read(&path, name.as_deref(), &begun, &sender)));
            // What the library panics at is not the end of the sheet.
            if let Err(told) = read.unwrap_or_else(|_| Err(DAMAGED.to_owned())) {
                // Whoever waits for the beginning hears it there.
                let _ = begun.send(Err(told.clone()));
                let _ = sender.send(Err(told));
            }
        })?;
        let height = answer.recv().map_err(io::Error::other)?.map_err(invalid)?;
        let mut sheet = Sheet { headers: Vec::new(), rows, bytes, height, line: 0 };
        if let Some(mut first) = sheet.next()? {
            while first.cells.last().is_some_and(|name| name.trim().is_empty()) {
                first.cells.pop();
            }
            sheet.headers = first.cells.into_iter().map(|name| name.trim().to_owned()).collect();
        }
        Ok(sheet)
    }

    pub fn read(&self) -> u64 {
        (self.bytes * self.line.min(self.height)).checked_div(self.height).unwrap_or(self.bytes)
    }

    fn next(&mut self) -> io::Result<Option<Row>> {
        match self.rows.recv() {
            Err(_) => Ok(None),
            Ok(Err(told)) => Err(invalid(told)),
            Ok(Ok(row)) => {
                self.line = row.line;
                Ok(Some(row))
            }
        }
    }

    /// The next row that is not empty, as wide as the first.
    pub fn row(&mut self) -> io::Result<Option<Row>> {
        let line = self.line;
        let next = self.next().map_err(|cause| invalid(format!("{cause}. It was read up to row {line}")))?;
        let Some(mut row) = next else { return Ok(None) };
        let width = self.headers.len();
        if row.cells.iter().skip(width).any(|cell| !cell.is_empty()) {
            row.broken = Some(format!("has {} columns where the first row names {width}", row.cells.len()));
        } else {
            row.cells.resize(width, String::new());
        }
        Ok(Some(row))
    }
}

fn damaged(cause: XlsxError) -> String {
    tracing::debug!("a workbook cannot be read: {cause}");
    DAMAGED.to_owned()
}

fn read(
    path: &Path,
    wanted: Option<&str>,
    begun: &SyncSender<Result<u64, String>>,
    rows: &SyncSender<Told>,
) -> Result<(), String> {
    let file = File::open(path).map_err(|cause| cause.to_string())?;
    let mut book = Xlsx::new(BufReader::new(file)).map_err(damaged)?;
    let mut sheets = book.sheets_metadata().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
    let known = || book.sheet_names().join(", ");
    let name = match wanted {
        Some(wanted) => sheets.find(|sheet| sheet.name == wanted).map(|sheet| sheet.name.clone()),
        None => sheets.find(|sheet| sheet.visible == SheetVisible::Visible).map(|sheet| sheet.name.clone()),
    };
    let name =
        name.ok_or_else(|| format!("has no sheet `{}`. It has {}", wanted.unwrap_or("that is shown"), known()))?;
    let mut cells = book.worksheet_cells_reader(&name).map_err(damaged)?;
    let _ = begun.send(Ok(u64::from(cells.dimensions().end.0) + 1));
    let (mut row, mut bytes): (Option<Row>, usize) = (None, 0);
    while let Some(cell) = cells.next_cell_with_formula_metadata().map_err(damaged)? {
        let (number, column) = (cell.pos.0, cell.pos.1 as usize);
        let line = u64::from(number) + 1;
        if number >= MOST_ROWS || column > MOST_COLUMNS {
            return Err(format!(
                "has a cell {}, beyond the {MOST_COLUMNS} columns and {MOST_ROWS} rows that can be imported: delete what stands there",
                place(number, column)
            ));
        }
        if row.as_ref().is_some_and(|row| row.line != line) && !sent(rows, row.take()) {
            return Ok(());
        }
        let row = row.get_or_insert_with(|| {
            bytes = 0;
            Row::plain(line, Vec::new())
        });
        let fault = match (&cell.value, &cell.formula) {
            (DataRef::Empty, Some(_)) => {
                Some("a formula without a stored value: open the file in a spreadsheet program and save it".to_owned())
            }
            (DataRef::Error(error), _) => Some(format!("the error {error}")),
            _ => None,
        };
        if let Some(fault) = fault {
            // A file may tell of the same cell millions of times.
            row.faults.entry(column).or_insert_with(|| format!("cell {} holds {fault}", place(number, column)));
        }
        let text = text(&cell.value);
        bytes += text.len();
        if bytes > LONGEST_ROW {
            row.broken = Some("is longer than 1 MiB".to_owned());
            continue;
        }
        if !text.is_empty() || column < row.cells.len() {
            if row.cells.len() <= column {
                row.cells.resize(column + 1, String::new());
            }
            row.cells[column] = text;
        }
    }
    sent(rows, row);
    Ok(())
}

/// False if nobody takes rows any more. Rows without anything in them are left out.
fn sent(rows: &SyncSender<Told>, row: Option<Row>) -> bool {
    let is_empty = |row: &Row| {
        row.broken.is_none() && row.faults.is_empty() && row.cells.iter().all(|cell| cell.trim().is_empty())
    };
    match row.filter(|row| !is_empty(row)) {
        Some(row) => rows.send(Ok(row)).is_ok(),
        None => true,
    }
}

/// `B7`
fn place(row: u32, mut column: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(b'A' + (column % 26) as u8);
        match column / 26 {
            0 => break,
            rest => column = rest - 1,
        }
    }
    letters.reverse();
    format!("{}{}", String::from_utf8_lossy(&letters), row + 1)
}

/// What a person would have typed: days and moments as in ISO 8601, numbers without what rounding left behind.
fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Empty => String::new(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => spelled(*number),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(flag) => flag.to_string(),
        DataRef::DateTime(moment) if moment.is_duration() => spelled(moment.as_f64()),
        DataRef::DateTime(moment) => match moment.as_datetime() {
            Some(moment) if moment.time() == chrono::NaiveTime::MIN => moment.format("%Y-%m-%d").to_string(),
            Some(moment) => moment.format("%Y-%m-%d %H:%M:%S").to_string(),
            None => spelled(moment.as_f64()),
        },
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::Error(error) => error.to_string(),
    }
}

/// To 15 digits, as spreadsheets show them: 0.1 + 0.2 is 0.3.
fn spelled(number: f64) -> String {
    let short: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    short.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_spelled_as_typed() {
        assert_eq!(spelled(0.1 + 0.2), "0.3");
        assert_eq!(spelled(12.0), "12");
        assert_eq!(spelled(-1_250_000.5), "-1250000.5");
        assert_eq!((place(6, 1), place(0, 25), place(0, 26), place(9, 701), place(9, 702)), {
            let [a, b, c, d, e] = ["B7", "Z1", "AA1", "ZZ10", "AAA10"].map(str::to_owned);
            (a, b, c, d, e)
        });
    }
}
