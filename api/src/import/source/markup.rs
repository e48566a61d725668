//! A part of a workbook, looked through before the library that reads workbooks has it. That one keeps a cell, a tag or a
//! comment whole however long it is, copies a format's texts into every format of cells, and makes room for as many texts
//! as a part says it has. Only what is well formed passes (XML 1.0, 2.1), so that both see each cell end at the same place.

use std::io::{self, BufRead, Read};

use super::{damaged, invalid};

/// Most bytes of a cell, a text, a tag or a comment: a cell of Excel's has 32,767 letters at most.
const LONGEST: usize = 1 << 20;
/// Elements within elements.
const DEEPEST: usize = 100;
/// Bytes of an element's name.
const LONGEST_NAME: usize = 200;
/// Formats of cells: Excel has 65,490, and as many of named styles.
const MOST_FORMATS: usize = 131_072;
/// Bytes of a tag among formats: a number format of Excel's has 255 letters.
const LONGEST_FORMAT: usize = 2 << 10;
/// Texts of a list, each of which takes its room: more do not fit into what may be kept, but empty ones.
const MOST_TEXTS: usize = 4 << 20;

/// What a part is to the library.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Sheet,
    Formats,
    Other,
}

fn is_blank(byte: &u8) -> bool {
    b" \t\r\n".contains(byte)
}

/// As it stands before the blanks at its end.
fn without_blanks(name: &[u8]) -> &[u8] {
    &name[..name.iter().rposition(|byte| !is_blank(byte)).map_or(0, |last| last + 1)]
}

fn too_long() -> io::Error {
    invalid("holds a cell of more than 1 MiB")
}

/// Whether it can be read in bounded memory; it is read to its end.
pub fn check(reader: &mut impl BufRead, part: Part) -> io::Result<()> {
    let (mut tag, mut open, mut entries) = (Vec::new(), Vec::<Vec<u8>>::new(), 0);
    // How deep the cell at hand stands, and its bytes so far.
    let mut cell: Option<(usize, usize)> = None;
    loop {
        let text = reader.by_ref().take(LONGEST as u64 + 1).skip_until(b'<')?;
        if text > LONGEST {
            return Err(too_long());
        }
        if !next_tag(reader, &mut tag)? {
            return Ok(());
        }
        if let Some((_, bytes)) = &mut cell {
            *bytes += text + tag.len();
            if *bytes > LONGEST {
                return Err(too_long());
            }
        }
        let inner = &tag[..tag.len() - 1];
        match inner.first() {
            Some(b'!' | b'?') => {}
            Some(b'/') => {
                if open.pop().as_deref() != Some(without_blanks(&inner[1..])) {
                    return Err(damaged());
                }
                cell = cell.filter(|(depth, _)| *depth != open.len());
            }
            _ => {
                let begun = inner.strip_suffix(b"/").unwrap_or(inner);
                let name = begun.split(is_blank).next().unwrap_or_default();
                let local = name.rsplit(|byte| *byte == b':').next().unwrap_or_default();
                let is_wrong = match part {
                    // Of a workbook, which is kept; a sheet is not, and so may be longer.
                    Part::Sheet => [&b"sheet"[..], b"definedName"].contains(&local),
                    Part::Formats => {
                        entries += usize::from(local == b"xf");
                        entries > MOST_FORMATS || tag.len() > LONGEST_FORMAT
                    }
                    Part::Other => {
                        entries += usize::from(local == b"si");
                        entries > MOST_TEXTS || local == b"sst" && says_too_many(begun)
                    }
                };
                let is_name = (1..=LONGEST_NAME).contains(&name.len());
                if is_wrong || !is_name || open.len() == DEEPEST {
                    return Err(damaged());
                }
                if begun.len() == inner.len() {
                    if local == b"c" && cell.is_none() {
                        cell = Some((open.len(), 0));
                    }
                    open.push(name.to_vec());
                }
            }
        }
    }
}

/// The next tag, comment or the like up to its `>`; false at the end of the part.
fn next_tag(reader: &mut impl BufRead, tag: &mut Vec<u8>) -> io::Result<bool> {
    tag.clear();
    let mut quoted = None;
    loop {
        let from = tag.len();
        let read = reader.by_ref().take((LONGEST + 1 - from) as u64).read_until(b'>', tag)?;
        if tag.len() > LONGEST {
            return Err(too_long());
        }
        if !tag.ends_with(b">") || read == 0 {
            return if tag.is_empty() { Ok(false) } else { Err(damaged()) };
        }
        let is_whole = match tag.as_slice() {
            [b'!', b'-', ..] => tag.len() >= b"!---->".len() && tag.ends_with(b"-->"),
            [b'!', b'[', ..] => tag.ends_with(b"]]>"),
            // A document type is of no use here.
            [b'!', ..] => return Err(damaged()),
            [b'?', ..] => tag.ends_with(b"?>"),
            _ => {
                for &byte in &tag[from..] {
                    quoted = match quoted {
                        None => Some(byte).filter(|byte| b"\"'".contains(byte)),
                        Some(quote) => Some(quote).filter(|quote| *quote != byte),
                    };
                }
                quoted.is_none()
            }
        };
        if is_whole {
            return Ok(true);
        }
    }
}

