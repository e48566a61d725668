//! Whether a file has its end. What a broken transfer or an interrupted recorder leaves begins like a good file, and no program
//! opens it. Pictures are not here, except HEIC: the others are decoded. Sounds that are streams are not either: what there is
//! of one is played.

use std::io::{self, Read, Seek, SeekFrom};

use super::Type;

/// Bytes behind the last `%%EOF` of a PDF that readers overlook.
const AFTER_PDF: u64 = 4 * 1024;
/// The end of central directory record, without its comment (APPNOTE.TXT, 4.3.16).
const ZIP_END: u64 = 22;
/// A comment is no longer.
const ZIP_COMMENT: u64 = u16::MAX as u64;

pub fn has_end(file: &mut (impl Read + Seek), is: Type) -> io::Result<bool> {
    match is {
        Type::Pdf => Ok(find(&tail(file, AFTER_PDF)?, b"%%EOF").is_some()),
        Type::Docx | Type::Xlsx => {
            let tail = tail(file, ZIP_END + ZIP_COMMENT)?;
            Ok(find(&tail, b"PK\x05\x06").is_some_and(|at| tail.len() - at >= ZIP_END as usize))
        }
        Type::M4a => boxes(file, b"moov"),
        Type::Heic => boxes(file, b"meta"),
        Type::Jpeg | Type::Png | Type::Webp | Type::Mp3 | Type::Ogg | Type::Wav | Type::Aac | Type::Amr => Ok(true),
    }
}

fn tail(file: &mut (impl Read + Seek), most: u64) -> io::Result<Vec<u8>> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(most)))?;
    let mut tail = Vec::new();
    file.take(most).read_to_end(&mut tail)?;
    Ok(tail)
}

/// The last place of `what`.
fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).rposition(|part| part == what)
}

/// Whether no box reaches beyond the end, and the one is there without which nothing can be read (ISO/IEC 14496-12, 4.2). Cameras
/// append what is no box: there the walk ends.
fn boxes(file: &mut (impl Read + Seek), needed: &[u8; 4]) -> io::Result<bool> {
    let length = file.seek(SeekFrom::End(0))?;
    let (mut at, mut found) = (0, false);
    while at + 8 <= length {
        file.seek(SeekFrom::Start(at))?;
        let mut head = [0; 8];
        file.read_exact(&mut head)?;
        let [a, b, c, d, name @ ..] = head;
        let size = match u32::from_be_bytes([a, b, c, d]) {
            0 => length - at,
            1 if at + 16 <= length => {
                let mut long = [0; 8];
                file.read_exact(&mut long)?;
                u64::from_be_bytes(long)
            }
            short => u64::from(short),
        };
        if size < 8 || !name.iter().all(u8::is_ascii_graphic) {
            break;
        }
        found |= name == *needed;
        match at.checked_add(size) {
            Some(next) if next <= length => at = next,
            _ => return Ok(false),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn a_box(name: &str, content: &[u8]) -> Vec<u8> {
        [&(content.len() as u32 + 8).to_be_bytes()[..], name.as_bytes(), content].concat()
    }

    fn whole(bytes: &[u8], is: Type) -> bool {
        has_end(&mut Cursor::new(bytes), is).expect("reads")
    }

    #[test]
    fn what_is_cut_is_told_from_what_is_whole() {
        let pdf = [&b"%PDF-1.7\n"[..], &[b'x'; 9_000], b"\nstartxref\n9\n%%EOF\r\n"].concat();
        let zip = [&b"PK\x03\x04"[..], &[0; 9_000], b"PK\x05\x06", &[0; 18], b"a comment"].concat();
        let voice = [a_box("ftyp", b"M4A \0\0\0\0"), a_box("mdat", &[7; 9_000]), a_box("moov", &[0; 90])].concat();
        let picture = [a_box("ftyp", b"heic\0\0\0\0"), a_box("meta", &[0; 90]), a_box("mdat", &[7; 9_000])].concat();
        let cases =
            [(pdf, Type::Pdf), (zip.clone(), Type::Docx), (zip, Type::Xlsx), (voice, Type::M4a), (picture, Type::Heic)];
        for (file, is) in cases {
            assert!(whole(&file, is), "{}", is.media_type());
            for cut in [1, 4_500, 8_990] {
                let kept = file.len() - cut;
                let harmless = cut == 1 && matches!(is, Type::Pdf | Type::Docx | Type::Xlsx);
                assert_eq!(whole(&file[..kept], is), harmless, "{} without {cut}", is.media_type());
            }
        }
        assert!(whole(b"OggS", Type::Ogg), "a stream may end anywhere");
    }

    #[test]
    fn what_programs_append_is_overlooked() {
        let voice = [a_box("ftyp", b"M4A \0\0\0\0"), a_box("moov", &[0; 90]), a_box("mdat", &[7; 90])].concat();
        assert!(whole(&[voice.as_slice(), &[0; 512]].concat(), Type::M4a));
        let to_the_end =
            [a_box("ftyp", b"M4A \0\0\0\0"), a_box("moov", &[0; 90]), b"\0\0\0\0mdat123".to_vec()].concat();
        assert!(whole(&to_the_end, Type::M4a));
        let long = [a_box("moov", &[]), b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x12ab".to_vec()].concat();
        assert!(whole(&long, Type::M4a) && !whole(&long[..long.len() - 1], Type::M4a));
        assert!(!whole(&a_box("mdat", &[7; 90]), Type::M4a), "a recorder that was stopped before it wrote the index");
        assert!(whole(&[&b"%PDF-1.7\n%%EOF\n"[..], &[0; 4_000]].concat(), Type::Pdf));
        assert!(!whole(b"", Type::Pdf) && !whole(b"PK\x05\x06", Type::Docx));
    }
}
