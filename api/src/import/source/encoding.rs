//! How a text is written: by its mark, by what only one encoding can be, or by the best guess for what its letters say.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::{HEAD, invalid};

/// Bytes that the guess is made from: pieces that hold more than ASCII.
const ENOUGH: usize = 1 << 20;

/// In a file of UTF-8 that somebody spoilt, one letter in so many may be wrong; those rows are refused.
const SPOILT: u64 = 20;

/// By its mark, or by the zeros of UTF-16 where there is no mark; `None`: it is none of these.
pub fn of_head(head: &[u8]) -> Result<Option<&'static Encoding>, String> {
    if let Some((encoding, _)) = Encoding::for_bom(head) {
        return Ok(Some(encoding));
    }
    if !head.contains(&0) {
        return Ok(None);
    }
    // What stands between cells and lines has its zero behind it or in front. Zeros alone tell nothing: 一 has one too.
    let marks = |mark: usize, zero: usize| {
        head.chunks_exact(2).filter(|pair| pair[zero] == 0 && b",;\t\r\n\"".contains(&pair[mark])).count()
    };
    match (marks(0, 1), marks(1, 0)) {
        (little, big) if little >= 2 && big * 10 <= little => Ok(Some(UTF_16LE)),
        (little, big) if big >= 2 && little * 10 <= big => Ok(Some(UTF_16BE)),
        _ => Err("holds zero bytes and so is no text: send CSV, JSON lines or XLSX".into()),
    }
}

/// Reads the whole file, in bounded memory.
pub fn of_file(path: &Path) -> io::Result<&'static Encoding> {
    let mut file = File::open(path)?;
    let mut piece = vec![0; 64 << 10];
    let (mut letters, mut wrong, mut rest, mut first) = (0, 0, Vec::new(), true);
    loop {
        let length = file.read(&mut piece)?;
        if first {
            if let Some(encoding) = of_head(&piece[..length.min(HEAD)]).map_err(invalid)? {
                return Ok(encoding);
            }
            first = false;
        }
        rest.extend_from_slice(&piece[..length]);
        let is_over = length == 0;
        rest = count(&rest, is_over, &mut letters, &mut wrong);
        if is_over {
            break;
        }
    }
    if wrong == 0 || wrong * SPOILT < letters { Ok(UTF_8) } else { guess(path) }
}

/// Counts letters beyond ASCII and what is no UTF-8; answers the beginning of a letter whose end is still to come.
fn count(bytes: &[u8], is_over: bool, letters: &mut u64, wrong: &mut u64) -> Vec<u8> {
    let mut at = bytes;
    loop {
        let (valid, error) = match std::str::from_utf8(at) {
            Ok(text) => (text, None),
            Err(error) => {
                let (valid, _) = at.split_at(error.valid_up_to());
                (std::str::from_utf8(valid).unwrap_or_default(), Some(error))
            }
        };
        if !valid.is_ascii() {
            *letters += valid.chars().filter(|letter| !letter.is_ascii()).count() as u64;
        }
        match error {
            None => return Vec::new(),
            Some(error) => match error.error_len() {
                None if !is_over => return at[valid.len()..].to_vec(),
                None => {
                    *wrong += 1;
                    return Vec::new();
                }
                Some(length) => {
                    *wrong += 1;
                    at = &at[valid.len() + length..];
                }
            },
        }
    }
}

fn guess(path: &Path) -> io::Result<&'static Encoding> {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let mut file = File::open(path)?;
    let (mut piece, mut fed) = (vec![0; 64 << 10], 0);
    loop {
        let length = file.read(&mut piece)?;
        if length == 0 || fed >= ENOUGH {
            detector.feed(&[], true);
            return Ok(detector.guess(None, Utf8Detection::Deny));
        }
        if !piece[..length].is_ascii() {
            detector.feed(&piece[..length], false);
            fed += length;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn of(bytes: &[u8]) -> &'static str {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        of_file(file.path()).unwrap().name()
    }

    #[test]
    fn encodings_are_told_apart() {
        let text = "名称,行业,备注\n霍普光通信,光学,杭州的老客户\n联通,电信,每月拜访一次\n";
        let gbk = encoding_rs::GBK.encode(text).0.into_owned();
        let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(of(text.as_bytes()), "UTF-8");
        assert_eq!(of(format!("\u{feff}{text}").as_bytes()), "UTF-8");
        assert_eq!(of(b"name\nplain\n"), "UTF-8");
        assert_eq!(of(&gbk), "GBK");
        assert_eq!(of(&le), "UTF-16LE");
        assert_eq!(of(&be), "UTF-16BE");
        assert_eq!(of(&[b"\xff\xfe".as_slice(), &le].concat()), "UTF-16LE");
        assert_eq!(of(&encoding_rs::WINDOWS_1252.encode("name\nMüller & Söhne GmbH, Köln\n").0), "windows-1252");
        // One spoilt letter among many does not make it another encoding, also where a piece ends within a letter.
        let long = format!("{}\n", "霍普光通信,".repeat(20_000));
        assert_eq!(of(&[long.as_bytes(), b"\xff\n".as_slice(), long.as_bytes()].concat()), "UTF-8");
        assert!(of_head(b"MZ\0\0\x90\0\0\0\x01").is_err());
    }
}
