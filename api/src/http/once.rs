//! `Idempotency-Key` for requests that no unit of work keeps a receipt of: settings, drafts, simulations, webhooks. The key
//! is taken before the request is carried out and its answer is stored after it, so that whatever happens in between, the
//! request is never carried out twice. Records keep their receipts themselves, in the transaction of the write (`write`).

use std::collections::BTreeSet;
use std::sync::Arc;

use poem::http::{HeaderMap, Method, StatusCode, header};
use poem::{Endpoint, IntoResponse, Request, Response};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement, Value};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::Contract;
use crate::auth::{Actor, Proof};
use crate::problem::{Code, Error, Refusal};
use crate::state::State;
use crate::write::{Idempotency, answered, hex};

/// The header, as the document spells it.
pub const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// Operations that need no key: mutations have ids of their own, and reading by POST changes nothing.
const EXEMPT: [&str; 2] = ["pushMutations", "fetchRecords"];

/// Their answers hold what is shown once and stored nowhere, so they are not stored here either.
const SECRET: [&str; 7] = [
    "createApiKey",
    "createCalendarFeed",
    "createUser",
    "createWebForm",
    "createWebhook",
    "inviteUser",
    "rotateWebhookSecret",
];

const TAKE: &str = "
    INSERT INTO receipt (tenant_id, user_id, key, hash, result, created_at) VALUES ($1, $2, $3, $4, '', $5)
    ON CONFLICT (tenant_id, user_id, key) DO NOTHING";
const KEEP: &str = "UPDATE receipt SET result = $4 WHERE tenant_id = $1 AND user_id = $2 AND key = $3";
const GIVE_BACK: &str = "DELETE FROM receipt WHERE tenant_id = $1 AND user_id = $2 AND key = $3";

/// What a POST of the document (not yet completed) leaves to this file: it is for known users, and takes JSON or nothing.
pub fn is_kept_here(operation: &Json) -> bool {
    let secured = operation["security"].as_array().is_some_and(|schemes| !schemes.is_empty());
    let takes = operation.pointer("/requestBody/content").and_then(Json::as_object);
    let takes_json = takes.is_none_or(|content| content.keys().all(|kind| kind.starts_with("application/json")));
    let mut parameters = operation["parameters"].as_array().into_iter().flatten();
    let has_own = parameters.any(|p| p["name"].as_str().is_some_and(|name| name.eq_ignore_ascii_case(IDEMPOTENCY_KEY)));
    let exempt = operation["operationId"].as_str().is_none_or(|name| EXEMPT.contains(&name));
    secured && takes_json && !has_own && !exempt
}

/// The operations of a document that is not yet completed, by name.
pub fn operations(emitted: &str) -> BTreeSet<String> {
    let document: Json = serde_json::from_str(emitted).unwrap_or_default();
    let posts = document["paths"].as_object().into_iter().flatten().map(|(_, item)| &item["post"]);
    posts.filter(|post| is_kept_here(post)).filter_map(|post| post["operationId"].as_str()).map(str::to_owned).collect()
}

/// Around the routes, inside the envelope.
pub struct Once<E> {
    pub inner: Arc<E>,
    pub contract: Arc<Contract>,
    pub operations: BTreeSet<String>,
    pub state: State,
}

/// An answer as it is stored.
#[derive(Serialize, Deserialize)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    /// `None`: it held a secret.
    body: Option<String>,
}

/// Headers that belong to the answer; the others are made anew.
const KEPT: [header::HeaderName; 3] = [header::CONTENT_TYPE, header::ETAG, header::LOCATION];

impl<E: Endpoint<Output = Response> + 'static> Endpoint for Once<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let Some(key) = self.key(&request) else { return self.inner.call(request).await };
        // Who is not known is told so inside, and before anything else.
        let Ok(proof) = Proof::known(&request, &self.state).await else { return self.inner.call(request).await };
        let key = key?;
        let operation = self.operation(&request).unwrap_or_default().to_owned();
        let (request, hash) = digested(request).await?;
        let receipt = Receipt { state: self.state.clone(), actor: proof.actor.clone(), key: format!("http:{key}") };
        let taken = receipt.take(&hash).await;
        if !matches!(taken, Ok(None)) {
            // Those that go on to the routes are counted there.
            proof.count(&request, &self.state)?;
        }
        if let Some(answer) = taken? {
            return Ok(answer);
        }
        let inner = self.inner.clone();
        // To its end even if the caller hangs up: he will ask again.
        let done = self.state.run(async move {
            let answer = inner.call(request).await;
            receipt.settle(&operation, answer).await.map_err(Settled)
        });
        done.await.map_err(|Settled(error)| error)
    }
}

