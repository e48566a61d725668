//! A text in any encoding, read as UTF-8 and line by line, in bounded memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use encoding_rs::{Decoder, Encoding, UTF_8};

use super::LONGEST_ROW;

/// A file whose bytes come out as UTF-8. What cannot be read comes out as U+FFFD, except that UTF-8 passes as it is.
pub struct Text {
    file: File,
    decoder: Option<Decoder>,
    raw: Vec<u8>,
    ready: String,
    /// How much of `ready` was taken.
    taken: usize,
    is_over: bool,
    /// Bytes of the file that were read.
    pub read: u64,
}

impl Text {
    pub fn open(path: &Path, encoding: &'static Encoding) -> io::Result<BufReader<Self>> {
        let mut file = File::open(path)?;
        let decoder = (encoding != UTF_8).then(|| encoding.new_decoder_with_bom_removal());
        let mut read = 0;
        if decoder.is_none() {
            let mut mark = [0; 3];
            let length = file.read(&mut mark)?;
            read = if length == 3 && mark == *b"\xef\xbb\xbf" { 3 } else { 0 };
            file.seek(SeekFrom::Start(read))?;
        }
        let text = Text { file, decoder, raw: vec![0; 16 << 10], ready: String::new(), taken: 0, is_over: false, read };
        Ok(BufReader::with_capacity(64 << 10, text))
    }
}

impl Read for Text {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let Some(decoder) = &mut self.decoder else {
            let length = self.file.read(out)?;
            self.read += length as u64;
            return Ok(length);
        };
        while self.taken == self.ready.len() && !self.is_over {
            let length = self.file.read(&mut self.raw)?;
            self.read += length as u64;
            self.is_over = length == 0;
            self.taken = 0;
            self.ready.clear();
            self.ready.reserve(decoder.max_utf8_buffer_length(length).unwrap_or(length * 4 + 16));
            // There is room for all of it.
            let _ = decoder.decode_to_string(&self.raw[..length], &mut self.ready, self.is_over);
        }
        let length = out.len().min(self.ready.len() - self.taken);
        out[..length].copy_from_slice(&self.ready.as_bytes()[self.taken..self.taken + length]);
        self.taken += length;
        Ok(length)
    }
}

/// The next line with its end; false if there is none. Of a line that is too long, its beginning, and true in `cut`.
pub fn line(input: &mut impl BufRead, line: &mut Vec<u8>, cut: &mut bool) -> io::Result<bool> {
    line.clear();
    *cut = false;
    loop {
        let piece = input.fill_buf()?;
        if piece.is_empty() {
            return Ok(!line.is_empty());
        }
        let end = piece.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        let length = end.unwrap_or(piece.len());
        let room = LONGEST_ROW.saturating_sub(line.len());
        *cut |= length > room;
        line.extend_from_slice(&piece[..length.min(room)]);
        input.consume(length);
        if end.is_some() {
            return Ok(true);
        }
    }
}
