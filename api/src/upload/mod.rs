//! Uploads that can be resumed. A file comes in requests of any length; what has come is kept in parts in the store of
//! files, and how far it is in the database, so that any server goes on where another stopped. Once it is whole it is
//! `attachment::take`'s. Here are the rows; `receive` reads a request's bytes, `tus` speaks the protocol, `due` ends what
//! nobody goes on with.

pub mod due;
mod receive;
pub mod tus;

use chrono::TimeDelta;
use entity::attachment;
use entity::kind::AttachmentReason;
use entity::scalar::Timestamp;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement, TransactionTrait, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::attachment::{Arrival, Spooled, give_up, open, take};
use crate::auth::Actor;
use crate::files;
use crate::problem::{Code, Error, Refusal};
use crate::state::State;
use crate::write::{Idempotency, answered, hex};

/// Unfinished uploads that one user may have at one time.
const MOST_OPEN: i64 = 100;

/// After the last byte, or the last try to take the file, the server that got it is not waited for.
const LEFT_AFTER: TimeDelta = TimeDelta::minutes(5);

/// Tries to take a file that may end with their server: one that takes every server down is not tried for ever.
const MOST_TRIES: i32 = 3;

/// An upload as the database has it.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Upload {
    pub tenant_id: Uuid,
    pub id: Uuid,
    pub attachment_id: Uuid,
    pub user_id: Uuid,
    /// What the whole file has.
    pub bytes: i64,
    /// What is there of it.
    pub received: i64,
    /// As the client gave it, to be given back.
    pub metadata: String,
    pub expires_at: Timestamp,
    /// When the file was taken.
    pub ended_at: Option<Timestamp>,
}

fn statement(tenant_id: Uuid, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    let values = std::iter::once(tenant_id.into()).chain(values);
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}

/// When an upload that somebody has just gone on with is given up.
fn expiry(state: &State) -> Result<Timestamp, Error> {
    Ok(Timestamp::from(state.clock.now().0 + state.files()?.kept))
}

/// Begins one. With the key of an earlier request that asked for the same, that one's upload, however far it is.
///
/// # Errors
/// 413 for a file that is too long, which is not read; what `attachment::open` refuses; 422 if the record says another
/// length; 429 for somebody who finishes nothing; 409 if the key came with another request, 410 if its upload is over.
pub async fn begin(
    state: &State,
    actor: &Actor,
    attachment_id: Uuid,
    bytes: i64,
    metadata: String,
    key: Option<Idempotency>,
) -> Result<Upload, Error> {
    let key = key.map(|key| (format!("rest:{}", key.key), hash(bytes, &metadata)));
    if let Some(known) = known(state, actor, key.as_ref()).await? {
        return Ok(known);
    }
    let most = state.files()?.most_bytes;
    if bytes > most {
        return Err(Refusal::new(
            Code::TooLarge,
            format!("A file may have at most {most} bytes; this one has {bytes}."),
        )
        .into());
    }
    let attachment: attachment::Model = open(state, actor, attachment_id).await?;
    if let Some(told) = attachment.bytes.filter(|told| *told != bytes) {
        let detail = format!("Upload-Length is {bytes}, and the record says that the file has {told} bytes.");
        return Err(Refusal::new(Code::FileRefused, detail).into());
    }
    let (tenant_id, user_id, expires_at, id) = (actor.tenant_id, actor.user_id, expiry(state)?, Uuid::now_v7());
    let upload =
        Upload { tenant_id, id, attachment_id, user_id, bytes, received: 0, metadata, expires_at, ended_at: None };
    let (inner, row, receipt) = (state.clone(), upload.clone(), key.clone());
    if state.run(async move { make(&inner, row, receipt).await }).await? {
        return Ok(upload);
    }
    // The same was asked for twice at the same moment.
    let known = known(state, actor, key.as_ref()).await?;
    known.ok_or_else(|| Error::Internal("a receipt is there and is not".into()))
}

/// Stores it, with the receipt of its key; false if that key was taken meanwhile.
async fn make(state: &State, upload: Upload, key: Option<(String, String)>) -> Result<bool, Error> {
    let Upload { tenant_id, id, attachment_id, user_id, bytes, metadata, expires_at, .. } = upload;
    let now = state.clock.now();
    let transaction = state.db.begin().await?;
    if let Some((key, hash)) = key {
        let sql = "INSERT INTO receipt (tenant_id, user_id, key, hash, result, created_at)
                   VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant_id, user_id, key) DO NOTHING";
        let values: [Value; 5] = [user_id.into(), key.into(), hash.into(), id.to_string().into(), now.into()];
        if transaction.execute_raw(statement(tenant_id, sql, values)).await?.rows_affected() == 0 {
            transaction.rollback().await?;
            return Ok(false);
        }
    }
    let sql = "INSERT INTO upload (tenant_id, id, attachment_id, user_id, bytes, received, writer, metadata, touched_at, expires_at)
               SELECT $1, $2, $3, $4, $5, 0, $2, $6, $7, $8
               WHERE (SELECT count(*) FROM upload u WHERE u.tenant_id = $1 AND u.user_id = $4 AND u.ended_at IS NULL) < $9";
    let values: [Value; 8] = [
        id.into(),
        attachment_id.into(),
        user_id.into(),
        bytes.into(),
        metadata.into(),
        now.into(),
        expires_at.into(),
        MOST_OPEN.into(),
    ];
    if transaction.execute_raw(statement(tenant_id, sql, values)).await?.rows_affected() == 0 {
        transaction.rollback().await?;
        let detail = format!("You have {MOST_OPEN} uploads that are not finished. Finish or end some of them first.");
        return Err(Refusal::new(Code::TooManyRequests, detail).into());
    }
    transaction.commit().await?;
    Ok(true)
}

