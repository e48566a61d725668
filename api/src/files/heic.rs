//! HEIC without its position. Its parts refer to each other by where they stand, so nothing is taken out: in every EXIF
//! block the position is overwritten in place, and every XMP packet with blanks. The picture is not touched.

use tokio_util::bytes::{Bytes, BytesMut};

/// The directory of positions, in the first directory of an EXIF block (EXIF 2.32, 4.6.3).
const POSITION: u16 = 0x8825;
/// The maker's own notes, in EXIF's directory: nobody knows what they hold.
const NOTES: u16 = 0x927c;
/// EXIF's directory, in the first one.
const EXIF: u16 = 0x8769;
/// Bytes of a value by its type (TIFF 6.0, section 2), from type 1 on.
const SIZES: [usize; 12] = [1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8];
/// How much of EXIF may be read and overwritten, in lengths of the file. A camera's takes less than one; directories that
/// refer to each other again and again take any number.
const WORK: usize = 4;

/// The same picture, of the same length; `None` if its EXIF is built to be worked on for ever.
pub fn without_position(bytes: &Bytes) -> Option<Bytes> {
    let mut blank = BytesMut::from(bytes.as_ref());
    let mut work = WORK * bytes.len();
    for start in all(bytes, b"Exif\0\0") {
        if let Some(block) = blank.get_mut(start + 6..) {
            blot(block, &mut work)?;
        }
    }
    // Where the block stands without that name in front.
    for name in [&b"II*\0\x08\0\0\0"[..], b"MM\0*\0\0\0\x08"] {
        for start in all(bytes, name) {
            blot(&mut blank[start..], &mut work)?;
        }
    }
    for (begin, end) in [(&b"<x:xmpmeta"[..], &b"</x:xmpmeta>"[..]), (b"<rdf:RDF", b"</rdf:RDF>")] {
        let (mut at, mut has_end) = (0, true);
        while let Some(start) = find(bytes, begin, at) {
            // A packet without an end has no end to trust: blank it to the end of the file's text. Those behind it have none.
            let found = if has_end { find(bytes, end, start) } else { None };
            has_end = found.is_some();
            at = found.map_or_else(|| find(bytes, b"\0", start).unwrap_or(bytes.len()), |found| found + end.len());
            blank[start..at].fill(b' ');
        }
    }
    Some(if blank == bytes { bytes.clone() } else { blank.freeze() })
}

/// Where `name` stands first, from `at` on.
fn find(bytes: &[u8], name: &[u8], at: usize) -> Option<usize> {
    all(&bytes[at..], name).next().map(|found| at + found)
}

fn all<'a>(bytes: &'a [u8], name: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    bytes.windows(name.len()).enumerate().filter(move |(_, part)| *part == name).map(|(at, _)| at)
}

/// An EXIF block that begins here.
struct Block<'a> {
    bytes: &'a mut [u8],
    little: bool,
    /// Bytes that may still be read and overwritten.
    work: &'a mut usize,
}

/// One entry of a directory.
struct Entry {
    at: usize,
    tag: u16,
    /// Where its value stands, and how long it is.
    value: usize,
    length: usize,
}

impl Block<'_> {
    fn short(&self, at: usize) -> Option<u16> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    }

    fn long(&self, at: usize) -> Option<usize> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        usize::try_from(if self.little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }).ok()
    }

    fn spend(&mut self, bytes: usize) -> Option<()> {
        *self.work = self.work.checked_sub(bytes)?;
        Some(())
    }

    fn entries(&mut self, directory: usize) -> Option<Vec<Entry>> {
        let count = usize::from(self.short(directory).unwrap_or(0));
        let entry = |n: usize| {
            let at = directory.checked_add(2 + 12 * n)?;
            let size = SIZES.get(usize::from(self.short(at + 2)?).wrapping_sub(1)).copied().unwrap_or(1);
            let length = self.long(at + 4)?.checked_mul(size)?;
            let value = if length <= 4 { at + 8 } else { self.long(at + 8)? };
            Some(Entry { at, tag: self.short(at)?, value, length })
        };
        let entries: Vec<Entry> = (0..count).map_while(entry).collect();
        self.spend(12 * entries.len())?;
        Some(entries)
    }

    fn fill(&mut self, from: usize, length: usize) -> Option<()> {
        let end = from.saturating_add(length).min(self.bytes.len());
        if from < end {
            self.spend(end - from)?;
            self.bytes[from..end].fill(0);
        }
        Some(())
    }

    /// Overwrites a directory with all that it refers to.
    fn wipe(&mut self, directory: usize) -> Option<()> {
        for Entry { at, value, length, .. } in self.entries(directory)? {
            self.fill(value, length)?;
            self.fill(at, 12)?;
        }
        // It holds nothing any more, and says so.
        self.fill(directory, 2)
    }
}

