//! Writes for REST: one change, one commit. The same verbs as sync push; see `change`.

use futures_util::future::BoxFuture;
use poem_openapi::types::ParseFromJSON;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
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

/// The record that was answered to this key before.
async fn stored<M: ParseFromJSON>(work: &UnitOfWork, key: &str, hash: &str) -> Result<Option<M>, Error> {
    let Some(result) = answered(work.connection(), &work.actor, key, hash).await? else { return Ok(None) };
    M::parse_from_json_string(&result)
        .map(Some)
        .map_err(|error| Error::Internal(format!("a stored answer is unreadable: {}", error.into_message())))
}

/// What was answered to this key before; the same key with something else in it is refused.
pub async fn answered(
    connection: &impl ConnectionTrait,
    actor: &Actor,
    key: &str,
    hash: &str,
) -> Result<Option<String>, Error> {
    let sql = "SELECT hash, result FROM receipt WHERE tenant_id = $1 AND user_id = $2 AND key = $3";
    let values = [actor.tenant_id.into(), actor.user_id.into(), key.into()];
    let asked = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let Some(row) = connection.query_one_raw(asked).await? else { return Ok(None) };
    let (known, result): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    if known != hash {
        let detail = "This Idempotency-Key was used for another request. Make a new one for each request.";
        return Err(Refusal::conflict(Code::IdempotencyKeyReused, detail).into());
    }
    Ok(Some(result))
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

/// The revision that an `If-Match` header names: `"3"` or `3`; `*` and absence name none. A weak tag would never match
/// (RFC 9110, 13.1.1), and of several tags a record can have one at the most, so both are told instead of tried.
pub fn if_match(header: Option<&str>) -> Result<Option<i32>, Refusal> {
    let Some(text) = header.map(str::trim).filter(|text| *text != "*") else { return Ok(None) };
    let told = if text.contains(',') {
        "names several tags. Send the one of the revision that you saw, such as \"3\"."
    } else if text.starts_with("W/") {
        "a weak tag matches nothing. Send the record's revision, such as \"3\"; a proxy that compresses may have put the W/ there."
    } else {
        "must be the ETag of the record, such as \"3\"."
    };
    let tag = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    tag.parse().map(Some).map_err(|_| Refusal::malformed(format!("If-Match: {told}")))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_names_one_revision_or_any() {
        for (header, names) in
            [(None, None), (Some("*"), None), (Some(" * "), None), (Some("\"3\""), Some(3)), (Some("3"), Some(3))]
        {
            assert_eq!(if_match(header), Ok(names), "{header:?}");
        }
        for (header, told) in [
            ("W/\"3\"", "weak"),
            ("\"3\", \"4\"", "several"),
            ("W/\"3\", \"4\"", "several"),
            ("\"3", "must be"),
            ("\"abc\"", "must be"),
            ("", "must be"),
        ] {
            let refusal = if_match(Some(header)).expect_err(header);
            assert!(refusal.detail.starts_with("If-Match: ") && refusal.detail.contains(told), "{header}: {refusal}");
        }
    }
}