/// Tells two uploads with one key apart.
fn hash(bytes: i64, metadata: &str) -> String {
    hex(&Sha256::digest(serde_json::json!(["upload", bytes, metadata]).to_string()))
}

/// The upload that was begun with this key before.
async fn known(state: &State, actor: &Actor, key: Option<&(String, String)>) -> Result<Option<Upload>, Error> {
    let Some((key, hash)) = key else { return Ok(None) };
    let Some(id) = answered(&state.db, actor, key, hash).await? else { return Ok(None) };
    let id: Uuid = id.parse().map_err(|_| Error::Internal("the receipt of an upload holds no id".into()))?;
    match find(state, actor, id).await {
        Err(Error::Refusal(_)) => {
            let detail = "The upload that this Idempotency-Key began is over. Begin another one with a new key.";
            Err(Refusal::new(Code::UploadGone, detail).into())
        }
        found => found.map(Some),
    }
}

/// One upload of this actor's.
///
/// # Errors
/// 404 for what is not his, 410 for what was given up or ended.
pub async fn find(state: &State, actor: &Actor, id: Uuid) -> Result<Upload, Error> {
    let sql = "SELECT * FROM upload WHERE tenant_id = $1 AND id = $2 AND user_id = $3";
    let found = statement(actor.tenant_id, sql, [id.into(), actor.user_id.into()]);
    let upload = Upload::find_by_statement(found).one(&state.db).await?;
    let upload = upload.ok_or_else(|| Refusal::not_found("upload"))?;
    if upload.expires_at <= state.clock.now() {
        return Err(Refusal::new(
            Code::UploadGone,
            "This upload was given up, as nobody went on with it. Begin another one.",
        )
        .into());
    }
    Ok(upload)
}

/// Takes the file of an upload that is whole. Two who do it at once do it twice, to the same end.
///
/// # Errors
/// What `attachment::take` refuses; the upload is over then, and another may be begun.
pub async fn finish(state: &State, actor: &Actor, upload: &Upload) -> Result<(), Error> {
    let Some(tries) = begin_try(state, upload).await? else { return Ok(()) };
    if tries > MOST_TRIES {
        let detail =
            format!("The server could not read this file, {MOST_TRIES} times over. Send it again, or another.");
        let why = Arrival::Refused { reason: AttachmentReason::Damaged, detail: detail.clone() };
        give_up(state, upload.tenant_id, upload.attachment_id, why).await?;
        end(state, upload).await?;
        return Err(Refusal::new(Code::FileRefused, detail).into());
    }
    let taken = assemble_and_take(state, actor, upload).await;
    if taken.is_err() && has_ended(state, upload).await? {
        return Ok(());
    }
    match &taken {
        Ok(()) => {
            let sql = "UPDATE upload SET ended_at = $3 WHERE tenant_id = $1 AND id = $2";
            let values = [upload.id.into(), state.clock.now().into()];
            state.db.execute_raw(statement(upload.tenant_id, sql, values)).await?;
            let sql = "DELETE FROM upload_part WHERE tenant_id = $1 AND upload_id = $2";
            state.db.execute_raw(statement(upload.tenant_id, sql, [upload.id.into()])).await?;
            // The file is there all the same; what stays of its parts goes when the upload expires.
            let _ = state.files()?.clear(&files::of_upload(upload.tenant_id, upload.id)).await;
        }
        Err(Error::Refusal(refusal)) if refusal.code.status() < 500 => end(state, upload).await?,
        // Its server lives, and the next may try again.
        Err(_) => {
            let sql = "UPDATE upload SET tries = 0 WHERE tenant_id = $1 AND id = $2";
            state.db.execute_raw(statement(upload.tenant_id, sql, [upload.id.into()])).await?;
        }
    }
    taken
}

/// Counts a try whose end nobody has seen yet; `None` if the upload is over, or is being tried often enough.
async fn begin_try(state: &State, upload: &Upload) -> Result<Option<i32>, Error> {
    let sql = "UPDATE upload SET tries = tries + 1, touched_at = $3
               WHERE tenant_id = $1 AND id = $2 AND ended_at IS NULL AND (tries < $4 OR touched_at < $5) RETURNING tries";
    let now = state.clock.now();
    let left_at = Timestamp::from(now.0 - LEFT_AFTER);
    let values = [upload.id.into(), now.into(), MOST_TRIES.into(), left_at.into()];
    let row = state.db.query_one_raw(statement(upload.tenant_id, sql, values)).await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?)
}

/// Whether the file was taken by another who did the same at this time.
async fn has_ended(state: &State, upload: &Upload) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM upload WHERE tenant_id = $1 AND id = $2 AND ended_at IS NOT NULL";
    Ok(state.db.query_one_raw(statement(upload.tenant_id, sql, [upload.id.into()])).await?.is_some())
}

async fn assemble_and_take(state: &State, actor: &Actor, upload: &Upload) -> Result<(), Error> {
    let attachment = open(state, actor, upload.attachment_id).await?;
    let spooled = receive::assemble(state, upload).await?;
    take(state, actor, &attachment, Spooled::new(spooled).await?, Some(upload.id)).await.map(drop)
}

/// Forgets an upload and its parts.
pub async fn end(state: &State, upload: &Upload) -> Result<(), Error> {
    let sql = "DELETE FROM upload WHERE tenant_id = $1 AND id = $2";
    state.files()?.clear(&files::of_upload(upload.tenant_id, upload.id)).await?;
    state.db.execute_raw(statement(upload.tenant_id, sql, [upload.id.into()])).await?;
    Ok(())
}
