//! What is compressed, and may be made to grow without end: gzip is unpacked up to a size, a workbook is read through once
//! before anything of it is kept in memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use tempfile::NamedTempFile;
use zip::ZipArchive;

use super::markup::{self, Part};
use super::{damaged, invalid};

pub const GZIP: [u8; 2] = [0x1f, 0x8b];
pub const ZIP: [u8; 4] = *b"PK\x03\x04";

/// Most bytes that a packed file may come to.
const MOST: u64 = 512 << 20;
/// Most bytes of those parts of a workbook that are kept in memory: its texts and formats.
const MOST_KEPT: u64 = 64 << 20;
/// Most bytes of its formats, of which each is kept as a multiple of what it takes in the file.
const FORMATS: u64 = 16 << 20;
/// Most parts of a workbook.
const PARTS: usize = 10_000;

/// The unpacked file, which is gone when it is dropped.
pub fn gunzip(path: &Path) -> io::Result<NamedTempFile> {
    let mut unpacked = NamedTempFile::new()?;
    let mut packed = MultiGzDecoder::new(BufReader::new(File::open(path)?)).take(MOST + 1);
    let mut piece = vec![0; 64 << 10];
    let mut bytes = 0;
    loop {
        let length = match packed.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => length,
            Err(_) => return Err(invalid("is a damaged gzip file: send it again, or unpacked")),
        };
        bytes += length as u64;
        if bytes > MOST {
            return Err(invalid(format!("unpacks to more than {} MiB: split it", MOST >> 20)));
        }
        unpacked.write_all(&piece[..length])?;
    }
    unpacked.flush()?;
    Ok(unpacked)
}

/// Bytes as they are unpacked, counted; too many are an error.
struct Counted<'a, R> {
    inner: R,
    bytes: u64,
    /// Those of the whole workbook, and those that are kept in memory.
    all: &'a mut u64,
    kept: Option<&'a mut u64>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(piece).map_err(|_| damaged())?;
        self.bytes += length as u64;
        *self.all += length as u64;
        let too_much = |what: &str, most: u64| {
            Err(invalid(format!("unpacks to more than {} MiB{what}: split it, or send CSV", most >> 20)))
        };
        if *self.all > MOST {
            return too_much("", MOST);
        }
        if let Some(kept) = &mut self.kept {
            **kept += length as u64;
            if **kept > MOST_KEPT {
                return too_much(" of texts", MOST_KEPT);
            }
        }
        Ok(length)
    }
}

/// Whether the file is a workbook that can be read in bounded memory. What its directory says of sizes is not believed.
pub fn check_workbook(path: &Path) -> io::Result<()> {
    // Before the library reads them all into memory.
    if parts(&mut BufReader::with_capacity(64 << 10, File::open(path)?))? > PARTS {
        return Err(invalid("has too many parts for a workbook"));
    }
    let mut archive = ZipArchive::new(BufReader::new(File::open(path)?)).map_err(|_| damaged())?;
    if archive.index_for_name("xl/workbook.xml").is_none() {
        return Err(invalid("is a ZIP archive and no workbook: send CSV, JSON lines or XLSX, each file by itself"));
    }
    let (mut all, mut kept) = (0, 0);
    for number in 0..archive.len() {
        let inner = archive.by_index(number).map_err(|_| damaged())?;
        // The library finds parts whatever their letters' case.
        let name = inner.name().map_err(|_| damaged())?.to_ascii_lowercase();
        let part = if name.ends_with("styles.xml") {
            Part::Formats
        } else if name.starts_with("xl/worksheets/") && name.ends_with(".xml") && !name.ends_with("sharedstrings.xml") {
            Part::Sheet
        } else {
            Part::Other
        };
        let is_markup = (name.ends_with(".xml") || name.ends_with(".rels")) && !name.starts_with("customxml/");
        let kept = Some(&mut kept).filter(|_| is_markup && part != Part::Sheet);
        let mut reader = BufReader::with_capacity(64 << 10, Counted { inner, bytes: 0, all: &mut all, kept });
        if is_markup {
            markup::check(&mut reader, part)?;
        } else if mentions(&mut reader, &[b"sheetData", b"definedName"])? {
            return Err(damaged());
        }
        if part == Part::Formats && reader.get_ref().bytes > FORMATS {
            return Err(damaged());
        }
    }
    Ok(())
}

/// How many parts a ZIP archive may have: each is named in its directory by an entry that begins with these bytes.
fn parts(reader: &mut impl BufRead) -> io::Result<usize> {
    const ENTRY: &[u8] = b"PK\x01\x02";
    let mut parts = 0;
    look_through(reader, ENTRY.len() - 1, |seen| {
        parts += seen.windows(ENTRY.len()).filter(|bytes| *bytes == ENTRY).count();
        false
    })?;
    Ok(parts)
}

/// Whether one of these words stands in it, as in markup that goes by another name.
fn mentions(reader: &mut impl BufRead, words: &[&[u8]]) -> io::Result<bool> {
    let longest = words.iter().map(|word| word.len()).max().unwrap_or(0);
    look_through(reader, longest, |seen| words.iter().any(|word| seen.windows(word.len()).any(|part| part == *word)))
}

/// Looks at it piece by piece until one `meets` what is looked for, and says whether one did. Each begins with the last bytes
/// of the one before, `overlap` of them.
fn look_through(reader: &mut impl BufRead, overlap: usize, mut meets: impl FnMut(&[u8]) -> bool) -> io::Result<bool> {
    let mut seen = Vec::new();
    loop {
        let piece = reader.fill_buf()?;
        let length = piece.len();
        if length == 0 {
            return Ok(false);
        }
        seen.extend_from_slice(piece);
        reader.consume(length);
        if meets(&seen) {
            return Ok(true);
        }
        seen.drain(..seen.len().saturating_sub(overlap));
    }
}
