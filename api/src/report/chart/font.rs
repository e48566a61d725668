//! The fonts of PNG pictures. The library brings Roboto; a Chinese font is too large for the binary and is taken from the
//! machine: the file that `WAYPOST_FONT` names, or the first found of those that systems keep in these places. Without one,
//! Chinese texts are left out of PNG pictures; SVG is drawn by the viewer, which has fonts of its own.

use std::path::PathBuf;
use std::sync::Once;

const PLACES: [&str; 10] = [
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-sans-cjk-fonts/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/wqy-microhei/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/System/Library/Fonts/Hiragino Sans GB.ttc",
    "/System/Library/Fonts/STHeiti Light.ttc",
];

/// Looks for a Chinese font once in the life of the process.
pub(super) fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let named = std::env::var_os("WAYPOST_FONT").map(PathBuf::from);
        let Some(path) = named.or_else(|| PLACES.iter().map(PathBuf::from).find(|path| path.exists())) else {
            tracing::warn!(
                "no Chinese font on this machine: name one by WAYPOST_FONT, or Chinese is missing in PNG pictures"
            );
            return;
        };
        let read = std::fs::read(&path).map_err(|error| error.to_string());
        if let Err(error) = read.and_then(|font| charts_rs::add_fonts(&[&font]).map_err(|error| error.to_string())) {
            tracing::warn!(path = %path.display(), error, "this font cannot be used");
        }
    });
}
