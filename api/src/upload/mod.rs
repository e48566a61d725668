//! Uploads that can be resumed. A file comes in requests of any length; what has come is kept in parts in the store of
//! files, and how far it is in the database, so that any server goes on where another stopped. Once it is whole it is
//! `attachment::take`'s. Here are the rows; `receive` reads a request's bytes, `tus` speaks the protocol, `due` ends what
//! nobody goes on with.

pub mod due;
mod receive;
pub mod tus;

use entity::attachment;
use entity::scalar::Timestamp;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement, Value};
use uuid::Uuid;

use crate::attachment::{Spooled, open, take};
use crate::auth::Actor;
use crate::files;
use crate::problem::{Code, Error, Refusal};
use crate::state::State;

/// Unfinished uploads that one user may have at one time.
const MOST_OPEN: i64 = 100;

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

/// Begins one.
///
/// # Errors
/// 413 for a file that is too long, which is not read; what `attachment::open` refuses; 422 if the record says another
/// length; 429 for somebody who finishes nothing.
pub async fn begin(
    state: &State,
    actor: &Actor,
    attachment_id: Uuid,
    bytes: i64,
    metadata: String,
) -> Result<Upload, Error> {
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
    let (now, expires_at, id) = (state.clock.now(), expiry(state)?, Uuid::now_v7());
    let sql = "INSERT INTO upload (tenant_id, id, attachment_id, user_id, bytes, received, writer, metadata, touched_at, expires_at)
               SELECT $1, $2, $3, $4, $5, 0, $2, $6, $7, $8
               WHERE (SELECT count(*) FROM upload u WHERE u.tenant_id = $1 AND u.user_id = $4 AND u.ended_at IS NULL) < $9";
    let values: [Value; 8] = [
        id.into(),
        attachment_id.into(),
        actor.user_id.into(),
        bytes.into(),
        metadata.clone().into(),
        now.into(),
        expires_at.into(),
        MOST_OPEN.into(),
    ];
    if state.db.execute_raw(statement(actor.tenant_id, sql, values)).await?.rows_affected() == 0 {
        let detail = format!("You have {MOST_OPEN} uploads that are not finished. Finish or end some of them first.");
        return Err(Refusal::new(Code::TooManyRequests, detail).into());
    }
    let (tenant_id, user_id) = (actor.tenant_id, actor.user_id);
    Ok(Upload { tenant_id, id, attachment_id, user_id, bytes, received: 0, metadata, expires_at, ended_at: None })
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
    let taken = assemble_and_take(state, actor, upload).await;
    match &taken {
        Ok(()) => {
            let sql = "UPDATE upload SET ended_at = $3 WHERE tenant_id = $1 AND id = $2";
            let values = [upload.id.into(), state.clock.now().into()];
            state.db.execute_raw(statement(upload.tenant_id, sql, values)).await?;
            let sql = "DELETE FROM upload_part WHERE tenant_id = $1 AND upload_id = $2";
            state.db.execute_raw(statement(upload.tenant_id, sql, [upload.id.into()])).await?;
            state.files()?.clear(&files::of_upload(upload.tenant_id, upload.id)).await?;
        }
        Err(Error::Refusal(refusal)) if refusal.code.status() < 500 => end(state, upload).await?,
        Err(_) => {}
    }
    taken
}

async fn assemble_and_take(state: &State, actor: &Actor, upload: &Upload) -> Result<(), Error> {
    let attachment = open(state, actor, upload.attachment_id).await?;
    let spooled = receive::assemble(state, upload).await?;
    take(state, actor, &attachment, Spooled::new(spooled).await?).await.map(drop)
}

/// Forgets an upload and its parts.
pub async fn end(state: &State, upload: &Upload) -> Result<(), Error> {
    let sql = "DELETE FROM upload WHERE tenant_id = $1 AND id = $2";
    state.files()?.clear(&files::of_upload(upload.tenant_id, upload.id)).await?;
    state.db.execute_raw(statement(upload.tenant_id, sql, [upload.id.into()])).await?;
    Ok(())
}
