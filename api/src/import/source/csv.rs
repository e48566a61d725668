//! CSV, row by row, in bounded memory. A quotation mark that is never closed costs its own line, not the rest of the file.

use std::collections::VecDeque;
use std::io::{self, BufReader};
use std::path::Path;

use encoding_rs::{Encoding, UTF_8};

use super::text::{Text, line};
use super::{Row, invalid};

/// Most bytes of a row of several lines; a quotation mark that is open for longer was a mistake.
const LONGEST_OPEN: usize = 64 << 10;

/// A place in a cell.
#[derive(Clone, Copy, PartialEq)]
enum At {
    Start,
    Plain,
    Quoted,
    /// After a quotation mark within a quoted cell: its end, or one half of a doubled one.
    Closing,
}

/// A file that is being read.
pub struct Csv {
    input: BufReader<Text>,
    encoding: &'static Encoding,
    delimiter: u8,
    pub headers: Vec<String>,
    /// Lines that were read too far, and whether each was cut.
    ahead: VecDeque<(Vec<u8>, bool)>,
    /// The number of the newest line, from 1.
    line: u64,
}

impl Csv {
    /// Opens a file whose first row names the columns.
    pub fn open(path: &Path, encoding: &'static Encoding, delimiter: char) -> io::Result<Self> {
        let delimiter = u8::try_from(delimiter).map_err(io::Error::other)?;
        let input = Text::open(path, encoding)?;
        let mut csv = Csv { input, encoding, delimiter, headers: Vec::new(), ahead: VecDeque::new(), line: 0 };
        let first = csv.row()?;
        let broken = first.as_ref().and_then(|row| row.broken.clone());
        if let Some(broken) = broken {
            return Err(invalid(format!("its first row cannot be read: {broken}")));
        }
        let headers = first.map(|row| row.cells).unwrap_or_default();
        csv.headers = headers.into_iter().map(|name| name.trim().to_owned()).collect();
        Ok(csv)
    }

    /// Bytes of the file that were read.
    pub fn read(&self) -> u64 {
        self.input.get_ref().read
    }

    /// The next row that is not empty.
    pub fn row(&mut self) -> io::Result<Option<Row>> {
        let (first, cut) = loop {
            match self.take()? {
                None => return Ok(None),
                Some((line, _)) if line.trim_ascii().is_empty() => {}
                Some(line) => break line,
            }
        };
        let line = self.line;
        if cut {
            let (cells, _) = self.split(&first)?;
            return Ok(Some(Row::broken(line, cells, "is longer than 1 MiB: a row has its own line")));
        }
        let mut row = first.clone();
        let mut at = self.after(At::Start, &row);
        let mut further = Vec::new();
        while at == At::Quoted && row.len() < LONGEST_OPEN {
            let Some(next) = self.take()? else { break };
            at = self.after(at, &next.0);
            row.extend_from_slice(&next.0);
            further.push(next);
        }
        let (cells, is_sound) = self.split(&row)?;
        let width = self.headers.len();
        let fits = width == 0 || cells.len() == width;
        if at == At::Quoted || (!fits && !further.is_empty()) {
            self.line -= further.len() as u64;
            while let Some(line) = further.pop() {
                self.ahead.push_front(line);
            }
            let (cells, _) = self.split(&first)?;
            let broken = "a quotation mark is not closed: close it, or double it within a quoted text";
            return Ok(Some(Row::broken(line, cells, broken)));
        }
        Ok(Some(if !fits {
            let reason = format!("has {} columns where the first row names {width}", cells.len());
            Row::broken(line, cells, reason)
        } else if !is_sound {
            Row::broken(line, cells, format!("is not {}: save the file in one encoding", self.encoding.name()))
        } else {
            Row::plain(line, cells)
        }))
    }

    fn take(&mut self) -> io::Result<Option<(Vec<u8>, bool)>> {
        if let Some(line) = self.ahead.pop_front() {
            self.line += 1;
            return Ok(Some(line));
        }
        let (mut read, mut cut) = (Vec::new(), false);
        let found = line(&mut self.input, &mut read, &mut cut)?;
        self.line += u64::from(found);
        Ok(found.then_some((read, cut)))
    }

    fn split(&self, row: &[u8]) -> io::Result<(Vec<String>, bool)> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(self.delimiter)
            .buffer_capacity(row.len().max(1))
            .from_reader(row);
        let mut cells = csv::ByteRecord::new();
        reader.read_byte_record(&mut cells).map_err(io::Error::other)?;
        // In UTF-8 a letter that cannot be read is still there; from other encodings it came as U+FFFD.
        let is_sound = cells.iter().all(|cell| match std::str::from_utf8(cell) {
            Ok(text) => self.encoding == UTF_8 || !text.contains('\u{fffd}'),
            Err(_) => false,
        });
        Ok((cells.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect(), is_sound))
    }

    /// Where in a cell the text ends that begins at `at`. A quotation mark counts at the start of a cell only, as everywhere.
    fn after(&self, mut at: At, text: &[u8]) -> At {
        for &byte in text {
            at = match (at, byte) {
                (At::Start | At::Closing, b'"') => At::Quoted,
                (At::Quoted, b'"') => At::Closing,
                (At::Quoted, _) => At::Quoted,
                (_, byte) if byte == self.delimiter || byte == b'\n' => At::Start,
                _ => At::Plain,
            };
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// Line, cells joined by `|`, and whether it is broken.
    fn read(text: &[u8]) -> Vec<(u64, String, bool)> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text).unwrap();
        let mut rows = Csv::open(file.path(), UTF_8, ',').unwrap();
        let mut found = Vec::new();
        while let Some(row) = rows.row().unwrap() {
            found.push((row.line, row.cells.join("|"), row.broken.is_some()));
        }
        assert_eq!(rows.read() as usize, text.len());
        found
    }

    #[test]
    fn rows_know_their_lines() {
        let text = "\u{feff}a,b\r\n1,\"two\r\nlines\"\r\n\r\n\"say \"\"hi\"\"\",5\" pipe\r\n3,4";
        assert_eq!(
            read(text.as_bytes()),
            [
                (2, "1|two\r\nlines".to_owned(), false),
                (5, "say \"hi\"|5\" pipe".to_owned(), false),
                (6, "3|4".to_owned(), false),
            ]
        );
    }

    #[test]
    fn an_open_quotation_mark_costs_one_row() {
        // Once nothing closes it, once a later row does.
        assert_eq!(
            read(b"a,b\n1,\"2\n3,4\n5,6\n"),
            [(2, "1|2\n".to_owned(), true), (3, "3|4".to_owned(), false), (4, "5|6".to_owned(), false),]
        );
        assert_eq!(
            read(b"a,b\n1,\"2\n3,4\n\"5\",6\n7,8\n"),
            [
                (2, "1|2\n".to_owned(), true),
                (3, "3|4".to_owned(), false),
                (4, "5|6".to_owned(), false),
                (5, "7|8".to_owned(), false),
            ]
        );
    }

    #[test]
    fn rows_of_another_width_or_encoding_are_broken() {
        assert_eq!(
            read(b"a,b\n1\n1,2,3\n\xff,2\n1,2\n"),
            [
                (2, "1".to_owned(), true),
                (3, "1|2|3".to_owned(), true),
                (4, "\u{fffd}|2".to_owned(), true),
                (5, "1|2".to_owned(), false),
            ]
        );
    }
}
