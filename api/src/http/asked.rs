//! What is asked beside path and body: a parameter that the document does not know is refused by its name, as an unknown field
//! of a body is, because a misspelt filter that is dropped lists everything; and so is a body in an encoding that nobody reads.

use poem::Request;
use poem::http::header;

use super::contract::Matched;
use crate::problem::{Code, FieldError, Refusal};

/// The first fault of the request's head that the framework would not see.
pub fn check(request: &Request, matched: Option<Matched<'_>>) -> Result<(), Refusal> {
    let encodings = request.headers().get_all(header::CONTENT_ENCODING);
    if encodings.iter().any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        let detail = "Content-Encoding: Send the body as it is, without compression.";
        return Err(Refusal::new(Code::UnsupportedMediaType, detail));
    }
    let (Some(matched), Some(query)) = (matched, request.uri().query()) else { return Ok(()) };
    // What cannot be read is for the framework to refuse.
    let asked: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
    let unknown = asked.iter().filter(|(name, _)| !matched.knows_query(request.method(), name));
    let faults: Vec<FieldError> = unknown
        .map(|(name, _)| FieldError::new(name, "There is no such parameter here. Check its spelling, or leave it out."))
        .take(MOST)
        .collect();
    // Who is a stranger hears that first.
    let is_stranger = !request.headers().contains_key(header::AUTHORIZATION);
    if faults.is_empty() || is_stranger { Ok(()) } else { Err(Refusal::fields(Code::Malformed, faults)) }
}

/// More than this many faults help nobody.
const MOST: usize = 20;
