//! The error type of routes: it documents exactly the statuses that its operation can answer.
//! Those that every operation has (401, 413, 415, 500, 503, …) are added to the document by `openapi::polish`.

use super::{Error, Problem, Refusal};
use poem_openapi::{
    ApiResponse,
    payload::{Json, Payload},
    registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, Registry},
    types::Type,
};
use sea_orm::DbErr;

/// `Result` of a route: the record, or one of the statuses in `S`.
pub type ApiResult<T, const S: u32> = Result<Json<T>, Fail<S>>;

/// `Fail<{ E404 | E409 }>`: any error; documents 404 and 409.
#[derive(Debug)]
pub struct Fail<const S: u32>(pub Error);

pub const E400: u32 = 1;
pub const E401: u32 = 1 << 1;
pub const E403: u32 = 1 << 2;
pub const E404: u32 = 1 << 3;
pub const E409: u32 = 1 << 4;
pub const E410: u32 = 1 << 5;
pub const E412: u32 = 1 << 6;
pub const E413: u32 = 1 << 7;
pub const E415: u32 = 1 << 8;
pub const E422: u32 = 1 << 9;
pub const E429: u32 = 1 << 10;
pub const E416: u32 = 1 << 11;

const STATUSES: [(u32, u16, &str); 12] = [
    (E400, 400, "The request could not be read"),
    (E401, 401, "Authentication is needed"),
    (E403, 403, "Not allowed for this user"),
    (E404, 404, "No such record, or not visible to this user"),
    (E409, 409, "In conflict with the current state"),
    (E410, 410, "No longer available; start over"),
    (E412, 412, "The record has changed since it was read"),
    (E413, 413, "The request is too large"),
    (E415, 415, "The media type is not supported"),
    (E416, 416, "The range lies outside of the file"),
    (E422, 422, "Well-formed, but the values are not acceptable"),
    (E429, 429, "Too many requests"),
];

/// Statuses that every operation may answer and that the document lists everywhere.
const EVERYWHERE: [u16; 2] = [500, 503];

impl<const S: u32> ApiResponse for Fail<S> {
    fn meta() -> MetaResponses {
        let documented = STATUSES.iter().filter(|(bit, ..)| S & bit != 0);
        MetaResponses {
            responses: documented
                .map(|&(_, status, description)| MetaResponse {
                    description,
                    status: Some(status),
                    status_range: None,
                    content: vec![MetaMediaType {
                        content_type: Problem::CONTENT_TYPE,
                        schema: <Problem as Payload>::schema_ref(),
                    }],
                    headers: if status == 429 { vec![retry_after()] } else { Vec::new() },
                })
                .collect(),
        }
    }

    fn register(registry: &mut Registry) {
        <Problem as Type>::register(registry);
    }
}

fn retry_after() -> MetaHeader {
    MetaHeader {
        name: "Retry-After".into(),
        description: Some("Seconds to wait".into()),
        required: false,
        deprecated: false,
        schema: i32::schema_ref(),
    }
}

impl<const S: u32> From<Error> for Fail<S> {
    fn from(err: Error) -> Self {
        if cfg!(debug_assertions) {
            let status = err.refusal().code.status();
            let documented = STATUSES.iter().any(|(bit, s, _)| S & bit != 0 && *s == status);
            assert!(documented || EVERYWHERE.contains(&status), "status {status} is not documented here: {err}");
        }
        Fail(err)
    }
}

impl<const S: u32> From<Refusal> for Fail<S> {
    fn from(refusal: Refusal) -> Self {
        Error::from(refusal).into()
    }
}

impl<const S: u32> From<DbErr> for Fail<S> {
    fn from(err: DbErr) -> Self {
        Error::from(err).into()
    }
}

impl<const S: u32> From<Fail<S>> for poem::Error {
    fn from(fail: Fail<S>) -> Self {
        fail.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_exactly_its_statuses() {
        let statuses: Vec<_> = Fail::<{ E404 | E409 }>::meta().responses.iter().map(|r| r.status).collect();
        assert_eq!(statuses, [Some(404), Some(409)]);
    }

    #[test]
    #[should_panic(expected = "status 404 is not documented here")]
    fn an_undocumented_status_is_found_in_debug_builds() {
        let _ = Fail::<E409>::from(Refusal::not_found("account"));
    }
}
