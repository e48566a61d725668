//! What pictures begin with that are drawn with the library's lines and texts, and not by one of its charts: a ground in the
//! colours of the theme, with title and note.

use charts_rs::{Canvas, Color, Rect, Text};

use super::draw::{DARK, FONT, MARGIN, NOTE, lines};
use super::{Picture, Theme};

pub(super) struct Ink {
    pub(super) text: Color,
    pub(super) soft: Color,
    pub(super) line: Color,
    pub(super) ground: Color,
    pub(super) mark: Color,
    /// Of a bar upon which something else is seen.
    pub(super) pale: Color,
}

impl Ink {
    pub(super) fn of(theme: Theme) -> Self {
        let color = |rgb: (u8, u8, u8)| Color::from(rgb);
        match theme {
            Theme::Light => Ink {
                text: color((40, 44, 52)),
                soft: color((95, 102, 112)),
                line: color((210, 216, 222)),
                ground: color((255, 255, 255)),
                mark: color((22, 50, 92)),
                pale: color((160, 200, 226)),
            },
            Theme::Dark => Ink {
                text: color((232, 239, 242)),
                soft: color((159, 178, 187)),
                line: color((56, 72, 80)),
                ground: color(DARK),
                mark: color((176, 212, 240)),
                pale: color((74, 112, 150)),
            },
        }
    }
}

/// Of this size, with title and note at its head.
pub(super) fn paper(picture: &Picture, ink: &Ink, width: f32, height: f32) -> Canvas {
    let mut canvas = Canvas::new(width, height);
    canvas.rect(Rect { fill: Some(ink.ground.into()), width, height, ..Rect::default() });
    canvas.text(Text {
        font_size: Some(14.0),
        font_weight: Some("bold".to_owned()),
        ..centred(&picture.title, width / 2.0, MARGIN + 13.0, ink.text)
    });
    for (place, line) in lines(picture, width).iter().enumerate() {
        canvas.text(centred(line, width / 2.0, MARGIN + 38.0 + place as f32 * 18.0, ink.soft));
    }
    canvas
}

/// A text that begins here.
pub(super) fn written(text: &str, x: f32, y: f32, color: Color) -> Text {
    Text {
        text: text.to_owned(),
        font_family: Some(FONT.to_owned()),
        font_size: Some(NOTE),
        font_color: Some(color),
        x: Some(x),
        y: Some(y),
        ..Text::default()
    }
}

/// A text around here.
pub(super) fn centred(text: &str, x: f32, y: f32, color: Color) -> Text {
    Text { text_anchor: Some("middle".to_owned()), ..written(text, x, y, color) }
}
