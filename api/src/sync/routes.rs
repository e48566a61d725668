//! The routes of phones.

use std::time::Duration;

use entity::kind::Kind;
use futures_util::stream;
use poem::web::Data;
use poem::web::sse::SSE;
use poem::{Body, Request};
use poem_openapi::param::{Header, Query};
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use serde_json::Value;

use super::cursor::Cursor;
use super::digest::{self, Digest, RecordKey};
use super::events::Credential;
use super::pull::{Pulled, pull};
use super::syncs;
use super::wire::{EventStream, PullAnswer, Push, PushResults, Ready, SyncRecords};
use crate::auth::Actor;
use crate::auth::actor::bearer;
use crate::http::RequestContext;
use crate::problem::{ApiResult, Code, E400, E401, E403, E410, E413, E422, Fail, FieldError, Refusal};
use crate::state::State;
use crate::tag::Tag;

/// Changes in a page if the client asks for no number, and at the most.
const PAGE: i32 = 500;
const LONGEST_PAGE: i32 = 5_000;

/// Records by id.
#[derive(Clone, Debug, Object)]
#[oai(deny_unknown_fields)]
pub struct RecordKeys {
    #[oai(validator(min_items = 1, max_items = 500))]
    pub records: Vec<RecordKey>,
}

pub struct SyncApi;

