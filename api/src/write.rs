//! Writes for REST: one change, one commit. The same verbs as sync push; see `change`.

use futures_util::future::BoxFuture;
use poem_openapi::types::ParseFromJSON;
use sea_orm::ConnectionTrait;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::auth::Actor;
use crate::change::{Change, apply, prepare};
use crate::problem::{Code, Error, Refusal, constraint, is_retryable};
use crate::record::Record;
use crate::state::State;
use crate::work::{UnitOfWork, document};

/// How often a transaction is begun again that lost against another one.
const TRIES: usize = 4;

/// What a client sends to be able to repeat a request.
#[derive(Clone, Debug)]
pub struct Idempotency {
    /// The `Idempotency-Key`.
    pub key: String,
    /// The record, as far as the client named it: the same key for another one is another request.
    pub id: Option<Uuid>,
}

impl Idempotency {
    /// The key, if it is of the right length.
    pub fn checked(self) -> Result<Self, Refusal> {
        if (1..=200).contains(&self.key.len()) {
            Ok(self)
        } else {
            Err(Refusal::malformed("Idempotency-Key: must have 1 to 200 characters."))
        }
    }
}

/// Makes one change and answers with the record as it stands then; for a deletion, as it was.
/// With an `Idempotency-Key`, the same change sent again gets the stored answer.
pub async fn one<M: Record>(
    state: &State,
    actor: &Actor,
    change: Change,
    idempotency: Option<Idempotency>,
) -> Result<M, Error> {
    let (inner, actor) = (state.clone(), actor.clone());
    state
        .run(async move {
            let mut tries = 0;
            loop {
                tries += 1;
                let result = attempt(&inner, &actor, &change, idempotency.as_ref()).await;
                if tries == TRIES || !worth_another_try(&result) {
                    return result;
                }
            }
        })
        .await
}

/// Runs `job` as one unit of work and commits it.
pub async fn whole<T, J>(state: &State, actor: &Actor, job: J) -> Result<T, Error>
where
    T: Send + 'static,
    J: for<'a> Fn(&'a mut UnitOfWork) -> BoxFuture<'a, Result<T, Error>> + Send + Sync + 'static,
{
    let (inner, actor) = (state.clone(), actor.clone());
    state
        .run(async move {
            let mut tries = 0;
            loop {
                tries += 1;
                let result = committed(&inner, &actor, &job).await;
                if tries == TRIES || !worth_another_try(&result) {
                    return result;
                }
            }
        })
        .await
}

async fn committed<T, J>(state: &State, actor: &Actor, job: &J) -> Result<T, Error>
where
    J: for<'a> Fn(&'a mut UnitOfWork) -> BoxFuture<'a, Result<T, Error>> + Sync,
{
    let mut work = UnitOfWork::begin(state, actor).await?;
    let done = job(&mut work).await?;
    work.commit().await?;
    Ok(done)
}

fn worth_another_try<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::Database(error)) if is_retryable(error) || is_raced(error))
}

/// The same key was used at the same moment, or a user's first two activities came at once: the second try finds the
/// receipt or the balance of the first.
fn is_raced(error: &sea_orm::DbErr) -> bool {
    let name = constraint(error).and_then(|(_, name)| name);
    matches!(name.as_deref(), Some("receipt_pkey" | "points_balance_pkey" | "points_entry_number_unique"))
}

async fn attempt<M: Record>(
    state: &State,
    actor: &Actor,
    change: &Change,
    idempotency: Option<&Idempotency>,
) -> Result<M, Error> {
    let mut work = UnitOfWork::begin(state, actor).await?;
    let key = idempotency.map(|given| (format!("rest:{}", given.key), hash(change, given.id)));
    if let Some((key, hash)) = &key
        && let Some(stored) = stored(&work, key, hash).await?
    {
        return Ok(stored);
    }
    let context = prepare(&mut work, std::slice::from_ref(change)).await?;
    apply(&mut work, &context, change)?;
    let row: M = work.stored(change.id)?;
    if let Some((key, hash)) = &key {
        work.receipt(key, hash, &serde_json::Value::Object(document(&row)).to_string());
    }
    work.commit().await?;
    Ok(row)
}

/// What was answered to this key before; the same key with something else in it is refused.
async fn stored<M: ParseFromJSON>(work: &UnitOfWork, key: &str, hash: &str) -> Result<Option<M>, Error> {
    let sql = "SELECT hash, result FROM receipt WHERE tenant_id = $1 AND user_id = $2 AND key = $3";
    let statement = work.statement(sql, [work.actor.user_id.into(), key.into()]);
    let Some(row) = work.connection().query_one_raw(statement).await? else { return Ok(None) };
    let (known, result): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    if known != hash {
        let detail = "This Idempotency-Key was used for another request. Make a new one for each request.";
        return Err(Refusal::conflict(Code::MutationReused, detail).into());
    }
    M::parse_from_json_string(&result)
        .map(Some)
        .map_err(|error| Error::Internal(format!("a stored answer is unreadable: {}", error.into_message())))
}

/// Tells two changes with one key apart. An id that the server made for the request is not part of it.
fn hash(change: &Change, id: Option<Uuid>) -> String {
    let told = serde_json::json!([change.kind, change.intent.op(), id, change.intent.values(), change.clear]);
    hex(&Sha256::digest(told.to_string()))
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let digits = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|half| char::from(digits[usize::from(half)])).collect()
}

/// The revision that an `If-Match` header names: `"3"`, `W/"3"` or `3`; `*` and absence name none.
pub fn if_match(header: Option<&str>) -> Result<Option<i32>, Refusal> {
    let Some(text) = header.map(str::trim).filter(|text| *text != "*") else { return Ok(None) };
    let text = text.strip_prefix("W/").unwrap_or(text).trim_matches('"');
    text.parse().map(Some).map_err(|_| Refusal::malformed("If-Match: must be the ETag of the record, such as \"3\"."))
}

/// Refuses if the record is not at the revision that `If-Match` named.
pub fn at_revision(record: &impl Record, expected: Option<i32>) -> Result<(), Refusal> {
    match expected {
        Some(expected) if expected != record.revision() => Err(Refusal::revision_mismatch(record.revision().into())),
        _ => Ok(()),
    }
}

/// The id of a new record: the client's, or one made here.
pub fn new_id(given: Option<Uuid>) -> Uuid {
    given.unwrap_or_else(Uuid::now_v7)
}
