//! Errors: what verbs return, and what clients get. A verb refuses with a `Refusal` (what happened, which field, what to
//! do about it) and knows nothing of HTTP; the outermost layer (`http::render`) turns every error into one `Problem`.
//! Here are the types, the codes (`code`), the map from constraints to refusals (`constraint`) and the error type of
//! routes that documents its statuses (`fail`). Not here: rendering of the framework's own errors (`http::render`).

mod code;
mod constraint;
mod fail;

pub use code::Code;
pub use constraint::{constraint, is_retryable};
pub use fail::{ApiResult, E400, E401, E403, E404, E409, E410, E412, E413, E415, E416, E422, E429, Fail};

use poem::{
    IntoResponse, Response,
    error::ResponseError,
    http::{HeaderValue, StatusCode, header},
};
use poem_openapi::{
    Object,
    payload::Payload,
    registry::{MetaSchemaRef, Registry},
    types::{ToJSON, Type},
};
use sea_orm::DbErr;
use std::fmt;

/// One field that was not accepted.
#[derive(Object, Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Where: a JSON pointer into the body (`/amount`), or the name of a parameter.
    pub pointer: String,
    /// What is wrong with it, and what would be right.
    pub detail: String,
}

impl FieldError {
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

/// Problem details (RFC 9457).
#[derive(Object, Clone, Debug, PartialEq, Eq)]
#[oai(skip_serializing_if_is_none, rename_all = "camelCase")]
pub struct Problem {
    /// Names the kind of problem; stable, made for programs to switch on.
    #[oai(rename = "type")]
    pub kind: String,
    /// The kind of problem in words.
    pub title: String,
    /// The HTTP status.
    pub status: i32,
    /// What happened this time, and what to do about it.
    pub detail: Option<String>,
    /// Names this request in the server's log.
    pub request_id: Option<String>,
    /// The fields that were not accepted.
    pub errors: Option<Vec<FieldError>>,
}

impl Problem {
    /// A problem that says no more than its HTTP status, for statuses that no `Code` stands for.
    pub fn about_blank(status: StatusCode) -> Self {
        Self {
            kind: "about:blank".into(),
            title: status.canonical_reason().unwrap_or("Error").into(),
            status: i32::from(status.as_u16()),
            detail: None,
            request_id: None,
            errors: None,
        }
    }
}

impl From<&Refusal> for Problem {
    fn from(refusal: &Refusal) -> Self {
        Self {
            kind: refusal.code.uri(),
            title: refusal.code.title().into(),
            status: i32::from(refusal.code.status()),
            detail: Some(refusal.detail.clone()),
            request_id: None,
            errors: (!refusal.errors.is_empty()).then(|| refusal.errors.clone()),
        }
    }
}

impl Payload for Problem {
    const CONTENT_TYPE: &'static str = "application/problem+json";

    fn schema_ref() -> MetaSchemaRef {
        <Self as Type>::schema_ref()
    }

    fn register(registry: &mut Registry) {
        <Self as Type>::register(registry);
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = u16::try_from(self.status).ok().and_then(|s| StatusCode::from_u16(s).ok());
        let mut response = Response::builder()
            .status(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
            .content_type(<Self as Payload>::CONTENT_TYPE)
            .body(self.to_json_string());
        if response.status() == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// A verb's "no": what happened and what to do. Clone and comparable, because sync push keeps it with the mutation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: Code,
    /// One or two sentences for the person who reads them: names the field and the remedy, never an internal cause.
    pub detail: String,
    /// The fields at fault; empty if it is about no field in particular.
    pub errors: Vec<FieldError>,
    /// Seconds after which a retry has a chance.
    pub retry_after: Option<u32>,
}

impl Refusal {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), errors: Vec::new(), retry_after: None }
    }

