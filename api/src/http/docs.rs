//! The published document at `/openapi.json`, its page for people at `/docs`, and the kinds of problems at `/problems`.
//! Plain endpoints outside the document; the page is bundled, it loads nothing from elsewhere.

use crate::problem::Code;
use poem::{
    Body, Endpoint, Request, Response, Route,
    endpoint::make_sync,
    get,
    http::{HeaderValue, StatusCode, header},
};
use poem_openapi::OpenApiService;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio_util::bytes::Bytes;

/// `inner` with the document's endpoints beside its routes.
pub fn routes(inner: Route, document: &Value) -> Route {
    let document_page = Page::new("application/json", document.to_string());
    let human_page = Page::new("text/html; charset=utf-8", swagger(document));
    inner
        .at("/openapi.json", get(document_page.endpoint()))
        .at("/docs", get(human_page.endpoint()))
        .at("/problems/:slug", get(make_sync(problem)))
}

/// A page that never changes while the server runs.
#[derive(Clone)]
struct Page {
    content_type: &'static str,
    bytes: Bytes,
    etag: HeaderValue,
}

impl Page {
    fn new(content_type: &'static str, text: String) -> Self {
        let digest = Sha256::digest(text.as_bytes());
        let hex: String = digest.iter().take(16).map(|b| format!("{b:02x}")).collect();
        let etag = HeaderValue::try_from(format!("\"{hex}\"")).expect("hexadecimal digits make a header");
        Self { content_type, bytes: text.into(), etag }
    }

    fn endpoint(self) -> impl Endpoint + 'static {
        make_sync(move |request| self.answer(&request))
    }

    fn answer(&self, request: &Request) -> Response {
        let known = request.headers().get(header::IF_NONE_MATCH) == Some(&self.etag);
        let response = Response::builder()
            .header(header::ETAG, self.etag.clone())
            .header(header::CACHE_CONTROL, "no-cache")
            .header(
                header::CONTENT_SECURITY_POLICY,
                "default-src 'self' 'unsafe-inline' data:; frame-ancestors 'none'",
            );
        if known {
            return response.status(StatusCode::NOT_MODIFIED).finish();
        }
        response.content_type(self.content_type).body(Body::from_bytes(self.bytes.clone()))
    }
}

/// The page that poem-openapi bundles, with the polished document in place of one that it would write itself.
fn swagger(document: &Value) -> String {
    let empty = OpenApiService::new((), "Waypost", "");
    let own = format!("let spec = {};", empty.spec());
    // In a script, `</script>` would end it wherever it stands.
    let polished = format!("let spec = {};", document.to_string().replace('<', "\\u003c"));
    let page = empty.swagger_ui_html();
    assert!(page.contains(&own), "the bundled page embeds its document in another way now");
    page.replacen(&own, &polished, 1)
}

/// What a problem's `type` means.
fn problem(request: Request) -> poem::Result<poem::web::Json<Value>> {
    let slug = request.raw_path_param("slug").unwrap_or_default();
    let code = Code::ALL.into_iter().find(|c| c.slug() == slug).ok_or(poem::error::NotFoundError)?;
    Ok(poem::web::Json(json!({ "type": code.uri(), "status": code.status(), "title": code.title() })))
}
