//! Photos: where they were taken is for their owner, and everybody gets a small one the right way up.

use std::io::Cursor;

use image::{ImageDecoder, ImageFormat, ImageReader, RgbImage};
use reqwest::Method;
use serde_json::json;

use super::{attachment, get, put, raw};
use crate::world::{Person, World};

fn written(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = RgbImage::from_fn(width, height, |x, y| image::Rgb([(x % 256) as u8, (y % 256) as u8, 99]));
    picture.write_to(&mut bytes, format).expect("a picture");
    bytes.into_inner()
}

/// A picture of this size.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    written(width, height, ImageFormat::Png)
}

/// Latitude and longitude as EXIF writes them: 31° 14' 27.18" and 121° 28' 26.31".
const NORTH: [u32; 6] = [31, 1, 14, 1, 2718, 100];
const EAST: [u32; 6] = [121, 1, 28, 1, 2631, 100];

/// What a phone writes that lies on its side: which way up, and where.
fn exif() -> Vec<u8> {
    let entry = |tag: u16, of: u16, count: u32, value: [u8; 4]| {
        [&tag.to_be_bytes()[..], &of.to_be_bytes(), &count.to_be_bytes(), &value].concat()
    };
    let mut block = b"MM\0*\0\0\0\x08\0\x02".to_vec();
    block.extend(entry(0x0112, 3, 1, [0, 6, 0, 0]));
    block.extend(entry(0x8825, 4, 1, 38u32.to_be_bytes()));
    block.extend([0; 4]);
    // At 38: the position; its fractions at 92 and 116.
    block.extend(4u16.to_be_bytes());
    block.extend(entry(1, 2, 2, *b"N\0\0\0"));
    block.extend(entry(2, 5, 3, 92u32.to_be_bytes()));
    block.extend(entry(3, 2, 2, *b"E\0\0\0"));
    block.extend(entry(4, 5, 3, 116u32.to_be_bytes()));
    block.extend([0; 4]);
    block.extend(NORTH.iter().chain(&EAST).flat_map(|part| part.to_be_bytes()));
    block
}

/// A photo as a phone takes it.
pub fn photo() -> Vec<u8> {
    let plain = written(1200, 900, ImageFormat::Jpeg);
    let segment = |content: &[u8]| {
        let length = u16::try_from(content.len() + 2).expect("short").to_be_bytes();
        [&[0xff, 0xe1], length.as_slice(), content].concat()
    };
    let xmp = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta><exif:GPSLatitude>31,14.453N</exif:GPSLatitude></x:xmpmeta>";
    [&plain[..2], &segment(&[b"Exif\0\0", exif().as_slice()].concat()), &segment(xmp), &plain[2..]].concat()
}

fn tells_where(bytes: &[u8]) -> bool {
    let seconds: Vec<u8> = NORTH[4..].iter().flat_map(|part| part.to_be_bytes()).collect();
    let has = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    has(&seconds) || has(b"GPSLatitude")
}

fn decoded(bytes: &[u8]) -> (image::metadata::Orientation, Vec<u8>) {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().expect("a picture");
    let mut decoder = reader.into_decoder().expect("a picture");
    let orientation = decoder.orientation().expect("a way up");
    let mut pixels = vec![0; usize::try_from(decoder.total_bytes()).expect("fits")];
    decoder.read_image(&mut pixels).expect("a picture");
    (orientation, pixels)
}

async fn small(who: &Person, id: uuid::Uuid) -> RgbImage {
    let answer = raw(who, Method::GET, &format!("/v1/attachments/{id}/thumbnail"), &[], Vec::new()).await.expect(200);
    assert_eq!(answer.header("content-type"), "image/jpeg");
    assert!(!tells_where(&answer.bytes));
    image::load_from_memory(&answer.bytes).expect("a picture").to_rgb8()
}

#[tokio::test]
async fn where_a_photo_was_taken_is_for_who_took_it_and_for_admins() {
    let world = World::new().await;
    let (lin, boss, admin) = (world.rep("Lin").await, world.manager("Ma").await, world.admin().await);
    let account = lin.account("Hopton").await;
    let id = attachment(&lin, account, "photo", json!({})).await;
    let file = photo();
    assert!(tells_where(&file));
    let record = put(&lin, id, &file).await.expect(200);
    assert_eq!((record.text("/contentType"), record.body["hasThumbnail"].as_bool()), ("image/jpeg".into(), Some(true)));
    for who in [&lin, &admin] {
        assert_eq!(get(who, id).await.expect(200).bytes, file, "as it was sent");
    }
    let shared = get(&boss, id).await.expect(200);
    assert!(!tells_where(&shared.bytes) && shared.bytes.len() < file.len());
    assert_eq!(shared.header("content-length"), shared.bytes.len().to_string());
    assert_eq!(decoded(&shared.bytes), decoded(&file), "the same picture, the same way up");
    assert_ne!(shared.header("etag"), get(&lin, id).await.header("etag"));
    // A phone held upright: what is 1200 wide is 480 high.
    assert_eq!(small(&boss, id).await.dimensions(), (360, 480));
}

#[tokio::test]
async fn every_kind_of_picture_is_taken() {
    let world = World::new().await;
    let (lin, boss) = (world.rep("Lin").await, world.manager("Ma").await);
    let account = lin.account("Hopton").await;
    for (format, media_type) in [(ImageFormat::Png, "image/png"), (ImageFormat::WebP, "image/webp")] {
        let id = attachment(&lin, account, "photo", json!({})).await;
        let file = written(100, 50, format);
        assert_eq!(put(&lin, id, &file).await.expect(200).text("/contentType"), media_type);
        assert_eq!(get(&boss, id).await.expect(200).bytes, file, "there was nothing to be left out");
        assert_eq!(small(&boss, id).await.dimensions(), (100, 50), "nothing is made larger");
    }
    let id = attachment(&lin, account, "photo", json!({})).await;
    let exif = [b"Exif\0\0".as_slice(), &exif()].concat();
    let begin = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\x0cmeta\0\0\0\0".as_slice();
    let heic = [begin, &(exif.len() as u32 + 8).to_be_bytes(), b"mdat", &exif].concat();
    let record = put(&lin, id, &heic).await.expect(200);
    assert_eq!(
        (record.text("/contentType"), record.body["hasThumbnail"].as_bool()),
        ("image/heic".into(), Some(false))
    );
    assert_eq!(get(&lin, id).await.expect(200).bytes, heic);
    let shared = get(&boss, id).await.expect(200).bytes;
    assert!(tells_where(&heic) && !tells_where(&shared) && shared.len() == heic.len());
}
