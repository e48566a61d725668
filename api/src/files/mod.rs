//! Where files are kept: a directory or a bucket of an S3-compatible store, behind one interface. Here is how objects
//! are named, written, read and removed; what is in a file is `content`'s, whose it is `attachment`'s.

mod content;
mod heic;
mod location;
mod m4a;
mod picture;
mod stripped;
mod whole;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{GetOptions, GetResult, ObjectStore, ObjectStoreExt, PutPayload};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;
use tokio_util::bytes::Bytes;
use uuid::Uuid;

pub use content::{HEAD, TYPES, Type, of_content};
pub use location::{open, open_as};
pub use picture::{Picture, read as read_picture};
pub use whole::has_end;

use crate::problem::{Error, Refusal};

/// What a file may be, unless the operator says otherwise.
pub const MOST_BYTES: i64 = 50 * 1024 * 1024;
/// How long an upload that nobody goes on with is kept, unless the operator says otherwise.
pub const KEPT_DAYS: i64 = 7;
/// Pictures and recordings that are worked on at one time: each may take some 200 MB of memory while it is.
const AT_ONCE: usize = 2;
/// What is sent to the store at once; larger files go in parts of this size.
const PIECE: usize = 8 * 1024 * 1024;
/// Seconds after which a store that does not answer may be asked again.
const ASK_AGAIN: u32 = 10;

/// The store, and what may go into it.
pub struct Files {
    store: Arc<dyn ObjectStore>,
    /// Bytes that one file may have.
    pub most_bytes: i64,
    /// How long an unfinished upload is kept.
    pub kept: Duration,
    /// Who works on a picture or a recording holds one.
    pub pictures: Semaphore,
}

impl Files {
    pub fn new(store: Arc<dyn ObjectStore>, most_bytes: i64, kept_days: i64) -> Self {
        let kept = Duration::from_secs(kept_days.unsigned_abs() * 24 * 60 * 60);
        Files { store, most_bytes, kept, pictures: Semaphore::new(AT_ONCE) }
    }

    /// Writes all of it, or nothing.
    pub async fn put(&self, key: &Path, bytes: Bytes) -> Result<(), Error> {
        self.store.put(key, PutPayload::from(bytes)).await.map(drop).map_err(|cause| unreachable(&cause))
    }

    /// Writes a file from its beginning to its end, or nothing.
    pub async fn put_file(&self, key: &Path, mut file: File) -> Result<(), Error> {
        let mut into = BufWriter::with_capacity(self.store.clone(), key.clone(), PIECE);
        let written = tokio::io::copy(&mut file, &mut into).await;
        match written {
            Ok(_) => into.shutdown().await.map_err(|cause| unreachable(&cause)),
            Err(cause) => {
                // Parts of it may be there already.
                let _ = into.abort().await;
                Err(unreachable(&cause))
            }
        }
    }

    /// All of an object, or some of its bytes.
    pub async fn get(&self, key: &Path, range: Option<Range<u64>>) -> Result<GetResult, Error> {
        let options = GetOptions::new().with_range(range);
        self.store.get_opts(key, options).await.map_err(|cause| unreachable(&cause))
    }

    /// Removes everything below this place; what is not there is no error.
    pub async fn clear(&self, below: &Path) -> Result<(), Error> {
        let objects = self.store.list(Some(below)).map_ok(|object| object.location).boxed();
        let gone = self.store.delete_stream(objects).try_for_each(|_| async { Ok(()) }).await;
        match gone {
            Err(object_store::Error::NotFound { .. }) | Ok(()) => Ok(()),
            Err(cause) => Err(unreachable(&cause)),
        }
    }

    /// Removes these; what is not there is no error.
    pub async fn remove(&self, keys: Vec<Path>) -> Result<(), Error> {
        for key in keys {
            match self.store.delete(&key).await {
                Err(object_store::Error::NotFound { .. }) | Ok(()) => {}
                Err(cause) => return Err(unreachable(&cause)),
            }
        }
        Ok(())
    }
}

/// Nothing is wrong with the request; the cause is for the log.
fn unreachable(cause: &dyn std::error::Error) -> Error {
    tracing::error!(%cause, "the store of files failed");
    Refusal::unavailable(ASK_AGAIN).into()
}

/// Below it is all that is kept of an attachment.
pub fn of_attachment(tenant_id: Uuid, attachment_id: Uuid) -> Path {
    Path::from_iter([tenant_id.to_string(), attachment_id.to_string()])
}

/// A file as it was sent, by its SHA-256.
pub fn original(tenant_id: Uuid, attachment_id: Uuid, sha256: &str) -> Path {
    of_attachment(tenant_id, attachment_id).join(sha256)
}

/// A photo or a recording without its position.
pub fn shared(tenant_id: Uuid, attachment_id: Uuid, sha256: &str) -> Path {
    of_attachment(tenant_id, attachment_id).join(format!("{sha256}.shared"))
}

/// The small picture of a photo.
pub fn thumbnail(tenant_id: Uuid, attachment_id: Uuid, sha256: &str) -> Path {
    of_attachment(tenant_id, attachment_id).join(format!("{sha256}.thumbnail"))
}

/// Below it are the parts of an upload that is under way.
pub fn of_upload(tenant_id: Uuid, upload_id: Uuid) -> Path {
    Path::from_iter(["uploads".to_owned(), tenant_id.to_string(), upload_id.to_string()])
}

/// A part of it. Two requests that write at the same place write two objects.
pub fn part(tenant_id: Uuid, upload_id: Uuid, start: i64, writer: Uuid) -> Path {
    of_upload(tenant_id, upload_id).join(format!("{start:015}-{writer}"))
}
