//! The bytes of one request, on their way into parts. Each part is in the store before the database says so; a connection
//! that breaks keeps what has come. There is no lock: the request that came last goes on with an upload, because a phone
//! whose connection broke is back before the server has noticed, and the one before it is refused at its next part.

use std::pin::pin;

use futures_util::StreamExt;
use poem::Body;
use sea_orm::ConnectionTrait;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use tokio_util::bytes::{Bytes, BytesMut};
use uuid::Uuid;

use super::{Upload, expiry, statement};
use crate::files::{self, Files};
use crate::problem::{Code, Error, Refusal};
use crate::state::State;

/// Bytes of a part, unless the request ends before: what is lost at the most when a server dies.
const PART: usize = 1024 * 1024;

/// What a request says that its bytes add up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checksum {
    Sha1(Vec<u8>),
    Sha256(Vec<u8>),
}

enum Sum {
    None,
    Sha1(Sha1, Vec<u8>),
    Sha256(Sha256, Vec<u8>),
}

impl Sum {
    fn of(told: Option<Checksum>) -> Self {
        match told {
            None => Sum::None,
            Some(Checksum::Sha1(told)) => Sum::Sha1(Sha1::new(), told),
            Some(Checksum::Sha256(told)) => Sum::Sha256(Sha256::new(), told),
        }
    }

    fn add(&mut self, bytes: &[u8]) {
        match self {
            Sum::None => {}
            Sum::Sha1(sum, _) => sum.update(bytes),
            Sum::Sha256(sum, _) => sum.update(bytes),
        }
    }

    fn agrees(self) -> bool {
        match self {
            Sum::None => true,
            Sum::Sha1(sum, told) => sum.finalize()[..] == told[..],
            Sum::Sha256(sum, told) => sum.finalize()[..] == told[..],
        }
    }
}

/// One request that goes on with an upload.
struct Reception<'a> {
    state: &'a State,
    files: &'a Files,
    upload: &'a Upload,
    writer: Uuid,
    /// Parts that are in the store and not in the database yet: start and length.
    parts: Vec<(i64, i64)>,
    /// Where the next part begins.
    at: i64,
}

/// Adds a request's bytes from `offset` on; answers how far the upload is then.
///
/// # Errors
/// 409 if the upload is elsewhere or another request goes on with it, 413 for more than the file has, 460 if the checksum
/// is wrong: nothing of this request is kept then.
pub async fn receive(
    state: &State,
    upload: &Upload,
    offset: i64,
    body: Body,
    checksum: Option<Checksum>,
) -> Result<i64, Error> {
    let writer = Uuid::now_v7();
    let sql = "UPDATE upload SET writer = $3, touched_at = $5
               WHERE tenant_id = $1 AND id = $2 AND received = $4 AND ended_at IS NULL";
    let values = [upload.id.into(), writer.into(), offset.into(), state.clock.now().into()];
    if state.db.execute_raw(statement(upload.tenant_id, sql, values)).await?.rows_affected() == 0 {
        return Err(elsewhere().into());
    }
    let (files, is_checked) = (state.files()?, checksum.is_some());
    let mut reception = Reception { state, files, upload, writer, parts: Vec::new(), at: offset };
    let mut sum = Sum::of(checksum);
    let mut stream = pin!(body.into_bytes_stream());
    let (mut waiting, mut broken) = (BytesMut::new(), false);
    while let Some(chunk) = stream.next().await {
        let Ok(chunk) = chunk else {
            broken = true;
            break;
        };
        if reception.at + (waiting.len() + chunk.len()) as i64 > upload.bytes {
            reception.drop_parts().await?;
            let detail = format!("This goes beyond the {} bytes that Upload-Length announced.", upload.bytes);
            return Err(Refusal::new(Code::TooLarge, detail).into());
        }
        sum.add(&chunk);
        waiting.extend_from_slice(&chunk);
        while waiting.len() >= PART {
            reception.put(waiting.split_to(PART).freeze(), is_checked).await?;
        }
    }
    if is_checked && (broken || !sum.agrees()) {
        reception.drop_parts().await?;
        let detail = "The bytes of this request do not have the checksum that Upload-Checksum says. Nothing of it was kept; send it again.";
        return Err(Refusal::new(Code::ChecksumMismatch, detail).into());
    }
    if !waiting.is_empty() {
        reception.put(waiting.freeze(), is_checked).await?;
    }
    reception.keep().await?;
    if broken {
        let detail = format!(
            "The request broke off. {} bytes of the file are there: go on with those that follow.",
            reception.at
        );
        return Err(Refusal::malformed(detail).into());
    }
    Ok(reception.at)
}