/// An error of the routes, on its way through `State::run`.
struct Settled(poem::Error);

impl From<Error> for Settled {
    fn from(error: Error) -> Self {
        Settled(error.into())
    }
}

impl<E> Once<E> {
    fn operation(&self, request: &Request) -> Option<&str> {
        let matched = self.contract.matching(request.uri().path())?;
        matched.operation_id(request.method()).filter(|name| self.operations.contains(*name))
    }

    /// The key, if the request has one and it is for this file.
    fn key(&self, request: &Request) -> Option<Result<String, Error>> {
        if request.method() != Method::POST {
            return None;
        }
        let value = request.headers().get(IDEMPOTENCY_KEY)?;
        self.operation(request)?;
        let key = value.to_str().unwrap_or_default().to_owned();
        Some(Idempotency { key, id: None }.checked().map(|checked| checked.key).map_err(Error::from))
    }
}

/// The request again, with what tells it from another one.
async fn digested(mut request: Request) -> Result<(Request, String), poem::Error> {
    let body = request.take_body().into_bytes().await?;
    let mut hash = Sha256::new();
    hash.update(request.uri().to_string());
    hash.update([0]);
    hash.update(&body);
    request.set_body(body);
    Ok((request, hex(&hash.finalize())))
}

/// The row of one key.
struct Receipt {
    state: State,
    actor: Actor,
    key: String,
}

impl Receipt {
    fn statement(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
        let row = [self.actor.tenant_id.into(), self.actor.user_id.into(), self.key.as_str().into()];
        Statement::from_sql_and_values(DbBackend::Postgres, sql, row.into_iter().chain(values))
    }

    /// Takes the key; or the answer that was given to it.
    async fn take(&self, hash: &str) -> Result<Option<Response>, Error> {
        let db = &self.state.db;
        let now = self.state.clock.now();
        let taken = db.execute_raw(self.statement(TAKE, [hash.into(), now.into()])).await?;
        if taken.rows_affected() == 1 {
            return Ok(None);
        }
        // Given back at this moment: what it was taken for has failed.
        let result = answered(db, &self.actor, &self.key, hash).await?.unwrap_or_default();
        if result.is_empty() {
            return Err(in_progress().into());
        }
        let stored: Answer = serde_json::from_str(&result).map_err(|cause| DbErr::Json(cause.to_string()))?;
        Ok(Some(stored.again()?))
    }

    /// Stores the answer. A refusal gives the key back, for nothing was done; after an error of the server nobody knows, and
    /// the key stays taken.
    async fn settle(&self, operation: &str, answer: poem::Result<Response>) -> poem::Result<Response> {
        let status = status(&answer);
        if !status.is_success() {
            if is_refused(&answer) {
                self.forget().await?;
            }
            return answer;
        }
        let mut response = answer?;
        let body = response.take_body().into_bytes().await?;
        let text = if SECRET.contains(&operation) { None } else { Some(String::from_utf8_lossy(&body).into_owned()) };
        let stored = Answer { status: status.as_u16(), headers: kept(response.headers()), body: text };
        self.keep(&stored).await?;
        response.set_body(body);
        Ok(response)
    }

    async fn keep(&self, answer: &Answer) -> Result<(), Error> {
        let text = serde_json::to_string(answer).map_err(|cause| DbErr::Json(cause.to_string()))?;
        Ok(self.state.db.execute_raw(self.statement(KEEP, [text.into()])).await.map(drop)?)
    }

    async fn forget(&self) -> Result<(), Error> {
        Ok(self.state.db.execute_raw(self.statement(GIVE_BACK, [])).await.map(drop)?)
    }
}

