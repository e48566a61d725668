//! What is compressed, and may be made to grow without end: gzip is unpacked up to a size, a workbook is read through once
//! before anything of it is kept in memory.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use tempfile::NamedTempFile;
use zip::ZipArchive;

use super::invalid;

pub const GZIP: [u8; 2] = [0x1f, 0x8b];
pub const ZIP: [u8; 4] = *b"PK\x03\x04";

/// Most bytes that a packed file may come to.
const MOST: u64 = 512 << 20;
/// Most bytes of those parts of a workbook that are kept in memory: its texts and formats.
const MOST_KEPT: u64 = 64 << 20;
/// Most bytes of a text or a tag of a workbook: a cell of Excel's has 32,767 letters at most.
const LONGEST: usize = 1 << 20;
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

/// Whether the file is a workbook that can be read in bounded memory. What its directory says of sizes is not believed.
pub fn check_workbook(path: &Path) -> io::Result<()> {
    let damaged = || invalid("is a damaged workbook: open it in a spreadsheet program and save it as .xlsx again");
    let mut archive = ZipArchive::new(BufReader::new(File::open(path)?)).map_err(|_| damaged())?;
    if archive.index_for_name("xl/workbook.xml").is_none() {
        return Err(invalid("is a ZIP archive and no workbook: send CSV, JSON lines or XLSX, each file by itself"));
    }
    if archive.len() > PARTS {
        return Err(invalid("has too many parts for a workbook"));
    }
    let (mut all, mut kept) = (0, 0);
    for number in 0..archive.len() {
        let mut part = archive.by_index(number).map_err(|_| damaged())?;
        let name = part.name().map_err(|_| damaged())?.into_owned();
        let is_markup = name.ends_with(".xml") || name.ends_with(".rels");
        let is_kept = is_markup && !name.starts_with("xl/worksheets/");
        let (mut piece, mut run) = (vec![0; 64 << 10], 0);
        loop {
            let length = part.read(&mut piece).map_err(|_| damaged())?;
            if length == 0 {
                break;
            }
            all += length as u64;
            kept += if is_kept { length as u64 } else { 0 };
            if all > MOST || kept > MOST_KEPT {
                let (what, most) = if all > MOST { ("", MOST) } else { (" of texts", MOST_KEPT) };
                return Err(invalid(format!("unpacks to more than {} MiB{what}: split it, or send CSV", most >> 20)));
            }
            if is_markup {
                run = longest_run(&piece[..length], run).ok_or_else(|| invalid("holds a cell of more than 1 MiB"))?;
            }
        }
    }
    Ok(())
}

/// Bytes since the last `<`; `None` if there were too many at a time. `run`: those before this piece.
fn longest_run(piece: &[u8], mut run: usize) -> Option<usize> {
    let mut pieces = piece.split(|byte| *byte == b'<');
    run += pieces.next().map_or(0, <[u8]>::len);
    for piece in pieces {
        if run > LONGEST {
            return None;
        }
        run = piece.len();
    }
    (run <= LONGEST).then_some(run)
}