    /// 422: one value is well-formed but not acceptable. `pointer` is a JSON pointer (`/amount`) or a parameter's name.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::fields(Code::Validation, vec![FieldError::new(pointer, detail)])
    }

    /// Any code that is about fields. The detail names each of them, for clients that show nothing else.
    pub fn fields(code: Code, errors: Vec<FieldError>) -> Self {
        // The whole body has an empty pointer.
        let told = |e: &FieldError| match e.pointer.as_str() {
            "" => e.detail.clone(),
            pointer => format!("{pointer}: {}", e.detail),
        };
        let detail = errors.iter().map(told).collect::<Vec<_>>().join(" ");
        Self { code, detail, errors, retry_after: None }
    }

    /// 400: a parameter or a body that could not be read.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(Code::Malformed, detail)
    }

    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(Code::Unauthorized, detail)
    }

    /// 403: the user may see it, but not do this.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(Code::Forbidden, detail)
    }

    /// 404: `what` is a noun (`account`). The same answer for what does not exist and for what must not be seen.
    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("There is no such {what}, or it is not visible to you."))
    }

    /// 409, with the code that says which kind.
    pub fn conflict(code: Code, detail: impl Into<String>) -> Self {
        debug_assert_eq!(code.status(), 409, "{code:?} is not a conflict");
        Self::new(code, detail)
    }

    /// 409 on a deleted record.
    pub fn deleted(what: &str) -> Self {
        Self::new(Code::RecordDeleted, format!("This {what} has been deleted; it can no longer be changed."))
    }

    /// 422: names each field that the stage asks for and that is missing.
    pub fn stage(missing: Vec<FieldError>) -> Self {
        Self::fields(Code::StageRefused, missing)
    }

    /// 410: the only remedy is a pull from the beginning.
    pub fn cursor_expired() -> Self {
        Self::new(Code::CursorExpired, "This cursor can no longer be used. Pull again without a cursor.")
    }

    /// 412: `current` is the revision that the record has now.
    pub fn revision_mismatch(current: i64) -> Self {
        let detail =
            format!("The record is at revision {current}. Read it again and repeat the change on top of that.");
        Self::new(Code::RevisionMismatch, detail)
    }

    /// 429: `seconds` until the next attempt is welcome.
    pub fn too_many_requests(seconds: u32) -> Self {
        let detail = format!("Too many requests. Try again in {seconds} s.");
        Self { retry_after: Some(seconds), ..Self::new(Code::TooManyRequests, detail) }
    }

    /// 503: nothing is wrong with the request; `seconds` until it is worth repeating.
    pub fn unavailable(seconds: u32) -> Self {
        let detail = format!("The server cannot answer right now. Repeat the request in {seconds} s.");
        Self { retry_after: Some(seconds), ..Self::new(Code::Unavailable, detail) }
    }

    /// 500 with nothing about the cause.
    pub fn internal() -> Self {
        Self::new(Code::Internal, "The server could not do this. It has been logged under the id of this request.")
    }

    /// The problem as JSON, for results that carry one inside (sync push).
    pub fn json(&self) -> serde_json::Value {
        Problem::from(self).to_json().unwrap_or_default()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.slug(), self.detail)
    }
}

impl std::error::Error for Refusal {}

/// Why a verb did not succeed. Only `Refusal` says anything to a client that it did not know before.
#[derive(Debug)]
pub enum Error {
    Refusal(Refusal),
    Database(DbErr),
    /// A broken assumption of ours, in words for the log.
    Internal(String),
}

impl Error {
    /// What the client is told: the refusal itself, the one that a constraint stands for, or 500 without a cause.
    pub fn refusal(&self) -> Refusal {
        match self {
            Error::Refusal(refusal) => refusal.clone(),
            Error::Database(err) => constraint::refusal(err),
            Error::Internal(_) => Refusal::internal(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Refusal(refusal) => refusal.fmt(f),
            Error::Database(err) => err.fmt(f),
            Error::Internal(cause) => f.write_str(cause),
        }
    }
}

impl std::error::Error for Error {}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Error::Refusal(refusal)
    }
}

impl From<DbErr> for Error {
    fn from(err: DbErr) -> Self {
        Error::Database(err)
    }
}

/// So that extractors may use `?`: the outermost layer finds the `Error` again inside the framework's error.
impl ResponseError for Error {
    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.refusal().code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn as_response(&self) -> Response {
        Problem::from(&self.refusal()).into_response()
    }
}

impl ResponseError for Refusal {
    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn as_response(&self) -> Response {
        Problem::from(self).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_refusal_reads_as_a_problem() {
        let refusal = Refusal::invalid("/amount", "Must not be negative.");
        assert_eq!(
            refusal.json(),
            json!({
                "type": "/problems/validation",
                "title": "The values are not acceptable",
                "status": 422,
                "detail": "/amount: Must not be negative.",
                "errors": [{ "pointer": "/amount", "detail": "Must not be negative." }],
            })
        );
    }

    #[test]
    fn a_fault_of_the_whole_body_names_no_field() {
        let whole = Refusal::fields(Code::Malformed, vec![FieldError::new("", "Must be an object.")]);
        assert_eq!(whole.detail, "Must be an object.");
    }

    #[test]
    fn an_internal_cause_stays_inside() {
        let told = Error::Internal("pool of shard 7 is empty".into()).refusal();
        assert_eq!(told, Refusal::internal());
        assert!(!told.json().to_string().contains("shard"));
    }
}
