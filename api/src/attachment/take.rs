//! A file that has arrived whole, on its way into the store: judged by its content, small picture and shared picture
//! made, everything stored, and only then the record changed. Whatever fails before leaves the record as it was.

use std::io::{Read, Seek, SeekFrom};

use entity::attachment;
use entity::kind::{AttachmentReason, AttachmentState, Kind, Role};
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement};
use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;
use tokio_util::bytes::Bytes;
use uuid::Uuid;

use super::arrive::{Arrival, is_ready};
use crate::auth::Actor;
use crate::change::{Change, Intent, apply, prepare};
use crate::files::{self, HEAD, Picture, Type};
use crate::problem::{Code, Error, Refusal};
use crate::read;
use crate::state::State;
use crate::write::{hex, whole};

/// A file in a nameless place of its own on this machine, which goes with it.
pub struct Spooled {
    file: std::fs::File,
    pub bytes: i64,
    pub sha256: String,
    head: Vec<u8>,
}

fn failed(cause: impl std::fmt::Display) -> Error {
    Error::Internal(format!("a file in the directory for temporary files could not be read: {cause}"))
}

impl Spooled {
    /// Reads it once, to know it.
    pub async fn new(file: std::fs::File) -> Result<Self, Error> {
        spawn_blocking(move || Self::read(file).map_err(failed)).await.map_err(failed)?
    }

    fn read(mut file: std::fs::File) -> std::io::Result<Self> {
        file.seek(SeekFrom::Start(0))?;
        let (mut sum, mut bytes, mut head) = (Sha256::new(), 0, Vec::new());
        let mut piece = vec![0; HEAD];
        loop {
            let read = file.read(&mut piece)?;
            if read == 0 {
                break;
            }
            let part = &piece[..read];
            head.extend_from_slice(&part[..part.len().min(HEAD - head.len())]);
            sum.update(part);
            bytes += part.len() as i64;
        }
        Ok(Spooled { file, bytes, sha256: hex(&sum.finalize()), head })
    }

    fn again(&self) -> std::io::Result<std::fs::File> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    }
}

/// The attachment that this actor may bring a file to. Who made it may, also when its account has left his view since:
/// the work was done.
///
/// # Errors
/// 404 for what he neither sees nor made, 403 for a colleague's, 409 where the file is there.
pub async fn open(state: &State, actor: &Actor, id: Uuid) -> Result<attachment::Model, Error> {
    let seen = read::find::<attachment::Model>(state, actor, id).await?;
    let found = match seen {
        Some(seen) => Some(seen),
        None => {
            let sql =
                "SELECT * FROM attachment WHERE tenant_id = $1 AND id = $2 AND owner_id = $3 AND deleted_at IS NULL";
            let values = [actor.tenant_id.into(), id.into(), actor.user_id.into()];
            let own = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
            attachment::Model::find_by_statement(own).one(&state.db).await?
        }
    };
    let attachment = found.ok_or_else(|| Refusal::not_found("attachment"))?;
    if actor.role == Role::Rep && attachment.owner_id != actor.user_id {
        return Err(Refusal::forbidden(
            "This is a colleague's attachment; only he, a manager or an admin sends its file.",
        )
        .into());
    }
    if attachment.state == AttachmentState::Ready {
        return Err(is_ready().into());
    }
    Ok(attachment)
}

/// Keeps the file and says so in the record, and that the upload is over by which it came. A file that cannot be taken is
/// refused, in the record too.
pub async fn take(
    state: &State,
    actor: &Actor,
    attachment: &attachment::Model,
    file: Spooled,
    upload: Option<Uuid>,
) -> Result<attachment::Model, Error> {
    let (is, picture) = match judge(state, attachment, &file).await? {
        Ok(good) => good,
        Err((reason, detail)) => {
            let refusal = Refusal::new(Code::FileRefused, detail.clone());
            settle(state, actor, attachment.id, Arrival::Refused { reason, detail }, None).await?;
            return Err(refusal.into());
        }
    };
    let shared = store(state, attachment, &file, &picture).await?;
    let arrival = Arrival::Ready {
        content_type: is.media_type(),
        bytes: file.bytes,
        sha256: file.sha256.clone(),
        has_thumbnail: picture.thumbnail.is_some(),
    };
    settle(state, actor, attachment.id, arrival, Some(Kept { sha256: file.sha256, shared, upload })).await
}

type Judged = Result<(Type, Picture), (AttachmentReason, String)>;

