//! Pictures: that they can be read, a small one of each, and one without a position for others than its owner. Decoding
//! is bounded, so that a small file that unfolds into a huge picture costs nothing.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};
use tokio_util::bytes::Bytes;

use super::content::Type;
use super::{heic, m4a, stripped};

/// Pixels on the longer side of a small picture.
const SMALL: u32 = 480;
/// JPEG quality of a small picture.
const QUALITY: u8 = 80;
/// Pixels on one side up to which a picture is decoded.
const LONGEST: u32 = 20_000;
/// Bytes that decoding may take: 64 million pixels in three colours.
const MEMORY: u64 = 192 * 1024 * 1024;

/// What is kept of a picture, or a recording, beside itself.
#[derive(Debug)]
pub struct Picture {
    /// As others get it; `None` if it tells nothing that they must not know.
    pub shared: Option<Bytes>,
    /// A JPEG. HEIC has none, nor has what is too large to be decoded.
    pub thumbnail: Option<Bytes>,
}

/// Reads a picture of this type; the error says in words what is wrong with it. It computes: call it where that may
/// take a while.
pub fn read(bytes: &Bytes, is: Type) -> Result<Picture, String> {
    let damaged = || "The picture cannot be read: it is damaged or not complete. Send it again, or take another.";
    let format = match is {
        Type::Jpeg => ImageFormat::Jpeg,
        Type::Png => ImageFormat::Png,
        Type::Webp => ImageFormat::WebP,
        _ => {
            let shared = match is {
                Type::M4a => m4a::sound_alone(bytes),
                _ => heic::without_position(bytes).ok_or_else(damaged)?,
            };
            return Ok(Picture { shared: (shared != *bytes).then_some(shared), thumbnail: None });
        }
    };
    let shared = stripped::stripped(bytes, is).ok_or_else(damaged)?;
    let thumbnail = small(bytes, format).map_err(|_| damaged())?;
    Ok(Picture { shared: (shared != *bytes).then_some(shared), thumbnail })
}

fn small(bytes: &Bytes, format: ImageFormat) -> image::ImageResult<Option<Bytes>> {
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height, limits.max_alloc) = (Some(LONGEST), Some(LONGEST), Some(MEMORY));
    let mut reader = ImageReader::with_format(Cursor::new(bytes.as_ref()), format);
    reader.limits(limits);
    let mut decoder = match reader.into_decoder() {
        Err(image::ImageError::Limits(_)) => return Ok(None),
        decoder => decoder?,
    };
    if decoder.total_bytes() > MEMORY {
        return Ok(None);
    }
    let orientation = decoder.orientation()?;
    let mut picture = match DynamicImage::from_decoder(decoder) {
        Err(image::ImageError::Limits(_)) => return Ok(None),
        picture => picture?,
    };
    if picture.width() > SMALL || picture.height() > SMALL {
        picture = picture.thumbnail(SMALL, SMALL);
    }
    picture.apply_orientation(orientation);
    let mut written = Vec::new();
    on_white(&picture).write_with_encoder(JpegEncoder::new_with_quality(&mut written, QUALITY))?;
    Ok(Some(written.into()))
}

/// A JPEG knows no transparency.
fn on_white(picture: &DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.to_rgb8();
    }
    let picture = picture.to_rgba8();
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [red, green, blue, alpha] = picture.get_pixel(x, y).0.map(u32::from);
        let over = |colour: u32| ((colour * alpha + 255 * (255 - alpha)) / 255) as u8;
        image::Rgb([over(red), over(green), over(blue)])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> Bytes {
        let mut written = Cursor::new(Vec::new());
        let picture = image::RgbaImage::from_pixel(width, height, image::Rgba([255, 0, 0, 128]));
        picture.write_to(&mut written, ImageFormat::Png).unwrap();
        written.into_inner().into()
    }

    #[test]
    fn a_small_picture_is_a_jpeg_on_white() {
        let picture = read(&png(1000, 500), Type::Png).unwrap();
        assert!(picture.shared.is_none());
        let small = image::load_from_memory(&picture.thumbnail.unwrap()).unwrap().to_rgb8();
        assert_eq!(small.dimensions(), (480, 240));
        let [red, green, _] = small.get_pixel(100, 100).0;
        assert!(red > 250 && (120..136).contains(&green), "{red} {green}");
    }

    #[test]
    fn what_is_damaged_is_refused() {
        let whole = png(100, 100);
        assert!(read(&whole.slice(..whole.len() / 2), Type::Png).is_err());
        assert!(read(&Bytes::from_static(b"\xff\xd8\xff\xe0"), Type::Jpeg).is_err());
        assert!(read(&Bytes::from_static(b"RIFF\x04\0\0\0WEBP"), Type::Webp).is_err());
    }

    #[test]
    fn a_bomb_is_not_unfolded() {
        // The head of a picture of 19,999 by 19,999 pixels in front of next to nothing.
        let mut bomb = png(8, 8).to_vec();
        bomb[16..20].copy_from_slice(&19_999u32.to_be_bytes());
        bomb[20..24].copy_from_slice(&19_999u32.to_be_bytes());
        let sum = stripped::crc32(&bomb[12..29]);
        bomb[29..33].copy_from_slice(&sum.to_be_bytes());
        let picture = read(&bomb.into(), Type::Png).unwrap();
        assert!(picture.thumbnail.is_none());
    }
}
