//! Files on their way out: the whole or a part, as the one who asks may have it.

use std::ops::Range;

use entity::attachment;
use entity::kind::{AttachmentState, Role};
use poem::http::{HeaderMap, StatusCode, header};
use poem::web::headers::{HeaderMapExt, Range as RangeHeader};
use poem::{Body, FromRequest, IntoResponse, Request, RequestBody, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use uuid::Uuid;

use crate::auth::Actor;
use crate::files::{self, TYPES};
use crate::problem::{Code, Error, Refusal};
use crate::read;
use crate::state::State;

/// Which part is wanted, and what is there already.
pub struct Wanted {
    range: Option<RangeHeader>,
    known: Option<String>,
}

impl Wanted {
    fn of(headers: &HeaderMap) -> Self {
        let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).map(str::to_owned);
        // A part of what may have changed since is of no use: the whole is sent.
        let range = headers.typed_get().filter(|_| !headers.contains_key(header::IF_RANGE));
        Wanted { range, known }
    }
}

impl<'a> FromRequest<'a> for Wanted {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        Ok(Wanted::of(request.headers()))
    }
}

/// One of the objects that are kept of an attachment.
struct Kept {
    key: object_store::path::Path,
    bytes: u64,
    etag: String,
}

/// What this actor gets: the file as it was sent, if he sent it or runs the tenant, else the shared one.
async fn kept(state: &State, actor: &Actor, attachment: &attachment::Model, sha256: &str) -> Result<Kept, Error> {
    let (tenant_id, id) = (attachment.tenant_id, attachment.id);
    if attachment.owner_id != actor.user_id && actor.role != Role::Admin {
        let sql = "SELECT shared_sha256, shared_bytes FROM attachment_file
                   WHERE tenant_id = $1 AND attachment_id = $2 AND shared_sha256 IS NOT NULL";
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [tenant_id.into(), id.into()]);
        if let Some(row) = state.db.query_one_raw(statement).await? {
            let (etag, bytes): (String, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            return Ok(Kept { key: files::shared(tenant_id, id, sha256), bytes: bytes.unsigned_abs(), etag });
        }
    }
    let bytes = attachment.bytes.unwrap_or(0).unsigned_abs();
    Ok(Kept { key: files::original(tenant_id, id, sha256), bytes, etag: sha256.to_owned() })
}

/// The file of an attachment.
///
/// # Errors
/// 404 for what is not visible, 409 while there is no file, 416 for a part that the file does not have.
pub async fn of(state: &State, actor: &Actor, id: Uuid, wanted: Wanted) -> Result<FileAnswer, Error> {
    let attachment: attachment::Model = read::get(state, actor, id).await?;
    let (AttachmentState::Ready, Some(sha256)) = (attachment.state, attachment.sha256.as_deref()) else {
        let detail = "The file of this attachment has not come yet. Its record says `ready` once it has.";
        return Err(Refusal::conflict(Code::Conflict, detail).into());
    };
    let kept = kept(state, actor, &attachment, sha256).await?;
    let etag = format!("\"{}\"", kept.etag);
    let is_known = |known: &String| known.split(',').any(|one| one.trim().trim_start_matches("W/") == etag);
    let response = Response::builder()
        .header(header::ETAG, &etag)
        .header(header::CACHE_CONTROL, "private, no-cache")
        .header(header::ACCEPT_RANGES, "bytes");
    if wanted.known.as_ref().is_some_and(is_known) {
        return Ok(FileAnswer(response.status(StatusCode::NOT_MODIFIED).finish()));
    }
    let range = wanted.range.map(|range| part(&range, kept.bytes)).transpose()?.flatten();
    let object = state.files()?.get(&kept.key, range.clone()).await?;
    let length = range.as_ref().map_or(kept.bytes, |range| range.end - range.start);
    let mut response = response
        .content_type(attachment.content_type.as_deref().unwrap_or("application/octet-stream"))
        .header(header::CONTENT_LENGTH, length)
        .header(header::CONTENT_DISPOSITION, disposition(&attachment.file_name));
    if let Some(Range { start, end }) = range {
        let told = format!("bytes {start}-{}/{}", end - 1, kept.bytes);
        response = response.status(StatusCode::PARTIAL_CONTENT).header(header::CONTENT_RANGE, told);
    }
    Ok(FileAnswer(response.body(Body::from_bytes_stream(bytes_of(object)))))
}

fn bytes_of(
    object: object_store::GetResult,
) -> impl futures_util::Stream<Item = std::io::Result<tokio_util::bytes::Bytes>> + Send + 'static {
    use futures_util::TryStreamExt;
    object.into_stream().map_err(std::io::Error::other)
}

