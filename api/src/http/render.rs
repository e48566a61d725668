//! Every error of every layer as problem+json: refusals of ours, errors of the framework, panics, bare statuses.
//! Nothing here repeats what the client sent. Causes go to the log, under the id of the request.

use super::{
    contract::{Contract, Matched},
    explain,
};
use crate::problem::{Code, Error, FieldError, Problem, Refusal};
use poem::{
    IntoResponse, Response,
    error::{MethodNotAllowedError, NotFoundError, ParseJsonError, ReadBodyError},
    http::{HeaderValue, Method, StatusCode, header},
};
use poem_openapi::{
    error::{
        AuthorizationError, ContentTypeError, ParseMultipartError, ParseParamError, ParsePathError,
        ParseRequestPayloadError,
    },
    payload::Payload,
};
use std::any::Any;

/// What is known about the request that failed.
#[derive(Clone)]
pub struct Failed<'a> {
    pub contract: &'a Contract,
    pub matched: Option<Matched<'a>>,
    pub method: &'a Method,
    pub request_id: &'a str,
    /// The body as far as it was read and kept.
    pub body: Option<Vec<u8>>,
}

impl Failed<'_> {
    pub fn with_body(&self, body: Option<Vec<u8>>) -> Self {
        Self { body, ..self.clone() }
    }

    /// An error that a handler, an extractor or the router returned.
    pub fn error(&self, err: poem::Error) -> Response {
        if let Some(own) = err.downcast_ref::<Error>() {
            return self.own(own);
        }
        if let Some(refusal) = err.downcast_ref::<Refusal>() {
            return self.refusal(refusal);
        }
        if err.is_from_response() {
            return self.bare(err.into_response());
        }
        match self.of_framework(&err) {
            Some(refusal) => self.refusal(&refusal),
            None if err.status().is_server_error() => {
                tracing::error!(cause = %err, "request failed");
                self.refusal(&Refusal::internal())
            }
            None => self.problem(Problem::about_blank(err.status())),
        }
    }

    /// A panic of the handler.
    pub fn panic(&self, payload: &(dyn Any + Send)) -> Response {
        let message = payload.downcast_ref::<String>().map(String::as_str);
        let message = message.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("not a text");
        tracing::error!(panic = message, "request handler panicked");
        self.refusal(&Refusal::internal())
    }

    /// An answer with an error status that tells nothing gets a problem; any other answer passes, a page for people too.
    pub fn bare(&self, mut response: Response) -> Response {
        let status = response.status();
        let is_error = status.is_client_error() || status.is_server_error();
        let told = [<Problem as Payload>::CONTENT_TYPE, "text/html"];
        let is_told = response.content_type().is_some_and(|t| told.iter().any(|known| t.starts_with(known)));
        if !is_error || is_told {
            return response;
        }
        let problem = self.problem(Problem::about_blank(status));
        let headers = response.headers_mut();
        for name in [header::CONTENT_LENGTH, header::CONTENT_ENCODING] {
            headers.remove(name);
        }
        for (name, value) in problem.headers() {
            headers.insert(name, value.clone());
        }
        response.set_body(problem.into_body());
        response
    }

    /// A refusal, with the headers that belong to its status.
    pub fn refusal(&self, refusal: &Refusal) -> Response {
        let mut response = self.problem(Problem::from(refusal));
        if let Some(seconds) = refusal.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    fn own(&self, err: &Error) -> Response {
        let refusal = err.refusal();
        if matches!(refusal.code, Code::Internal | Code::Unavailable) {
            tracing::error!(cause = %err, "request failed");
        }
        self.refusal(&refusal)
    }

    fn problem(&self, problem: Problem) -> Response {
        let mut response = Problem { request_id: Some(self.request_id.to_owned()), ..problem }.into_response();
        if response.status() == StatusCode::METHOD_NOT_ALLOWED {
            // What is not in the document (health, keys, the document itself) is there to be read only.
            let allow = self.matched.map_or_else(|| "GET, HEAD".into(), Matched::allow);
            if let Ok(allow) = HeaderValue::from_str(&allow) {
                response.headers_mut().insert(header::ALLOW, allow);
            }
        }
        response
    }

    /// The framework's errors by their types; `None` for those that the client can do nothing about, and unknown ones.
    fn of_framework(&self, err: &poem::Error) -> Option<Refusal> {
        if let Some(e) = err.downcast_ref::<ParseParamError>() {
            Some(self.parameter(e.name, &e.reason))
        } else if let Some(e) = err.downcast_ref::<ParsePathError>() {
            // poem-openapi knows path parameters as param0, param1, …
            let index = e.name.strip_prefix("param").and_then(|n| n.parse().ok());
            let name = index.and_then(|n| self.matched?.path_parameter(n)).unwrap_or(e.name);
            Some(self.parameter(name, &e.reason))
        } else if let Some(e) = err.downcast_ref::<ParseRequestPayloadError>() {
            Some(self.body(&e.reason))
        } else if err.is::<ContentTypeError>() || is_media_type(err) {
            Some(self.media_type())
        } else if err.is::<ParseMultipartError>() || err.is::<poem::error::ParseMultipartError>() {
            Some(self.form())
        } else if err.is::<AuthorizationError>() {
            Some(Refusal::unauthorized("Send a valid access token: Authorization: Bearer <token>."))
        } else if err.is::<NotFoundError>() {
            Some(Refusal::new(Code::NotFound, "There is nothing at this path. /openapi.json lists every path."))
        } else if err.is::<MethodNotAllowedError>() {
            Some(Refusal::new(Code::MethodNotAllowed, "The header Allow lists the methods of this path."))
        } else {
            match err.downcast_ref::<ReadBodyError>()? {
                ReadBodyError::PayloadTooLarge => {
                    Some(Refusal::new(Code::TooLarge, "The body is longer than allowed."))
                }
                ReadBodyError::Utf8(_) => Some(Refusal::malformed("The body is not valid UTF-8.")),
                ReadBodyError::Io(_) => Some(Refusal::malformed("The body ended before it was complete.")),
                ReadBodyError::BodyHasBeenTaken => None,
            }
        }
    }

    fn media_type(&self) -> Refusal {
        let types = self.matched.map(|matched| matched.media_types(self.method)).unwrap_or_default();
        let detail = match types.join(" or ") {
            none if none.is_empty() => "Send the body as the document says, and name its Content-Type.".to_owned(),
            types => format!("Send the body as {types}, and say so in Content-Type."),
        };
        Refusal::new(Code::UnsupportedMediaType, detail)
    }

    fn form(&self) -> Refusal {
        let parts = self.matched.map(|matched| matched.form_parts(self.method)).unwrap_or_default();
        Refusal::malformed(format!(
            "The form could not be read. Send multipart/form-data to its end, with the boundary in Content-Type (clients write \
             that header themselves), and with these parts: {}.",
            parts.join(", ")
        ))
    }

    fn parameter(&self, name: &str, reason: &str) -> Refusal {
        let schema = self.matched.and_then(|m| m.parameter_schema(self.method, name));
        // A list is a parameter given several times: each value has the form of an entry.
        let schema = schema.map(|s| if s["type"] == "array" { &s["items"] } else { s });
        let expected = schema.map(|s| explain::expectation(self.contract, s)).unwrap_or_default();
        let detail = match expectation_missed(reason) {
            Missed::Absent => format!("Is required. {expected}"),
            Missed::Rule(rule) if expected.is_empty() => format!("Does not satisfy {rule}."),
            Missed::Form if expected.is_empty() => "Is not of the documented form.".into(),
            Missed::Rule(_) | Missed::Form => expected,
        };
        Refusal::fields(Code::Malformed, vec![FieldError::new(name, detail.trim_end())])
    }

    fn body(&self, reason: &str) -> Refusal {
        let Some(body) = &self.body else {
            return Refusal::malformed("The body is not JSON of the documented form.");
        };
        if body.is_empty() {
            return Refusal::malformed("A JSON body is required.");
        }
        let value = match serde_json::from_slice(body) {
            Ok(value) => value,
            // The parser's own messages are made of fixed phrases and a position.
            Err(err) => return Refusal::malformed(format!("The body is not valid JSON: {err}.")),
        };
        let schema = self.matched.and_then(|m| m.body_schema(self.method));
        let mut errors = schema.map(|s| explain::faults(self.contract, s, &value)).unwrap_or_default();
        if errors.is_empty()
            && let Some((field, rule)) = validated_field(reason)
        {
            errors.push(FieldError::new(format!("/{field}"), format!("Does not satisfy {rule}.")));
        }
        if errors.is_empty() {
            let detail = match refused_type(reason) {
                Some(name) => format!("The body is not of the documented form: a value is no valid {name}."),
                None => "The body is not of the documented form.".into(),
            };
            return Refusal::malformed(detail);
        }
        Refusal::fields(Code::Malformed, errors)
    }
}

