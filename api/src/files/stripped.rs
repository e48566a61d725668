//! A picture without what its maker did not mean to tell: of everything beside the picture itself only its colours and
//! the way up are kept. Nothing is decoded, so nothing gets worse. What is not known here is left out: positions hide in
//! EXIF, XMP, IPTC, makers' notes, comments and in further pictures behind the first.

use tokio_util::bytes::{BufMut, Bytes, BytesMut};

use super::content::Type;

/// The picture alone; `None` if it is not built as its type asks for.
pub fn stripped(bytes: &Bytes, is: Type) -> Option<Bytes> {
    match is {
        Type::Jpeg => jpeg(bytes),
        Type::Png => png(bytes),
        Type::Webp => webp(bytes),
        _ => None,
    }
}

/// ISO/IEC 10918-1: segments up to the end of the image, and what stands behind that is dropped.
fn jpeg(bytes: &[u8]) -> Option<Bytes> {
    let mut rest = bytes.strip_prefix(b"\xff\xd8")?;
    let (mut kept, mut upright, mut told) = (BytesMut::from(&b"\xff\xd8"[..]), None, 0);
    loop {
        let start = rest.iter().position(|byte| *byte != 0xff).filter(|at| *at > 0)?;
        let marker = rest[start];
        rest = &rest[start + 1..];
        if marker == 0xd9 {
            kept.extend_from_slice(b"\xff\xd9");
            break;
        }
        if marker == 0x01 || (0xd0..=0xd7).contains(&marker) {
            continue;
        }
        let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
        let (segment, behind) = rest.split_at_checked(length)?;
        let content = segment.get(2..)?;
        rest = behind;
        match marker {
            0xe1 => upright = upright.or(content.strip_prefix(b"Exif\0\0").and_then(orientation)),
            // JFIF, ICC profile, Adobe's word on the colours.
            0xe0 | 0xee => {}
            0xe2 if content.starts_with(b"ICC_PROFILE\0") => {}
            0xe2..=0xef | 0xfe => continue,
            _ => {}
        }
        if marker == 0xe1 {
            continue;
        }
        if marker == 0xe0 {
            told = kept.len() + 2 + length;
        }
        kept.extend_from_slice(&[0xff, marker]);
        kept.extend_from_slice(segment);
        if marker == 0xda {
            let scan = scan(rest);
            kept.extend_from_slice(&rest[..scan]);
            rest = &rest[scan..];
        }
    }
    let Some(upright) = upright.filter(|value| *value != 1) else { return Some(kept.freeze()) };
    let exif = exif(upright);
    let mut whole = BytesMut::with_capacity(kept.len() + exif.len() + 10);
    let behind_jfif = told.max(2);
    whole.extend_from_slice(&kept[..behind_jfif]);
    whole.extend_from_slice(b"\xff\xe1");
    whole.put_u16(u16::try_from(exif.len() + 8).ok()?);
    whole.extend_from_slice(b"Exif\0\0");
    whole.extend_from_slice(&exif);
    whole.extend_from_slice(&kept[behind_jfif..]);
    Some(whole.freeze())
}

/// How long the coded data is before the next marker.
fn scan(bytes: &[u8]) -> usize {
    let is_marker =
        |pair: &[u8]| pair[0] == 0xff && pair[1] != 0 && pair[1] != 0xff && !(0xd0..=0xd7).contains(&pair[1]);
    bytes.windows(2).position(is_marker).unwrap_or(bytes.len())
}

/// Chunks of a PNG that are the picture: those that must be understood, and those about colours, size and movement.
const PNG: [&[u8; 4]; 13] = [
    b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"sBIT", b"bKGD", b"pHYs", b"hIST", b"acTL", b"fcTL", b"fdAT",
];

/// W3C PNG (Third Edition): a signature, then chunks of length, name, content and checksum.
fn png(bytes: &[u8]) -> Option<Bytes> {
    const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
    let mut rest = bytes.strip_prefix(SIGNATURE)?;
    let mut kept = BytesMut::from(SIGNATURE);
    loop {
        let length = usize::try_from(u32::from_be_bytes(*rest.first_chunk()?)).ok()?;
        let (chunk, behind) = rest.split_at_checked(length.checked_add(12)?)?;
        rest = behind;
        let name: &[u8; 4] = chunk[4..].first_chunk()?;
        let upright = (name == b"eXIf").then(|| orientation(&chunk[8..8 + length])).flatten();
        if name[0].is_ascii_uppercase() || PNG.contains(&name) {
            kept.extend_from_slice(chunk);
        } else if let Some(upright) = upright.filter(|value| *value != 1) {
            let exif = [b"eXIf", exif(upright).as_slice()].concat();
            kept.put_u32(u32::try_from(exif.len() - 4).ok()?);
            kept.extend_from_slice(&exif);
            kept.put_u32(crc32(&exif));
        }
        if name == b"IEND" {
            return Some(kept.freeze());
        }
    }
}