/// One part that the file has; `None`: several are asked for, and the whole is sent.
fn part(range: &RangeHeader, bytes: u64) -> Result<Option<Range<u64>>, Refusal> {
    use std::ops::Bound;
    let mut parts = range.satisfiable_ranges(bytes);
    let (first, second) = (parts.next(), parts.next());
    let outside =
        || Refusal::new(Code::RangeOutside, format!("The file has {bytes} bytes. Ask for bytes before that."));
    if second.is_some() {
        return Ok(None);
    }
    let (start, end) = first.ok_or_else(outside)?;
    let start = match start {
        Bound::Included(at) => at,
        Bound::Excluded(at) => at + 1,
        Bound::Unbounded => 0,
    };
    let end = match end {
        Bound::Included(at) => (at + 1).min(bytes),
        Bound::Excluded(at) => at.min(bytes),
        Bound::Unbounded => bytes,
    };
    if start < end { Ok(Some(start..end)) } else { Err(outside()) }
}

/// A name that is data to whoever reads it (RFC 6266): saved, never opened in the page's place.
fn disposition(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || " ._-".contains(c) { c } else { '_' };
    let ascii: String = name.chars().map(plain).collect();
    let encoded: String = name
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect();
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
}

/// The small picture.
///
/// # Errors
/// 404 for what is not visible, and where there is none.
pub async fn thumbnail_of(state: &State, actor: &Actor, id: Uuid) -> Result<ThumbnailAnswer, Error> {
    let attachment: attachment::Model = read::get(state, actor, id).await?;
    let sha256 = attachment.sha256.as_deref().filter(|_| attachment.has_thumbnail);
    let sha256 = sha256.ok_or_else(|| Refusal::not_found("small picture"))?;
    let key = files::thumbnail(attachment.tenant_id, attachment.id, sha256);
    let object = state.files()?.get(&key, None).await?;
    let response = Response::builder()
        .content_type("image/jpeg")
        .header(header::CACHE_CONTROL, "private, max-age=86400")
        .header(header::CONTENT_LENGTH, object.meta.size);
    Ok(ThumbnailAnswer(response.body(Body::from_bytes_stream(bytes_of(object)))))
}

/// A file as it is.
pub struct FileAnswer(Response);

/// A small picture.
pub struct ThumbnailAnswer(Response);

impl IntoResponse for FileAnswer {
    fn into_response(self) -> Response {
        self.0
    }
}

impl IntoResponse for ThumbnailAnswer {
    fn into_response(self) -> Response {
        self.0
    }
}

fn binary(content_type: &'static str) -> MetaMediaType {
    let schema = MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", "binary")));
    MetaMediaType { content_type, schema }
}

fn answer(status: u16, description: &'static str, content: Vec<MetaMediaType>) -> MetaResponse {
    MetaResponse { description, status: Some(status), status_range: None, content, headers: Vec::new() }
}

impl ApiResponse for FileAnswer {
    fn meta() -> MetaResponses {
        let content = || TYPES.iter().map(|is| binary(is.media_type())).collect();
        MetaResponses {
            responses: vec![
                answer(200, "The file", content()),
                answer(206, "The part of it that was asked for", content()),
                answer(304, "It is the one that you have", Vec::new()),
            ],
        }
    }

    fn register(_: &mut Registry) {}
}

impl ApiResponse for ThumbnailAnswer {
    fn meta() -> MetaResponses {
        MetaResponses { responses: vec![answer(200, "A JPEG", vec![binary("image/jpeg")])] }
    }

    fn register(_: &mut Registry) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_place() {
        let told = disposition("a\"; filename=b.html\r\nX: y 合同.pdf");
        assert!(!told.contains('\r') && !told.contains('\n') && told.matches('"').count() == 2, "{told}");
        assert!(
            told.contains("filename*=UTF-8''a%22%3B%20filename%3Db.html%0D%0AX%3A%20y%20%E5%90%88%E5%90%8C.pdf"),
            "{told}"
        );
    }

    #[test]
    fn one_part_or_the_whole() {
        let asked = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, text.parse().unwrap());
            part(&Wanted::of(&headers).range.unwrap(), 100)
        };
        assert_eq!(asked("bytes=0-9"), Ok(Some(0..10)));
        assert_eq!(asked("bytes=90-"), Ok(Some(90..100)));
        assert_eq!(asked("bytes=90-500"), Ok(Some(90..100)));
        assert_eq!(asked("bytes=-10"), Ok(Some(90..100)));
        assert_eq!(asked("bytes=0-1,5-6"), Ok(None));
        assert_eq!(asked("bytes=100-").unwrap_err().code, Code::RangeOutside);
    }
}
