//! How much a request may send and how long it may take. The body is counted while it is read, so that a chunked one
//! cannot grow past the limit either. What is said when a limit is passed is `render`'s.

use futures_util::{Stream, StreamExt};
use poem::{Body, Request, http::header};
use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio_util::bytes::Bytes;

const MIB: usize = 1024 * 1024;

/// What may stand around mutations or a file.
const FORM: usize = 64 * 1024;

/// So long may a client that sends a file send nothing.
const PAUSE: Duration = Duration::from_secs(60);

/// A refused body is still read and thrown away up to this size: a client that is busy sending sees a reset connection
/// instead of the answer otherwise.
const DISCARD: usize = 32 * MIB;

/// Bodies up to this size are kept until the answer is known, so that a refusal can point at the field.
const KEEP: usize = 256 * 1024;

/// What one request may cost.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a body.
    pub body: usize,
    /// Bytes of a push: 5 MiB of mutations, and a little for what is around them.
    pub push: usize,
    /// Bytes of a file, with the form around it.
    pub file: usize,
    /// Bytes of a form with files to import: it is kept piece by piece as it comes.
    pub import: usize,
    /// Time until the headers of the answer are ready; a stream may go on for longer.
    pub time: Duration,
    /// The same for a request that brings a file over a slow link.
    pub file_time: Duration,
}

/// What one path may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub bytes: usize,
    pub time: Duration,
    /// Whether it brings a file: a pause ends it then, as its time is long.
    pub is_file: bool,
}

impl Default for Limits {
    fn default() -> Self {
        let (time, file_time) = (Duration::from_secs(30), Duration::from_secs(60 * 60));
        Self { body: MIB, push: 5 * MIB + FORM, file: 50 * MIB + FORM, import: 101 * MIB, time, file_time }
    }
}

/// Where files to import are sent to, by programs and by people.
const IMPORTS: [&str; 2] = ["/v1/imports", "/imports"];

impl Limits {
    /// For files of so many bytes.
    pub fn for_files(self, bytes: i64) -> Self {
        Self { file: usize::try_from(bytes).unwrap_or(usize::MAX - FORM) + FORM, ..self }
    }

    /// The files of an import may have so many bytes together; there is room for what is around them.
    pub fn for_imports(self, bytes: u64) -> Self {
        Self { import: usize::try_from(bytes).unwrap_or(usize::MAX).saturating_add(MIB), ..self }
    }

    /// What a request to `path` may cost.
    pub fn of_path(&self, path: &str) -> Limit {
        let brings_file = path.starts_with("/v1/uploads")
            || path.strip_prefix("/v1/attachments/").is_some_and(|rest| rest.ends_with("/content"));
        let bytes = match path {
            _ if brings_file => self.file,
            path if IMPORTS.contains(&path) => self.import,
            "/v1/sync/mutations" => self.push,
            _ => self.body,
        };
        let is_file = brings_file || IMPORTS.contains(&path);
        Limit { bytes, time: if is_file { self.file_time } else { self.time }, is_file }
    }
}

/// What has been seen of a request's body.
#[derive(Clone, Default)]
pub struct Seen(Arc<SeenInner>);

#[derive(Default)]
struct SeenInner {
    over: AtomicBool,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    chunks: Vec<Bytes>,
    bytes: usize,
}

impl Seen {
    /// Whether more was sent than allowed.
    pub fn is_over(&self) -> bool {
        self.0.over.load(Ordering::Relaxed)
    }

    /// The body as far as it was read; `None` if it was too long to keep.
    pub fn body(&self) -> Option<Vec<u8>> {
        let kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        (kept.bytes <= KEEP).then(|| kept.chunks.concat())
    }

    fn keep(&self, chunk: &Bytes) {
        let mut kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.bytes += chunk.len();
        if kept.bytes <= KEEP {
            kept.chunks.push(chunk.clone());
        } else {
            kept.chunks = Vec::new();
        }
    }
}

/// Puts a counter around the body of `request`; reading past `limit` fails and is noted in the `Seen`.
/// A body whose declared length is over the limit is refused here: `Err`.
pub async fn count(request: &mut Request, Limit { bytes: limit, is_file, .. }: Limit) -> Result<Seen, TooLarge> {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    let seen = Seen::default();
    if length.is_some_and(|n| n > limit) {
        // Who waits for our word before it sends (`Expect: 100-continue`) has it with the answer.
        if !request.headers().contains_key(header::EXPECT) {
            discard(Box::pin(request.take_body().into_bytes_stream()), 0).await;
        }
        return Err(TooLarge);
    }
    let body = request.take_body();
    if body.is_empty() {
        return Ok(seen);
    }
    let pause = if is_file { PAUSE } else { Duration::MAX };
    request.set_body(counted(body, limit, pause, seen.clone()));
    Ok(seen)
}

/// The body is longer than allowed.
#[derive(Debug)]
pub struct TooLarge;

fn counted(body: Body, limit: usize, pause: Duration, seen: Seen) -> Body {
    let state = (Box::pin(body.into_bytes_stream()), 0usize, seen);
    Body::from_bytes_stream(futures_util::stream::unfold(state, move |(mut stream, mut read, seen)| async move {
        let next = tokio::time::timeout(pause, stream.next()).await;
        let chunk = match next.unwrap_or_else(|_| Some(Err(io::ErrorKind::TimedOut.into())))? {
            Ok(chunk) => chunk,
            Err(err) => return Some((Err(err), (stream, read, seen))),
        };
        read += chunk.len();
        if read <= limit {
            seen.keep(&chunk);
            return Some((Ok(chunk), (stream, read, seen)));
        }
        seen.0.over.store(true, Ordering::Relaxed);
        discard(&mut stream, read).await;
        Some((Err(io::Error::other("longer than allowed")), (stream, read, seen)))
    }))
}

async fn discard(mut stream: impl Stream<Item = io::Result<Bytes>> + Unpin, mut read: usize) {
    while read < DISCARD
        && let Some(Ok(chunk)) = stream.next().await
    {
        read += chunk.len();
    }
}
