//! Records as answers: with their revision as `ETag`, and with `Location` when they are new.

use poem_openapi::ApiResponse;
use poem_openapi::payload::Json;

use crate::record::Record;

/// A new record.
#[derive(ApiResponse)]
pub enum Created<M: Record> {
    /// Created
    #[oai(status = 201)]
    Created(
        Json<M>,
        /// The revision, for `If-Match`.
        #[oai(header = "ETag")]
        String,
        /// Where the record is found.
        #[oai(header = "Location")]
        String,
    ),
}

/// A record as it is now.
#[derive(ApiResponse)]
pub enum Found<M: Record> {
    /// The record
    #[oai(status = 200)]
    Found(
        Json<M>,
        /// The revision, for `If-Match`.
        #[oai(header = "ETag")]
        String,
    ),
}

/// Done, and nothing to tell.
#[derive(ApiResponse)]
pub enum NoContent {
    /// Done
    #[oai(status = 204)]
    Done,
}

impl<M: Record> Created<M> {
    /// `path`: of the list that it is now in.
    pub fn at(path: &str, record: M) -> Self {
        let location = format!("{path}/{}", record.id());
        let etag = etag(&record);
        Created::Created(Json(record), etag, location)
    }
}

impl<M: Record> Found<M> {
    pub fn of(record: M) -> Self {
        let etag = etag(&record);
        Found::Found(Json(record), etag)
    }
}

fn etag(record: &impl Record) -> String {
    format!("\"{}\"", record.revision())
}