async fn judge(state: &State, attachment: &attachment::Model, file: &Spooled) -> Result<Judged, Error> {
    if let Some(bytes) = attachment.bytes.filter(|bytes| *bytes != file.bytes) {
        let detail =
            format!("The file has {} bytes, and the record says {bytes}. Send the whole file again.", file.bytes);
        return Ok(Err((AttachmentReason::WrongSize, detail)));
    }
    if attachment.sha256.as_ref().is_some_and(|sha256| *sha256 != file.sha256) {
        let detail = "The file has another SHA-256 than the record says: it changed on its way. Send it again.";
        return Ok(Err((AttachmentReason::WrongChecksum, detail.to_owned())));
    }
    if file.bytes == 0 {
        let detail = "The file is empty. Send it again, from where it was chosen or taken.";
        return Ok(Err((AttachmentReason::Damaged, detail.to_owned())));
    }
    let is = match files::of_content(&file.head, attachment.kind) {
        Ok(is) => is,
        Err(detail) => return Ok(Err((AttachmentReason::WrongType, detail))),
    };
    let mut again = file.again().map_err(failed)?;
    let has_end = spawn_blocking(move || files::has_end(&mut again, is));
    if !has_end.await.map_err(failed)?.map_err(failed)? {
        let detail = format!("The content is {}, and its end is missing. Send the whole file again.", is.media_type());
        return Ok(Err((AttachmentReason::Damaged, detail)));
    }
    if !is.may_tell() {
        return Ok(Ok((is, Picture { shared: None, thumbnail: None })));
    }
    // The only files that are held in memory: a few at a time, each no longer than a file may be.
    let _turn = state.files()?.pictures.acquire().await.map_err(failed)?;
    let mut again = file.again().map_err(failed)?;
    let read = spawn_blocking(move || {
        let mut bytes = Vec::new();
        again.read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>(files::read_picture(&Bytes::from(bytes), is))
    });
    let picture = read.await.map_err(failed)?.map_err(failed)?;
    Ok(picture.map(|picture| (is, picture)).map_err(|detail| (AttachmentReason::Damaged, detail)))
}

/// What `attachment_file` says of a file.
struct Kept {
    sha256: String,
    /// SHA-256 and length of what others get.
    shared: Option<(String, i64)>,
    /// By which it came.
    upload: Option<Uuid>,
}

/// Puts everything into the store. That there may be objects is written down before there are any.
async fn store(
    state: &State,
    attachment: &attachment::Model,
    file: &Spooled,
    picture: &Picture,
) -> Result<Option<(String, i64)>, Error> {
    let (tenant_id, id, sha256) = (attachment.tenant_id, attachment.id, file.sha256.as_str());
    let sql = "INSERT INTO attachment_file (tenant_id, attachment_id, created_at) VALUES ($1, $2, $3)
               ON CONFLICT (tenant_id, attachment_id) DO NOTHING";
    let values = [tenant_id.into(), id.into(), state.clock.now().into()];
    state.db.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
    let store = state.files()?;
    let again = file.again().map_err(failed)?;
    store.put_file(&files::original(tenant_id, id, sha256), tokio::fs::File::from_std(again)).await?;
    if let Some(thumbnail) = &picture.thumbnail {
        store.put(&files::thumbnail(tenant_id, id, sha256), thumbnail.clone()).await?;
    }
    let Some(shared) = &picture.shared else { return Ok(None) };
    store.put(&files::shared(tenant_id, id, sha256), shared.clone()).await?;
    Ok(Some((hex(&Sha256::digest(shared)), shared.len() as i64)))
}

/// Says in the record what became of its file. The same file twice is no conflict: two servers may have finished it.
async fn settle(
    state: &State,
    actor: &Actor,
    id: Uuid,
    arrival: Arrival,
    kept: Option<Kept>,
) -> Result<attachment::Model, Error> {
    let sha256 = kept.as_ref().map(|kept| kept.sha256.clone());
    let kept = kept.map(std::sync::Arc::new);
    let settled = whole(state, actor, move |work| {
        let (arrival, kept) = (arrival.clone(), kept.clone());
        Box::pin(async move {
            let intent = Intent::Arrive(arrival);
            let change = Change {
                kind: Kind::Attachment,
                id,
                fresh: false,
                intent,
                base: None,
                expected: None,
                clear: Vec::new(),
                reason: None,
            };
            let context = prepare(work, std::slice::from_ref(&change)).await?;
            apply(work, &context, &change)?;
            if let Some(kept) = kept {
                let (shared, bytes) = kept.shared.clone().unzip();
                let sql = "UPDATE attachment_file SET sha256 = $3, shared_sha256 = $4, shared_bytes = $5
                           WHERE tenant_id = $1 AND attachment_id = $2";
                let values = [id.into(), kept.sha256.clone().into(), shared.into(), bytes.into()];
                work.connection().execute_raw(work.statement(sql, values)).await?;
                if let Some(upload) = kept.upload {
                    let sql = "UPDATE upload SET ended_at = $3 WHERE tenant_id = $1 AND id = $2";
                    let values = [upload.into(), work.now.into()];
                    work.connection().execute_raw(work.statement(sql, values)).await?;
                }
            }
            Ok(work.stored::<attachment::Model>(id)?)
        })
    });
    match settled.await {
        Err(Error::Refusal(refusal)) if refusal == is_ready() => {
            let sql = "SELECT * FROM attachment WHERE tenant_id = $1 AND id = $2 AND sha256 = $3";
            let values = [actor.tenant_id.into(), id.into(), sha256.into()];
            let same = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
            Ok(attachment::Model::find_by_statement(same).one(&state.db).await?.ok_or(refusal)?)
        }
        settled => settled,
    }
}

/// Says in the record why an upload was given up.
pub async fn give_up(state: &State, tenant_id: Uuid, id: Uuid, why: Arrival) -> Result<(), Error> {
    match settle(state, &Actor::system(tenant_id), id, why, None).await {
        Ok(_) | Err(Error::Refusal(_)) => Ok(()),
        Err(cause) => Err(cause),
    }
}
