//! One line for each request, and the id that ties it to every other line and to the client's problem. Logged is who
//! (tenant, user), what (operation), how it ended and how long it took; never the address, its query, headers or body.

use poem::{
    Request,
    http::{HeaderMap, HeaderName, HeaderValue},
};
use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};
use uuid::Uuid;

use super::rate::Left;

pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What is known about a request beside its content; an `Arc` of it is in the request's extensions.
#[derive(Debug)]
pub struct RequestContext {
    /// Chosen by the client or by us; in the answer's `X-Request-Id`, in problems and in the log.
    pub request_id: String,
    /// Tenant and user, set by whoever has proven them.
    pub who: OnceLock<(Uuid, Uuid)>,
    /// What the request left of its token's rate.
    pub left: OnceLock<Left>,
}

impl RequestContext {
    /// Takes the client's request id if it is one that can safely go into logs and headers.
    pub fn of_headers(headers: &HeaderMap) -> Self {
        let given = headers.get(X_REQUEST_ID).and_then(|v| v.to_str().ok()).filter(|id| is_request_id(id));
        let request_id = given.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
        Self { request_id, who: OnceLock::new(), left: OnceLock::new() }
    }

    /// The context of `request`; `None` outside the envelope.
    pub fn of(request: &Request) -> Option<&Self> {
        request.extensions().get::<Arc<Self>>().map(Arc::as_ref)
    }

    /// The request id as a header.
    pub fn header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.request_id).ok()
    }
}

/// The line of one request. It is written when the head of the answer is ready, or when the request is dropped before
/// that (an HTTP/2 stream was reset, a shutdown did not wait any longer): then there is no status.
pub struct Line<'a> {
    pub context: Arc<RequestContext>,
    pub method: &'a str,
    pub operation: Option<&'a str>,
    pub started: Instant,
    pub status: Option<u16>,
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let who = self.context.who.get();
        tracing::info!(
            target: "waypost::request",
            request_id = self.context.request_id,
            tenant = who.map(|w| tracing::field::display(w.0)),
            user = who.map(|w| tracing::field::display(w.1)),
            method = self.method,
            operation = self.operation,
            status = self.status,
            duration_ms = self.started.elapsed().as_secs_f64() * 1000.0,
            "{}", if self.status.is_some() { "answered" } else { "dropped" }
        );
    }
}

fn is_request_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_is_taken_only_if_it_is_harmless() {
        for (given, taken) in [("phone-7_42", true), ("", false), ("a b", false), ("é", false)] {
            assert_eq!(is_request_id(given), taken, "{given}");
        }
        assert!(is_request_id(&"a".repeat(64)));
        assert!(!is_request_id(&"a".repeat(65)));
    }
}