/// Whether a list of texts says that it has more than can be.
fn says_too_many(tag: &[u8]) -> bool {
    const COUNT: &[u8] = b"uniqueCount";
    let number = |text: &[u8]| {
        let digits = text.iter().skip_while(|byte| !byte.is_ascii_digit()).take_while(|byte| byte.is_ascii_digit());
        digits.fold(0, |number: usize, digit| number.saturating_mul(10).saturating_add(usize::from(digit - b'0')))
    };
    tag.windows(COUNT.len()).enumerate().any(|(at, part)| part == COUNT && number(&tag[at..]) > MOST_TEXTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, part: Part) -> Option<String> {
        // In small pieces, as it comes out of an archive.
        let mut reader = io::BufReader::with_capacity(7, text.as_bytes());
        check(&mut reader, part).err().map(|cause| cause.to_string())
    }

    #[test]
    fn what_spreadsheet_programs_write_passes() {
        let sheet = "\u{feff}<?xml version=\"1.0\"?>\r\n<!-- a > b --><x:worksheet a='<>' b=\"/>\"><x:sheetData><x:row r=\"1\">\
                     <x:c r=\"A1\" t=\"inlineStr\"><x:is><x:t><![CDATA[<c>]]>1 > 0</x:t></x:is></x:c ><x:c/><x:c r=\"C1\"/></x:row>\
                     </x:sheetData></x:worksheet>\n";
        assert_eq!(told(sheet, Part::Sheet), None);
        assert_eq!(told("<sst count=\"3\" uniqueCount=\"2\"><si/><si><t>a</t></si></sst>", Part::Other), None);
        assert_eq!(
            told("<styleSheet><cellXfs count=\"1\"><xf numFmtId=\"0\"/></cellXfs></styleSheet>", Part::Formats),
            None
        );
        let cell = format!("<c><v>{}</v></c>", "x".repeat(LONGEST - 100));
        assert_eq!(told(&format!("<row>{}</row>", cell.repeat(3)), Part::Sheet), None, "each cell by itself");
    }

    #[test]
    fn what_the_library_would_keep_whole_is_refused() {
        let half = "x".repeat(LONGEST / 2 + 1);
        let runs = format!("<r><t>{half}</t></r>").repeat(2);
        for long in [
            format!("<c><is>{runs}</is></c>"),
            format!("<c><is><r><c/></r>{runs}</is></c>"),
            format!("<c><v><![CDATA[{half}<c>{half}]]></v></c>"),
            format!("<!--{half}<c>{half}-->"),
            format!("<c a=\"{half}<c>{half}\"/>"),
            format!("<?{half}<c>{half}?>"),
            "x".repeat(LONGEST + 1),
        ] {
            assert_eq!(told(&long, Part::Sheet).as_deref(), Some("holds a cell of more than 1 MiB"));
        }
    }

    #[test]
    fn what_is_not_well_formed_or_says_what_cannot_be_is_damaged() {
        let deep = "<a>".repeat(DEEPEST + 1);
        let format = format!("<numFmt formatCode=\"{}\"/>", "0".repeat(LONGEST_FORMAT));
        for (text, part) in [
            ("<c><is></c>", Part::Sheet),
            ("<c></c\u{c}>", Part::Sheet),
            ("</c>", Part::Sheet),
            ("<c", Part::Sheet),
            ("<>", Part::Other),
            ("<!DOCTYPE a [<!ENTITY b \"c\">]>", Part::Other),
            (deep.as_str(), Part::Other),
            ("<definedName/>", Part::Sheet),
            ("<x:sst uniqueCount = '00010000000000'/>", Part::Other),
            (format.as_str(), Part::Formats),
            (&"<xf/>".repeat(MOST_FORMATS + 1), Part::Formats),
        ] {
            let told = told(text, part).unwrap_or_default();
            assert!(told.contains("damaged"), "{} {told}", &text[..text.len().min(50)]);
        }
    }
}