/// The checksum of PNG (its annex D), of names and contents that are few bytes.
pub fn crc32(bytes: &[u8]) -> u32 {
    let step = |sum: u32| if sum & 1 == 1 { 0xedb8_8320 ^ (sum >> 1) } else { sum >> 1 };
    !bytes.iter().fold(u32::MAX, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), |sum, _| step(sum)))
}

/// RFC 9649: a RIFF container of chunks; the extended header says which there are.
fn webp(bytes: &[u8]) -> Option<Bytes> {
    const HAS_EXIF: u8 = 0b1000;
    const HAS_XMP: u8 = 0b100;
    let size = usize::try_from(u32::from_le_bytes(*bytes.strip_prefix(b"RIFF")?.first_chunk()?)).ok()?;
    let mut rest = bytes.get(8..size.checked_add(8)?)?.strip_prefix(b"WEBP")?;
    let (mut kept, mut flags, mut upright) = (BytesMut::from(&b"WEBP"[..]), None, None);
    while !rest.is_empty() {
        let name: &[u8; 4] = rest.first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*rest.get(4..)?.first_chunk()?)).ok()?;
        let content = rest.get(8..length.checked_add(8)?)?;
        match name {
            b"VP8X" => {
                flags = Some(kept.len() + 8);
                webp_chunk(&mut kept, name, content)?;
            }
            b"VP8 " | b"VP8L" | b"ALPH" | b"ANIM" | b"ANMF" | b"ICCP" => webp_chunk(&mut kept, name, content)?,
            b"EXIF" => upright = orientation(content.strip_prefix(b"Exif\0\0").unwrap_or(content)),
            _ => {}
        }
        rest = rest.get(8 + length + length % 2..).unwrap_or_default();
    }
    if kept.len() == 4 {
        return None;
    }
    let upright = upright.filter(|value| *value != 1 && flags.is_some());
    if let Some(at) = flags {
        kept[at] &= !(HAS_EXIF | HAS_XMP);
        if let Some(upright) = upright {
            kept[at] |= HAS_EXIF;
            webp_chunk(&mut kept, b"EXIF", &exif(upright))?;
        }
    }
    let mut whole = BytesMut::from(&b"RIFF"[..]);
    whole.put_u32_le(u32::try_from(kept.len()).ok()?);
    whole.extend_from_slice(&kept);
    Some(whole.freeze())
}

fn webp_chunk(into: &mut BytesMut, name: &[u8; 4], content: &[u8]) -> Option<()> {
    into.extend_from_slice(name);
    into.put_u32_le(u32::try_from(content.len()).ok()?);
    into.extend_from_slice(content);
    if content.len() % 2 == 1 {
        into.put_u8(0);
    }
    Some(())
}

const ORIENTATION: u16 = 0x0112;

/// Which way up the picture is, 1 to 8, by the first directory of an EXIF block (TIFF 6.0).
fn orientation(tiff: &[u8]) -> Option<u16> {
    let little = match tiff.first_chunk::<4>()? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes = *tiff.get(at..)?.first_chunk::<2>()?;
        Some(if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let long = |at: usize| {
        let bytes = *tiff.get(at..)?.first_chunk::<4>()?;
        usize::try_from(if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }).ok()
    };
    let directory = long(4)?;
    let entries = usize::from(short(directory)?);
    let entry = (0..entries).map(|n| directory + 2 + 12 * n).find(|at| short(*at) == Some(ORIENTATION))?;
    short(entry + 8).filter(|value| (1..=8).contains(value))
}