/// `None` once all the work is spent.
fn blot(bytes: &mut [u8], work: &mut usize) -> Option<()> {
    let little = match bytes.first_chunk::<4>() {
        Some(b"II*\0") => true,
        Some(b"MM\0*") => false,
        _ => return Some(()),
    };
    let mut block = Block { bytes, little, work };
    let Some(first) = block.long(4) else { return Some(()) };
    for entry in block.entries(first)? {
        match (entry.tag, block.long(entry.at + 8)) {
            (POSITION, Some(directory)) => block.wipe(directory)?,
            (EXIF, Some(directory)) => {
                for notes in block.entries(directory)?.into_iter().filter(|entry| entry.tag == NOTES) {
                    block.fill(notes.value, notes.length)?;
                }
            }
            _ => {}
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An EXIF block with orientation, a directory of positions and a maker's notes.
    fn exif(little: bool) -> Vec<u8> {
        let short = |n: u16| if little { n.to_le_bytes() } else { n.to_be_bytes() };
        let long = |n: u32| if little { n.to_le_bytes() } else { n.to_be_bytes() };
        let entry = |tag: u16, of: u16, count: u32, value: [u8; 4]| {
            [&short(tag)[..], &short(of), &long(count), &value].concat()
        };
        let mut block = if little { b"II*\0".to_vec() } else { b"MM\0*".to_vec() };
        block.extend(long(8));
        block.extend(short(3));
        let mut upright = [0; 4];
        upright[..2].copy_from_slice(&short(6));
        block.extend(entry(0x0112, 3, 1, upright));
        block.extend(entry(POSITION, 4, 1, long(50)));
        block.extend(entry(EXIF, 4, 1, long(104)));
        block.extend(long(0));
        // At 50: latitude, as a reference and three fractions at 80.
        block.extend(short(2));
        block.extend(entry(1, 2, 2, *b"N\0\0\0"));
        block.extend(entry(2, 5, 3, long(80)));
        block.extend(long(0));
        for part in [31, 1, 14, 1, 2718, 100] {
            block.extend(long(part));
        }
        // At 104: notes, at 122.
        block.extend(short(1));
        block.extend(entry(NOTES, 7, 8, long(122)));
        block.extend(long(0));
        block.extend(b"Shanghai");
        block
    }

    #[test]
    fn the_position_is_overwritten_where_it_stands() {
        for little in [true, false] {
            for name in [&b"\0\0\0\x06Exif\0\0"[..], b"\0\0\0\0"] {
                let parts = [
                    &b"\0\0\0\x18ftypheic....picture"[..],
                    name,
                    &exif(little),
                    b"<x:xmpmeta>31 North</x:xmpmeta>more",
                ];
                let file = Bytes::from(parts.concat());
                let clean = without_position(&file).unwrap();
                assert_eq!(clean.len(), file.len());
                for told in [&b"Shanghai"[..], b"31 North", &2718u32.to_le_bytes(), &2718u32.to_be_bytes(), b"N\0\0\0"]
                {
                    assert_eq!(all(&clean, told).count(), 0, "{told:?}");
                }
                assert!(clean.starts_with(b"\0\0\0\x18ftypheic....picture") && clean.ends_with(b"more"));
                let upright = [0x0112u16.to_le_bytes(), 0x0112u16.to_be_bytes()][usize::from(!little)];
                assert_eq!(all(&clean, &upright).count(), 1, "the way up stays");
                assert_eq!(without_position(&clean), Some(clean));
            }
        }
    }

    #[test]
    fn a_picture_without_a_position_stays_as_it_is() {
        let file = Bytes::from_static(b"\0\0\0\x18ftypheic....Exif\0\0II*\0\xff\xff\xff\xff");
        assert_eq!(without_position(&file), Some(file));
    }

    #[test]
    fn what_is_built_to_take_for_ever_ends() {
        // None has an end, which is looked for once.
        let unended = Bytes::from(b"<x:xmpmeta 31 North\0".repeat(50_000));
        let clean = without_position(&unended).unwrap();
        assert!(clean.chunks(20).all(|packet| packet == b"                   \0"));
        // As many positions as a directory can hold, each of them that directory again, and all the rest of the file.
        let mut block = b"Exif\0\0MM\0*\0\0\0\x08\xff\xff".to_vec();
        let entry = [&POSITION.to_be_bytes()[..], &[0, 1], &[0, 0x0f, 0xff, 0xff], &[0, 0, 0, 8]].concat();
        block.extend(entry.repeat(65_535));
        assert_eq!(without_position(&Bytes::from(block)), None);
    }
}
