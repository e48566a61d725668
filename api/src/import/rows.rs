//! CSV, row by row, in bounded memory. A quotation mark that is never closed costs its own line, not the rest of the file.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// Most bytes of one row; a quotation mark that is open for longer was a mistake.
const LONGEST_ROW: usize = 64 << 10;

/// A file that is being read.
pub struct Rows {
    input: BufReader<File>,
    delimiter: u8,
    pub headers: Vec<String>,
    /// Lines that were read too far.
    ahead: VecDeque<Vec<u8>>,
    /// The number of the newest line, from 1.
    line: u64,
    /// Bytes of the file that were read.
    pub read: u64,
}

/// One row as it stands in the file.
pub struct Row {
    /// The number of its first line, from 1.
    pub line: u64,
    pub cells: Vec<String>,
    /// Why it cannot be read.
    pub broken: Option<String>,
}

impl Rows {
    /// Opens a file in UTF-8, with or without a byte order mark, whose first row names the columns.
    pub fn open(path: &Path, delimiter: char) -> io::Result<Self> {
        let delimiter = u8::try_from(delimiter).map_err(io::Error::other)?;
        let mut rows = Rows {
            input: BufReader::new(File::open(path)?),
            delimiter,
            headers: Vec::new(),
            ahead: VecDeque::new(),
            line: 0,
            read: 0,
        };
        if rows.input.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
            rows.input.consume(3);
        }
        let first = rows.row()?;
        let broken = first.as_ref().and_then(|row| row.broken.clone());
        if let Some(broken) = broken {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("its first row cannot be read: {broken}")));
        }
        let headers = first.map(|row| row.cells).unwrap_or_default();
        rows.headers = headers.into_iter().map(|name| name.trim().to_owned()).collect();
        Ok(rows)
    }

    /// The place of a column, if exactly one has the name.
    pub fn column(&self, name: &str) -> Result<usize, String> {
        let mut places = self.headers.iter().enumerate().filter(|(_, header)| *header == name).map(|(place, _)| place);
        match (places.next(), places.next()) {
            (Some(place), None) => Ok(place),
            (None, _) => Err(format!("the file has no column `{name}`. It has {}", self.headers.join(", "))),
            (Some(_), Some(_)) => Err(format!("the file has several columns `{name}`: rename one of them")),
        }
    }

    /// The next row that is not empty.
    pub fn row(&mut self) -> io::Result<Option<Row>> {
        let first = loop {
            match self.take()? {
                None => return Ok(None),
                Some(line) if line.trim_ascii().is_empty() => {}
                Some(line) => break line,
            }
        };
        let line = self.line;
        let mut row = first.clone();
        let mut further = Vec::new();
        while self.is_open(&row) && row.len() < LONGEST_ROW {
            let Some(next) = self.take()? else { break };
            row.extend_from_slice(&next);
            further.push(next);
        }
        let (cells, is_utf8) = self.split(&row)?;
        let width = self.headers.len();
        let fits = width == 0 || cells.len() == width;
        if self.is_open(&row) || (!fits && !further.is_empty()) {
            self.line -= further.len() as u64;
            while let Some(line) = further.pop() {
                self.ahead.push_front(line);
            }
            let (cells, _) = self.split(&first)?;
            let broken = Some("a quotation mark is not closed: close it, or double it within a quoted text".to_owned());
            return Ok(Some(Row { line, cells, broken }));
        }
        let broken = if !fits {
            Some(format!("has {} columns where the first row names {width}", cells.len()))
        } else if !is_utf8 {
            Some("is not UTF-8: save the file in that encoding".to_owned())
        } else {
            None
        };
        Ok(Some(Row { line, cells, broken }))
    }

    fn take(&mut self) -> io::Result<Option<Vec<u8>>> {
        if let Some(line) = self.ahead.pop_front() {
            self.line += 1;
            return Ok(Some(line));
        }
        let mut line = Vec::new();
        let length = self.input.read_until(b'\n', &mut line)?;
        self.read += length as u64;
        self.line += u64::from(length > 0);
        Ok((length > 0).then_some(line))
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
        let is_utf8 = cells.iter().all(|cell| std::str::from_utf8(cell).is_ok());
        Ok((cells.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect(), is_utf8))
    }

    /// Whether the text ends within a quoted cell. A quotation mark counts at the start of a cell only, as everywhere.
    fn is_open(&self, text: &[u8]) -> bool {
        #[derive(PartialEq)]
        enum At {
            Start,
            Plain,
            Quoted,
            /// After a quotation mark within a quoted cell: its end, or one half of a doubled one.
            Closing,
        }
        let mut at = At::Start;
        for &byte in text {
            at = match (at, byte) {
                (At::Start | At::Closing, b'"') => At::Quoted,
                (At::Quoted, b'"') => At::Closing,
                (At::Quoted, _) => At::Quoted,
                (_, byte) if byte == self.delimiter || byte == b'\n' => At::Start,
                _ => At::Plain,
            };
        }
        at == At::Quoted
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
        let mut rows = Rows::open(file.path(), ',').unwrap();
        let mut found = Vec::new();
        while let Some(row) = rows.row().unwrap() {
            found.push((row.line, row.cells.join("|"), row.broken.is_some()));
        }
        assert_eq!(rows.read as usize, text.len() - if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 });
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