fn status(answer: &poem::Result<Response>) -> StatusCode {
    match answer {
        Ok(response) => response.status(),
        Err(error) => error.status(),
    }
}

/// Whether nothing was done for sure. A verb that says "not now" (503) says so before it writes; an error of the database may
/// be a connection that was lost at the commit.
fn is_refused(answer: &poem::Result<Response>) -> bool {
    let said = answer.as_ref().err().and_then(|error| error.downcast_ref::<Error>());
    let is_later = matches!(said, Some(Error::Refusal(refusal)) if refusal.code != Code::Internal);
    is_later || !status(answer).is_server_error()
}

impl Answer {
    fn again(self) -> Result<Response, Error> {
        let Some(body) = self.body else {
            let detail = "This request was carried out. Its answer held a secret, which is shown once. List what there \
                          is, and make or rotate the secret with a new Idempotency-Key.";
            return Err(Refusal::conflict(Code::AnswerNotKept, detail).into());
        };
        let mut response = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK).into_response();
        for (name, value) in self.headers {
            if let (Ok(name), Ok(value)) = (name.parse::<header::HeaderName>(), value.parse()) {
                response.headers_mut().insert(name, value);
            }
        }
        response.set_body(body);
        Ok(response)
    }
}

fn kept(headers: &HeaderMap) -> Vec<(String, String)> {
    let value = |name: &header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    KEPT.iter().filter_map(|name| Some((name.as_str().to_owned(), value(name)?.to_owned()))).collect()
}

fn in_progress() -> Refusal {
    let detail = "A request with this Idempotency-Key is being answered, or the server stopped before it could tell how \
                  it ended. Repeat it in a second; if this stays, look whether it was done before you send it with a \
                  new key.";
    Refusal { retry_after: Some(1), ..Refusal::conflict(Code::IdempotencyInProgress, detail) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::spec;

    /// Whether there is something in this schema, or in one that it refers to, that is told once.
    fn tells_once(document: &Json, schema: &Json, seen: &mut BTreeSet<String>) -> bool {
        if let Some(reference) = schema["$ref"].as_str() {
            let schema = document.pointer(reference.trim_start_matches('#')).expect("it is there");
            return seen.insert(reference.to_owned()) && tells_once(document, schema, seen);
        }
        let says_so = schema["description"].as_str().is_some_and(|text| text.contains("not to be had again"));
        let parts: Vec<&Json> = match schema {
            Json::Object(members) => members.values().collect(),
            Json::Array(items) => items.iter().collect(),
            _ => Vec::new(),
        };
        says_so || schema["format"] == "password" || parts.iter().any(|part| tells_once(document, part, seen))
    }

    #[test]
    fn no_answer_is_stored_that_holds_what_is_told_once() {
        let document = spec();
        let posts = document["paths"].as_object().expect("paths").values().map(|item| &item["post"]);
        let known = posts.filter(|post| post["security"].as_array().is_some_and(|schemes| !schemes.is_empty()));
        let telling = known.filter(|post| {
            let answers = post["responses"].as_object().into_iter().flatten();
            let mut good = answers.filter(|(status, _)| status.starts_with('2'));
            good.any(|(_, answer)| tells_once(&document, answer, &mut BTreeSet::new()))
        });
        let names: BTreeSet<&str> = telling.filter_map(|post| post["operationId"].as_str()).collect();
        assert_eq!(names, BTreeSet::from(SECRET));
    }

    #[test]
    fn only_what_was_refused_gives_its_key_back() {
        let answered = |error: Error| is_refused(&Err(error.into()));
        assert!(answered(Refusal::forbidden("No.").into()));
        assert!(answered(Refusal::unavailable(5).into()), "not now");
        assert!(!answered(Error::Database(DbErr::ConnectionAcquire(sea_orm::ConnAcquireErr::Timeout))));
        assert!(!answered(Error::Database(DbErr::Custom("columns differ".into()))));
        assert!(!answered(Error::Internal("a unit of work stopped".into())));
        assert!(!answered(Refusal::internal().into()));
        let bare = |status: StatusCode| is_refused(&Ok(status.into_response()));
        assert!(bare(StatusCode::NOT_FOUND) && !bare(StatusCode::SERVICE_UNAVAILABLE));
    }
}
