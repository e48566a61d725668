//! Style sheet, script and icon, which are in the binary. Their names carry a digest of their text, so that browsers keep
//! them for good and a new version is a new name.

use std::sync::LazyLock;

use poem::http::{HeaderValue, StatusCode, header};
use poem::{Request, Response};
use sha2::{Digest, Sha256};

use super::answer::bare;
use crate::write::hex;

struct Asset {
    /// `app.1f2e….css`
    name: String,
    content_type: &'static str,
    text: &'static str,
    etag: String,
}

static ASSETS: LazyLock<[Asset; 3]> = LazyLock::new(|| {
    [
        asset("app", "css", "text/css; charset=utf-8", include_str!("assets/app.css")),
        asset("app", "js", "text/javascript; charset=utf-8", include_str!("assets/app.js")),
        asset("icon", "svg", "image/svg+xml", include_str!("assets/icon.svg")),
    ]
});

fn asset(stem: &str, extension: &str, content_type: &'static str, text: &'static str) -> Asset {
    let digest = hex(&Sha256::digest(text))[..16].to_owned();
    Asset { name: format!("{stem}.{digest}.{extension}"), content_type, text, etag: format!("\"{digest}\"") }
}

/// Where the asset with this ending is.
pub fn path(extension: &str) -> String {
    let found = ASSETS.iter().find(|asset| asset.name.ends_with(extension));
    format!("/assets/{}", found.map_or("", |asset| &asset.name))
}

pub async fn serve(request: Request) -> poem::Result<Response> {
    let name = request.raw_path_param("name").unwrap_or_default();
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else { return Ok(bare(StatusCode::NOT_FOUND)) };
    let response = Response::builder()
        .header(header::ETAG, &asset.etag)
        .header(header::CACHE_CONTROL, "public, max-age=31536000, immutable");
    let known = request.headers().get(header::IF_NONE_MATCH).map(HeaderValue::as_bytes) == Some(asset.etag.as_bytes());
    Ok(if known {
        response.status(StatusCode::NOT_MODIFIED).finish()
    } else {
        response.content_type(asset.content_type).body(asset.text)
    })
}
