//! The fonts of PNG pictures. The library brings Roboto; `NotoSansSC-GB2312.otf` beside this file is Noto Sans SC (SIL Open Font
//! License) cut down to the 6,763 characters of GB 2312. Rarer ones are left out of PNG pictures; SVG is drawn by the viewer,
//! which has fonts of its own.

use std::sync::Once;

const CHINESE: &[u8] = include_bytes!("NotoSansSC-GB2312.otf");

/// Makes the Chinese font known, once in the life of the process.
pub(super) fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if let Err(error) = charts_rs::add_fonts(&[CHINESE]) {
            tracing::error!(%error, "the Chinese font cannot be used");
        }
    });
}