/// An EXIF block that says which way up and nothing else.
fn exif(upright: u16) -> Vec<u8> {
    let mut tiff = b"MM\0*\0\0\0\x08\0\x01".to_vec();
    // Of type SHORT, one of it; then no further directory.
    tiff.extend_from_slice(&ORIENTATION.to_be_bytes());
    tiff.extend_from_slice(b"\0\x03\0\0\0\x01");
    tiff.extend_from_slice(&upright.to_be_bytes());
    tiff.extend_from_slice(b"\0\0\0\0\0\0");
    tiff
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{ImageDecoder, ImageFormat, ImageReader, RgbImage, metadata::Orientation};

    use super::*;

    /// What must not be in a picture that others get.
    const WHERE: &[u8] = b"31 deg 14 min North";

    /// An EXIF block that says which way up, and where.
    fn told(upright: u16) -> Vec<u8> {
        [exif(upright).as_slice(), WHERE].concat()
    }

    fn picture(format: ImageFormat) -> Vec<u8> {
        let mut written = Cursor::new(Vec::new());
        RgbImage::from_fn(32, 16, |x, y| image::Rgb([x as u8 * 8, y as u8 * 16, 99]))
            .write_to(&mut written, format)
            .unwrap();
        written.into_inner()
    }

    fn jpeg_with(upright: u16) -> Vec<u8> {
        let plain = picture(ImageFormat::Jpeg);
        let segment = |marker: u8, content: &[u8]| {
            let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
            [&[0xff, marker], length.as_slice(), content].concat()
        };
        [
            &plain[..2],
            &segment(0xe1, &[b"Exif\0\0", told(upright).as_slice()].concat()),
            &segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", WHERE].concat()),
            &segment(0xed, &[b"Photoshop 3.0\0", WHERE].concat()),
            &segment(0xe2, &[b"MPF\0", WHERE].concat()),
            &segment(0xe2, b"ICC_PROFILE\0\x01\x01colours"),
            &segment(0xfe, WHERE),
            &plain[2..],
            // A second picture behind the first, as phones write it.
            &plain[..2],
            &segment(0xe1, &[b"Exif\0\0", told(upright).as_slice()].concat()),
            &plain[2..],
        ]
        .concat()
    }

    fn png_with(upright: u16) -> Vec<u8> {
        let plain = picture(ImageFormat::Png);
        let chunk = |name: &[u8; 4], content: &[u8]| {
            let named = [name.as_slice(), content].concat();
            [&u32::try_from(content.len()).unwrap().to_be_bytes(), named.as_slice(), &crc32(&named).to_be_bytes()]
                .concat()
        };
        let head = 8 + 25;
        let text = [b"XML:com.adobe.xmp\0\0\0\0\0", WHERE].concat();
        [&plain[..head], &chunk(b"eXIf", &told(upright)), &chunk(b"iTXt", &text), &plain[head..], WHERE].concat()
    }

    fn webp_with(upright: u16) -> Vec<u8> {
        let plain = picture(ImageFormat::WebP);
        let mut inner = BytesMut::from(&b"WEBP"[..]);
        webp_chunk(&mut inner, b"VP8X", &[0b1100, 0, 0, 0, 31, 0, 0, 15, 0, 0]).unwrap();
        inner.extend_from_slice(&plain[12..]);
        webp_chunk(&mut inner, b"EXIF", &told(upright)).unwrap();
        webp_chunk(&mut inner, b"XMP ", WHERE).unwrap();
        webp_chunk(&mut inner, b"what", WHERE).unwrap();
        let size = u32::try_from(inner.len()).unwrap().to_le_bytes();
        [b"RIFF", size.as_slice(), &inner, WHERE].concat()
    }

    fn decoded(bytes: &[u8], format: ImageFormat) -> (Orientation, Vec<u8>) {
        let mut decoder = ImageReader::with_format(Cursor::new(bytes), format).into_decoder().unwrap();
        let orientation = decoder.orientation().unwrap();
        let mut pixels = vec![0; usize::try_from(decoder.total_bytes()).unwrap()];
        decoder.read_image(&mut pixels).unwrap();
        (orientation, pixels)
    }

    /// A picture that says which way up.
    type Made = fn(u16) -> Vec<u8>;

    #[test]
    fn the_position_goes_and_the_picture_stays() {
        let kinds: [(Made, Type, ImageFormat); 3] = [
            (jpeg_with, Type::Jpeg, ImageFormat::Jpeg),
            (png_with, Type::Png, ImageFormat::Png),
            (webp_with, Type::Webp, ImageFormat::WebP),
        ];
        for (with, is, format) in kinds {
            for upright in [1, 6] {
                let original = with(upright);
                let clean = stripped(&original.clone().into(), is).unwrap();
                assert!(!clean.windows(WHERE.len()).any(|part| part == WHERE), "{is:?}");
                assert_eq!(decoded(&original, format), decoded(&clean, format), "{is:?} {upright}");
                assert_eq!(stripped(&clean, is).unwrap(), clean, "{is:?}: once is enough");
            }
            let plain = picture(format);
            assert_eq!(stripped(&plain.clone().into(), is).unwrap(), plain, "{is:?}: nothing to be dropped");
        }
        let clean = stripped(&jpeg_with(6).into(), Type::Jpeg).unwrap();
        assert!(clean.windows(11).any(|part| part == b"ICC_PROFILE"), "colours stay");
        assert_eq!(decoded(&clean, ImageFormat::Jpeg).0, Orientation::Rotate90);
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_is_sent_breaks_it(at in 0..2_000usize, to in proptest::num::u8::ANY, end in 0..2_000usize) {
            for (bytes, is) in [(jpeg_with(6), Type::Jpeg), (png_with(6), Type::Png), (webp_with(6), Type::Webp)] {
                let mut bytes = bytes;
                let (at, end) = (at % bytes.len(), end % bytes.len());
                bytes[at] = to;
                let _ = stripped(&bytes.clone().into(), is);
                bytes.truncate(end);
                let _ = stripped(&bytes.into(), is);
            }
        }
    }
}