fn is_media_type(err: &poem::Error) -> bool {
    let is_ours = err.is::<ParseJsonError>() || err.is::<poem::error::ParseMultipartError>();
    is_ours && err.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE
}

enum Missed<'a> {
    Absent,
    /// A validator, as the framework writes it: `maximum(500, exclusive: false)`.
    Rule(&'a str),
    Form,
}

fn expectation_missed(reason: &str) -> Missed<'_> {
    if let Some(rule) = reason.strip_prefix("verification failed. ") {
        Missed::Rule(rule)
    } else if reason.starts_with("Type \"") && reason.contains("expects an input value") {
        Missed::Absent
    } else {
        Missed::Form
    }
}

/// The field and the rule of ``failed to parse "Visit": field `minutes` verification failed. maximum(…)``, whose parts
/// all come from our own types. Only a name of the top level is certain: the message does not tell where it is nested.
fn validated_field(reason: &str) -> Option<(&str, &str)> {
    let rest = reason.strip_prefix("failed to parse \"")?.split_once("\": field `")?.1;
    let (field, rule) = rest.split_once("` verification failed. ")?;
    (!rule.contains(" (occurred while parsing")).then_some((field, rule))
}

/// The name of our type that refused its value, with which the framework's message begins.
fn refused_type(reason: &str) -> Option<&str> {
    let starts = ["failed to parse \"", "Expected input type \"", "Type \""];
    let rest = starts.iter().find_map(|start| reason.strip_prefix(start))?;
    rest.split_once('"').map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_validators_own_words_are_repeated() {
        let of_type = r#"Expected input type "Visit", found "field `x` verification failed. secret"."#;
        assert_eq!(validated_field(of_type), None);
        let validator =
            r#"failed to parse "Visit": field `minutes` verification failed. maximum(500, exclusive: false)"#;
        assert_eq!(validated_field(validator), Some(("minutes", "maximum(500, exclusive: false)")));
        let nested = format!("{validator} (occurred while parsing \"Day\")");
        assert_eq!(validated_field(&nested), None);
        assert_eq!(refused_type(of_type), Some("Visit"));
        assert_eq!(refused_type("secret"), None);
    }
}