fn elsewhere() -> Refusal {
    Refusal::conflict(
        Code::UploadOffset,
        "The upload does not stand at this Upload-Offset, or another request goes on with it. Ask with HEAD how far it is.",
    )
}

impl Reception<'_> {
    /// Puts a part into the store and, unless all depends on a checksum, at once into the database.
    async fn put(&mut self, part: Bytes, is_checked: bool) -> Result<(), Error> {
        let key = files::part(self.upload.tenant_id, self.upload.id, self.at, self.writer);
        let length = part.len() as i64;
        self.files.put(&key, part).await?;
        self.parts.push((self.at, length));
        self.at += length;
        if is_checked { Ok(()) } else { self.keep().await }
    }

    /// Says in the database that the parts are there.
    async fn keep(&mut self) -> Result<(), Error> {
        if self.parts.is_empty() {
            return Ok(());
        }
        let (starts, lengths): (Vec<i64>, Vec<i64>) = self.parts.iter().copied().unzip();
        let sql = "WITH moved AS (
                       UPDATE upload SET received = $6, touched_at = $7, expires_at = $8
                       WHERE tenant_id = $1 AND id = $2 AND writer = $3 AND received = $9 AND ended_at IS NULL
                       RETURNING tenant_id, id)
                   INSERT INTO upload_part (tenant_id, upload_id, start, bytes, writer)
                   SELECT m.tenant_id, m.id, p.start, p.bytes, $3
                   FROM moved m CROSS JOIN unnest($4::bigint[], $5::bigint[]) AS p(start, bytes)";
        let values = [
            self.upload.id.into(),
            self.writer.into(),
            starts.clone().into(),
            lengths.into(),
            self.at.into(),
            self.state.clock.now().into(),
            expiry(self.state)?.into(),
            starts[0].into(),
        ];
        let kept = self.state.db.execute_raw(statement(self.upload.tenant_id, sql, values)).await?;
        if kept.rows_affected() == 0 {
            self.drop_parts().await?;
            return Err(elsewhere().into());
        }
        self.parts.clear();
        Ok(())
    }

    /// Removes what is in the store and not in the database.
    async fn drop_parts(&mut self) -> Result<(), Error> {
        let key = |(start, _): (i64, i64)| files::part(self.upload.tenant_id, self.upload.id, start, self.writer);
        let keys = self.parts.drain(..).map(key).collect();
        self.files.remove(keys).await
    }
}

/// The whole file, from its parts, in a nameless place on this machine.
pub async fn assemble(state: &State, upload: &Upload) -> Result<std::fs::File, Error> {
    let failed = |cause: std::io::Error| Error::Internal(format!("a file could not be put together: {cause}"));
    let mut whole = tokio::fs::File::from_std(tempfile::tempfile().map_err(failed)?);
    let sql = "SELECT start, bytes, writer FROM upload_part WHERE tenant_id = $1 AND upload_id = $2 ORDER BY start";
    let mut at = 0;
    for row in state.db.query_all_raw(statement(upload.tenant_id, sql, [upload.id.into()])).await? {
        let (start, bytes, writer): (i64, i64, Uuid) =
            (row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        let part = state.files()?.get(&files::part(upload.tenant_id, upload.id, start, writer), None).await?;
        if start != at || part.meta.size != bytes.unsigned_abs() {
            return Err(Error::Internal(format!("the parts of upload {} do not join at byte {start}", upload.id)));
        }
        let mut stream = part.into_stream();
        while let Some(piece) = stream.next().await {
            whole.write_all(&piece.map_err(|cause| failed(cause.into()))?).await.map_err(failed)?;
        }
        at += bytes;
    }
    if at != upload.bytes {
        return Err(Error::Internal(format!("upload {} has {at} bytes of {}", upload.id, upload.bytes)));
    }
    whole.flush().await.map_err(failed)?;
    Ok(whole.into_std().await)
}
