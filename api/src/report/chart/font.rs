//! The font that texts are measured with and that PNG pictures have: `NotoSansSC-GB2312.otf` beside this file is Noto Sans SC
//! (SIL Open Font License) cut down to Latin and the 6,763 characters of GB 2312. Rarer ones are left out of PNG pictures; SVG is drawn by the viewer,
//! which has fonts of its own.

use std::sync::Once;

const FONT: &[u8] = include_bytes!("NotoSansSC-GB2312.otf");

/// Makes the font known, once in the life of the process.
pub(super) fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if let Err(error) = charts_rs::add_fonts(&[FONT]) {
            tracing::error!(%error, "the font of pictures cannot be used");
        }
    });
}
