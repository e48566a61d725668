//! M4A without what its recorder tells beside the sound, such as where (`©xyz`). Its index refers to places in the file, so
//! nothing is taken out: the boxes that tell become free space of the same length.

use tokio_util::bytes::{Bytes, BytesMut};

/// Boxes that hold others (ISO/IEC 14496-12): the index, and in it a track.
const HOLDS: [&[u8; 4]; 2] = [b"moov", b"trak"];
/// What players do without: what is said about the recording, what only its maker can read, and what was said before.
const TELLS: [&[u8; 4]; 5] = [b"udta", b"meta", b"uuid", b"free", b"skip"];

/// The same recording, of the same length.
pub fn sound_alone(bytes: &Bytes) -> Bytes {
    let mut blank = BytesMut::from(bytes.as_ref());
    clear(&mut blank, HOLDS.len());
    if blank == bytes { bytes.clone() } else { blank.freeze() }
}

/// Clears boxes that stand one behind the other, and those in them that many levels down.
fn clear(mut boxes: &mut [u8], levels: usize) {
    while let Some((head, size)) = measured(boxes) {
        let (this, behind) = std::mem::take(&mut boxes).split_at_mut(size);
        boxes = behind;
        let (head, content) = this.split_at_mut(head);
        let name = &mut head[4..8];
        if TELLS.iter().any(|tells| tells[..] == *name) {
            name.copy_from_slice(b"free");
            content.fill(0);
        } else if levels > 0 && HOLDS.iter().any(|holds| holds[..] == *name) {
            clear(content, levels - 1);
        }
    }
}

/// How long the head of the first box is, and all of it; one that would be longer than what holds it ends with that.
fn measured(bytes: &[u8]) -> Option<(usize, usize)> {
    let head: &[u8; 8] = bytes.first_chunk()?;
    let (head, size) = match u32::from_be_bytes(*head.first_chunk()?) {
        0 => (8, bytes.len()),
        1 => (16, usize::try_from(u64::from_be_bytes(*bytes.get(8..)?.first_chunk()?)).ok()?),
        short => (8, usize::try_from(short).ok()?),
    };
    (size >= head).then_some((head, size.min(bytes.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: &[u8] = b"\0\x12\x15\xc7+31.2409+121.4906/";

    fn a_box(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
        [&(content.len() as u32 + 8).to_be_bytes()[..], name, content].concat()
    }

    fn tells(bytes: &[u8]) -> bool {
        bytes.windows(PLACE.len()).any(|part| part == PLACE)
    }

    #[test]
    fn the_place_goes_and_the_sound_stays_where_it_is() {
        let place = a_box(b"udta", &a_box(b"\xa9xyz", PLACE));
        let track = a_box(b"trak", &[a_box(b"tkhd", &[1; 84]), a_box(b"meta", PLACE)].concat());
        let index = a_box(b"moov", &[a_box(b"mvhd", &[2; 100]), track, place].concat());
        let long = [&b"\0\0\0\x01uuid\0\0\0\0\0\0\0\x26"[..], PLACE].concat();
        let parts = [a_box(b"ftyp", b"M4A \0\0\0\0"), long, a_box(b"free", PLACE), index, a_box(b"mdat", &[7; 90])];
        let file = Bytes::from(parts.concat());
        let clean = sound_alone(&file);
        assert!(tells(&file) && !tells(&clean));
        assert_eq!(clean.len(), file.len());
        assert!(clean.starts_with(&parts[0]) && clean.ends_with(&parts[4]));
        let has = |part: &[u8]| clean.windows(part.len()).any(|window| window == part);
        assert!(has(&a_box(b"tkhd", &[1; 84])) && has(&a_box(b"mvhd", &[2; 100])), "the index stays");
        assert_eq!(sound_alone(&clean), clean, "once is enough");
    }

    #[test]
    fn what_is_not_built_well_ends() {
        let deep = (0..1_000).fold(Vec::new(), |inner, _| a_box(b"moov", &inner));
        let to_the_end = [&b"\0\0\0\0moov\xff\xff\xff\xffudta"[..], PLACE].concat();
        assert!(!tells(&sound_alone(&to_the_end.into())), "it ends with what holds it");
        for file in [&deep[..], b"\0\0\0\x07moov", b"\0\0\0\x01moov", b"\0\0\0\x01moov\0\0\0\0\0\0\0\x0f", b"moov"] {
            let file = Bytes::copy_from_slice(file);
            assert_eq!(sound_alone(&file), file);
        }
    }
}
