//! The envelope around the whole API: request id and log line, limits, compression, security headers, and errors of
//! every layer as problem+json. Routes and rules are not here. No CORS: browsers reach the API through their own origin.

pub mod docs;
pub mod door;

mod asked;
mod compress;
mod contract;
pub mod explain;
mod limits;
mod log;
pub mod once;
pub mod rate;
mod render;

pub use contract::Contract;
use limits::Limit;
pub use limits::Limits;
pub use log::RequestContext;

use crate::problem::{Code, Refusal};
use futures_util::FutureExt;
use poem::{
    Endpoint, IntoResponse, Request, Response,
    http::{HeaderMap, HeaderName, HeaderValue, header},
};
use std::{panic::AssertUnwindSafe, sync::Arc, time::Instant};
use tracing::Instrument;

/// Set on every answer that does not say otherwise itself. Nothing of a customer's belongs into a cache on the way.
const SECURITY: [(HeaderName, HeaderValue); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Wraps the whole application. It never fails: every error comes out as an answer.
/// `contract` is the polished document of the routes inside.
pub fn envelope<E: Endpoint>(inner: E, contract: Arc<Contract>, limits: Limits) -> impl Endpoint<Output = Response> {
    Envelope { inner, contract, limits }
}

struct Envelope<E> {
    inner: E,
    contract: Arc<Contract>,
    limits: Limits,
}

impl<E: Endpoint> Endpoint for Envelope<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let started = Instant::now();
        let context = Arc::new(RequestContext::of_headers(request.headers()));
        request.extensions_mut().insert(context.clone());
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let accept = accept_encoding(request.headers());

        let matched = self.contract.matching(&path);
        let mut line = log::Line {
            context: context.clone(),
            method: method.as_str(),
            operation: matched.and_then(|m| m.operation_id(&method)),
            started,
            status: None,
        };
        let request_id = context.request_id.as_str();
        let failed = render::Failed { contract: &self.contract, matched, method: &method, request_id, body: None };

        let span = tracing::info_span!("request", request_id);
        let response = self.guarded(request, failed, self.limits.of_path(&path)).instrument(span).await;
        let mut response = compress::compress(&accept, response);

        for (name, value) in &SECURITY {
            response.headers_mut().entry(name).or_insert_with(|| value.clone());
        }
        if let Some(left) = context.left.get() {
            for (name, value) in left.headers() {
                response.headers_mut().insert(name, value);
            }
        }
        if let Some(id) = context.header() {
            response.headers_mut().insert(log::X_REQUEST_ID, id);
        }
        line.status = Some(response.status().as_u16());
        Ok(response)
    }
}

impl<E: Endpoint> Envelope<E> {
    /// Calls the routes inside the limits, and turns whatever goes wrong there into a problem.
    async fn guarded(&self, mut request: Request, failed: render::Failed<'_>, limit: Limit) -> Response {
        let too_large = || Refusal::new(Code::TooLarge, format!("The body may have at most {} bytes.", limit.bytes));
        let answer = async {
            if let Err(refusal) = asked::check(&request, failed.matched) {
                return failed.refusal(&refusal);
            }
            let Ok(seen) = limits::count(&mut request, limit).await else {
                return failed.refusal(&too_large());
            };
            match AssertUnwindSafe(self.inner.call(request)).catch_unwind().await {
                Ok(Ok(response)) => failed.bare(response.into_response()),
                Ok(Err(_)) if seen.is_over() => failed.refusal(&too_large()),
                Ok(Err(err)) => failed.with_body(seen.body()).error(err),
                Err(panic) => failed.panic(panic.as_ref()),
            }
        };
        match tokio::time::timeout(limit.time, answer).await {
            Ok(response) => response,
            Err(_) => {
                let detail = "The request took too long and was given up. Repeat it, or ask for less at a time.";
                failed.refusal(&Refusal { retry_after: Some(1), ..Refusal::new(Code::Timeout, detail) })
            }
        }
    }
}

/// The request's own `Accept-Encoding`, for when the request is gone.
fn accept_encoding(headers: &HeaderMap) -> HeaderMap {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    values.map(|v| (header::ACCEPT_ENCODING, v.clone())).collect()
}