#[OpenApi]
impl SyncApi {
    /// Pull what changed since a cursor.
    ///
    /// Without a cursor everything that the caller may see. Apply the changes in order and keep the cursor with them;
    /// while `hasMore` is true, pull again. `410` means: throw the cursor away and pull without one.
    #[oai(path = "/v1/sync/changes", method = "get", operation_id = "pullChanges", tag = "Tag::Sync")]
    async fn pull_changes(
        &self,
        actor: Actor,
        state: Data<&State>,
        /// The cursor of the last page; absent for the first pull.
        cursor: Query<Option<String>>,
        /// Changes in a page: 1 to 5000, 500 if absent.
        limit: Query<Option<i32>>,
        /// `application/x-ndjson` streams the whole pull, one change a line.
        accept: Header<Option<String>>,
    ) -> Result<PullAnswer, Fail<{ E400 | E401 | E403 | E410 | E422 }>> {
        syncs(&actor)?;
        let limit = match limit.0.unwrap_or(PAGE) {
            limit @ 1..=LONGEST_PAGE => limit as usize,
            _ => {
                let told = FieldError::new("limit", "Must be between 1 and 5000.");
                return Err(Refusal::fields(Code::Malformed, vec![told]).into());
            }
        };
        let cursor = match &cursor.0 {
            Some(text) => Cursor::read(text, &actor)?,
            None => Cursor::start(&actor),
        };
        let lines = accept.0.is_some_and(|accept| prefers_lines(&accept));
        let mut page = if lines { Vec::new() } else { br#"{"changes":["#.to_vec() };
        let first = pull(&state, &actor, &cursor, limit, &mut page, if lines { b'\n' } else { b',' }).await?;
        Ok(PullAnswer(if lines {
            Ready::lines(stream_lines(state.0.clone(), actor, page, first))
        } else {
            let (cursor, more, head) = (first.cursor.encode(), first.more, first.head);
            page.extend_from_slice(format!(r#"],"cursor":"{cursor}","hasMore":{more},"head":{head}}}"#).as_bytes());
            Ready::json(page)
        }))
    }

    /// Push what was written offline.
    ///
    /// Each mutation is applied exactly once, however often it is sent, and has a result of its own: an error in one is a
    /// result, not an error of the request. At most 500 mutations and 5 MiB a push. What is refused comes back by
    /// pull as a rejected write.
    #[oai(path = "/v1/sync/mutations", method = "post", operation_id = "pushMutations", tag = "Tag::Sync")]
    async fn push_mutations(
        &self,
        actor: Actor,
        state: Data<&State>,
        request: &Request,
        body: Json<Push>,
    ) -> Result<Ready<PushResults>, Fail<{ E400 | E401 | E403 | E413 }>> {
        syncs(&actor)?;
        let mut results = super::push::push(&state, &actor, body.0).await?;
        if let Some(context) = RequestContext::of(request) {
            results = results.into_iter().map(|result| named(result, &context.request_id)).collect();
        }
        Ok(Ready::json(format!(r#"{{"results":[{}]}}"#, results.join(","))))
    }

    /// Wait for changes.
    ///
    /// Server-sent events that say only that the tenant's head moved; pull to see what changed. The stream ends after
    /// 15 minutes at the latest, and when the access token is no longer good: connect again with a fresh one.
    #[oai(path = "/v1/sync/events", method = "get", operation_id = "listenEvents", tag = "Tag::Sync")]
    async fn listen_events(
        &self,
        actor: Actor,
        state: Data<&State>,
        request: &Request,
    ) -> Result<EventStream, Fail<{ E401 | E403 }>> {
        syncs(&actor)?;
        let events = super::events::events(&state, &actor, Credential::Bearer(bearer(request)?.to_owned())).await?;
        Ok(EventStream(SSE::new(events).keep_alive(Duration::from_secs(20))))
    }

    /// Compare a replica with the server.
    ///
    /// Count and checksum, per kind, of what the caller should hold. With `kind` also the ids and revisions of that kind,
    /// to find out which records to fetch again.
    #[oai(path = "/v1/sync/digest", method = "get", operation_id = "getDigest", tag = "Tag::Sync")]
    async fn get_digest(
        &self,
        actor: Actor,
        state: Data<&State>,
        kind: Query<Option<Kind>>,
    ) -> ApiResult<Digest, { E400 | E401 | E403 }> {
        syncs(&actor)?;
        Ok(Json(digest::digest(&state, &actor, kind.0).await?))
    }

    /// Fetch records again by id.
    ///
    /// For a replica that the digest found wrong. What is not there or not visible comes as a tombstone.
    #[oai(path = "/v1/sync/records", method = "post", operation_id = "fetchRecords", tag = "Tag::Sync")]
    async fn fetch_records(
        &self,
        actor: Actor,
        state: Data<&State>,
        body: Json<RecordKeys>,
    ) -> Result<Ready<SyncRecords>, Fail<{ E400 | E401 | E403 }>> {
        syncs(&actor)?;
        let mut page = br#"{"changes":["#.to_vec();
        digest::records(&state, &actor, &body.records, &mut page).await?;
        page.extend_from_slice(b"]}");
        Ok(Ready::json(page))
    }
}

/// A result whose problem names this request, as any other does. What is stored names none: it is answered again.
fn named(result: String, request_id: &str) -> String {
    let mut told: Value = serde_json::from_str(&result).unwrap_or_default();
    match told.get_mut("problem").and_then(Value::as_object_mut) {
        Some(problem) => {
            problem.insert("requestId".into(), request_id.into());
            told.to_string()
        }
        None => result,
    }
}

/// Whether a client would rather have lines than a page. Generated clients name everything that the document says can come, with
/// the same weight, and read a page.
fn prefers_lines(accept: &str) -> bool {
    let weight = |name: &str| {
        let mut ranges = accept.split(',').map(|range| range.split(';').map(str::trim));
        let mut found =
            ranges.find_map(|mut parts| parts.next().filter(|it| it.eq_ignore_ascii_case(name)).map(|_| parts))?;
        Some(found.find_map(|part| part.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0))
    };
    weight("application/x-ndjson").is_some_and(|lines: f32| lines > weight("application/json").unwrap_or(0.0))
}

/// The pages of one pull after another; a page is read when the one before was taken.
fn stream_lines(state: State, actor: Actor, page: Vec<u8>, first: Pulled) -> Body {
    enum Next {
        Page(Vec<u8>, Pulled),
        Read(Cursor),
        End,
    }
    let pages = stream::unfold((Next::Page(page, first), state, actor), |(next, state, actor)| async move {
        let (mut lines, pulled) = match next {
            Next::Page(lines, pulled) => (lines, pulled),
            Next::Read(cursor) => {
                let mut lines = Vec::new();
                match pull(&state, &actor, &cursor, LONGEST_PAGE as usize, &mut lines, b'\n').await {
                    Ok(pulled) => (lines, pulled),
                    // A stream that breaks off has no last line, which tells the client to throw it away.
                    Err(error) => {
                        return Some((Err(std::io::Error::other(error.to_string())), (Next::End, state, actor)));
                    }
                }
            }
            Next::End => return None,
        };
        if !lines.is_empty() {
            lines.push(b'\n');
        }
        let next = if pulled.more {
            Next::Read(pulled.cursor)
        } else {
            let (cursor, head) = (pulled.cursor.encode(), pulled.head);
            lines.extend_from_slice(format!("{{\"cursor\":\"{cursor}\",\"head\":{head}}}\n").as_bytes());
            Next::End
        };
        Some((Ok(lines), (next, state, actor)))
    });
    Body::from_bytes_stream(pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_to_who_prefers_them() {
        for accept in
            ["application/x-ndjson", "application/x-ndjson, */*", "application/json;q=0.5, Application/X-NDJSON"]
        {
            assert!(prefers_lines(accept), "{accept}");
        }
        let pages = ["", "*/*", "application/json", "application/json, application/x-ndjson, application/problem+json"];
        for accept in
            pages.into_iter().chain(["application/x-ndjson; q=0.5, application/json", "application/x-ndjson;q=0"])
        {
            assert!(!prefers_lines(accept), "{accept}");
        }
    }
}
