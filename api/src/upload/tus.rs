//! The tus protocol 1.0 (<https://tus.io/protocols/resumable-upload>) at `/v1/uploads`: core, creation,
//! creation-with-upload, checksum, expiration and termination; creation takes an `Idempotency-Key` besides. It has clients of
//! its own and stands beside the OpenAPI document, whose generated clients send a file in one piece (`putAttachmentContent`).

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use poem::endpoint::make;
use poem::http::{HeaderMap, Method, StatusCode, header};
use poem::web::headers::{Expires, HeaderMapExt};
use poem::{Body, IntoResponse, Request, Response, Route};
use uuid::Uuid;

use super::receive::{Checksum, receive};
use super::{Upload, begin, end, find, finish};
use crate::auth::Actor;
use crate::http::RequestContext;
use crate::http::once::IDEMPOTENCY_KEY;
use crate::problem::{Code, Error, Problem, Refusal};
use crate::state::State;
use crate::write::Idempotency;

/// Where uploads are.
pub const PATH: &str = "/v1/uploads";
const VERSION: &str = "1.0.0";
const EXTENSIONS: &str = "creation,creation-with-upload,checksum,expiration,termination";
const ALGORITHMS: &str = "sha1,sha256";
const BYTES: &str = "application/offset+octet-stream";
/// Characters of `Upload-Metadata` that are kept and given back.
const MOST_METADATA: usize = 4_096;

/// `inner` with the protocol beside its routes.
pub fn routes(inner: Route) -> Route {
    inner.at(PATH, make(all)).at(format!("{PATH}/:id"), make(one))
}

async fn all(request: Request) -> poem::Result<Response> {
    answer(request, "OPTIONS, POST", async |method, state, request| match method {
        Method::POST => create(state, request).await,
        _ => Err(not_allowed().into()),
    })
    .await
}

async fn one(request: Request) -> poem::Result<Response> {
    answer(request, "OPTIONS, HEAD, PATCH, DELETE", async |method, state, request| {
        let id: Uuid = request.path_params::<Uuid>().map_err(|_| Refusal::not_found("upload"))?;
        match method {
            Method::HEAD => tell(state, request, id).await,
            Method::PATCH => go_on(state, request, id).await,
            Method::DELETE => terminate(state, request, id).await,
            _ => Err(not_allowed().into()),
        }
    })
    .await
}

fn not_allowed() -> Refusal {
    Refusal::new(Code::MethodNotAllowed, "The header Allow lists the methods of this path.")
}

/// What every answer of the protocol has in common, whether it went well or not.
async fn answer(
    request: Request,
    allow: &'static str,
    does: impl AsyncFnOnce(Method, &State, Request) -> Result<Response, Error>,
) -> poem::Result<Response> {
    let overriding = request.header("X-HTTP-Method-Override").filter(|_| request.method() == Method::POST);
    let method = overriding.map_or(Ok(request.method().clone()), |text| text.to_ascii_uppercase().parse());
    let request_id = RequestContext::of(&request).map(|context| context.request_id.clone());
    let state = request.data::<State>().cloned().ok_or_else(|| Error::Internal("the routes have no state".into()))?;
    let most = state.files()?.most_bytes;
    if method.as_ref().is_ok_and(|method| *method == Method::OPTIONS) {
        let response = Response::builder()
            .status(StatusCode::NO_CONTENT)
            .header("Tus-Resumable", VERSION)
            .header("Tus-Version", VERSION)
            .header("Tus-Max-Size", most)
            .header("Tus-Extension", EXTENSIONS)
            .header("Tus-Checksum-Algorithm", ALGORITHMS);
        return Ok(response.finish());
    }
    let done = match method {
        _ if request.header("Tus-Resumable") != Some(VERSION) => {
            let detail = "Send the header Tus-Resumable: 1.0.0; that is the version that is spoken here.";
            Err(Refusal::new(Code::ProtocolVersion, detail).into())
        }
        Ok(method) => does(method, &state, request).await,
        Err(_) => Err(not_allowed().into()),
    };
    let mut response = match done {
        Ok(response) => response,
        Err(cause) => {
            let refusal = cause.refusal();
            if refusal.code.status() >= 500 {
                tracing::error!(%cause, "request failed");
            }
            let mut response = Problem { request_id, ..Problem::from(&refusal) }.into_response();
            if let Some(seconds) = refusal.retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            }
            response
        }
    };
    let status = response.status();
    let headers = response.headers_mut();
    let version = header::HeaderValue::from_static(VERSION);
    headers.insert("Tus-Resumable", version.clone());
    if status == StatusCode::PRECONDITION_FAILED {
        headers.insert("Tus-Version", version);
    }
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        headers.insert("Tus-Max-Size", most.into());
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, header::HeaderValue::from_static(allow));
    }
    Ok(response)
}

/// A number of bytes in a header; `None`: there is no such header.
fn number(headers: &HeaderMap, name: &str) -> Result<Option<i64>, Refusal> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let number = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let number = number.and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| Refusal::malformed(format!("{name}: must be a number of bytes, in digits.")))
}

/// `name <base64>, name`: names and their values.
fn metadata(text: &str) -> Option<BTreeMap<&str, String>> {
    let pair = |pair: &'_ str| -> Option<(usize, String)> {
        let (name, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let value = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
        (!name.is_empty()).then_some((name.len(), value))
    };
    let pairs = text.split(',').map(str::trim);
    pairs.map(|one| pair(one).map(|(name, value)| (&one[..name], value))).collect()
}

/// The attachment that the client names.
fn attachment_id(text: &str) -> Result<Uuid, Refusal> {
    let wrong = || {
        Refusal::malformed(
            "Upload-Metadata: must name the record that the file belongs to, as `attachmentId` and its id in Base64.",
        )
    };
    if text.len() > MOST_METADATA {
        return Err(Refusal::malformed(format!("Upload-Metadata: may have at most {MOST_METADATA} characters.")));
    }
    metadata(text).and_then(|pairs| pairs.get("attachmentId")?.trim().parse().ok()).ok_or_else(wrong)
}

/// `sha256 <base64>`.
fn checksum(headers: &HeaderMap) -> Result<Option<Checksum>, Refusal> {
    let Some(value) = headers.get("Upload-Checksum") else { return Ok(None) };
    let wrong = || Refusal::malformed("Upload-Checksum: must be sha1 or sha256, a space, and the checksum in Base64.");
    let (algorithm, sum) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(wrong)?;
    let sum = STANDARD.decode(sum.trim()).map_err(|_| wrong())?;
    match (algorithm, sum.len()) {
        ("sha1", 20) => Ok(Some(Checksum::Sha1(sum))),
        ("sha256", 32) => Ok(Some(Checksum::Sha256(sum))),
        _ => Err(wrong()),
    }
}

/// How far an upload is, and until when it is kept.
fn standing(upload: &Upload, status: StatusCode) -> poem::ResponseBuilder {
    Response::builder()
        .status(status)
        .header("Upload-Offset", upload.received)
        .header("Upload-Expires", expires(upload))
}

fn expires(upload: &Upload) -> String {
    let mut headers = HeaderMap::new();
    headers.typed_insert(Expires::from(std::time::SystemTime::from(upload.expires_at.0)));
    headers.get(header::EXPIRES).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

async fn create(state: &State, mut request: Request) -> Result<Response, Error> {
    let actor = Actor::of(&request).await?;
    if request.headers().contains_key("Upload-Defer-Length") {
        return Err(
            Refusal::malformed("Upload-Defer-Length: say Upload-Length at once; a file's length is known.").into()
        );
    }
    let length = number(request.headers(), "Upload-Length")?.filter(|length| *length > 0);
    let length =
        length.ok_or_else(|| Refusal::malformed("Upload-Length: must be the file's bytes, one at the least."))?;
    let told = request.header("Upload-Metadata").unwrap_or_default().to_owned();
    let key = request.headers().get(IDEMPOTENCY_KEY).map(|key| key.to_str().unwrap_or_default().to_owned());
    let key = key.map(|key| Idempotency { key, id: None }.checked()).transpose()?;
    let with_bytes = is_bytes(&request);
    let checksum = checksum(request.headers())?;
    let mut upload = begin(state, &actor, attachment_id(&told)?, length, told, key).await?;
    if upload.received > 0 {
        // Begun by an earlier request, from whose bytes on the client goes on.
        take_whole(state, &actor, &upload).await?;
    } else if with_bytes {
        let body = request.take_body();
        upload.received = add(state, &actor, &upload, 0, body, checksum).await?;
    }
    let place = format!("{PATH}/{}", upload.id);
    Ok(standing(&upload, StatusCode::CREATED).header(header::LOCATION, place).finish())
}

fn is_bytes(request: &Request) -> bool {
    request.content_type().is_some_and(|given| given.split(';').next().is_some_and(|given| given.trim() == BYTES))
}

async fn tell(state: &State, request: Request, id: Uuid) -> Result<Response, Error> {
    let actor = Actor::of(&request).await?;
    let upload = find(state, &actor, id).await?;
    take_whole(state, &actor, &upload).await?;
    let mut response = standing(&upload, StatusCode::OK).header("Upload-Length", upload.bytes);
    if !upload.metadata.is_empty() {
        response = response.header("Upload-Metadata", &upload.metadata);
    }
    Ok(response.finish())
}

/// Takes a file that is whole: the server that got the last byte died before it could.
async fn take_whole(state: &State, actor: &Actor, upload: &Upload) -> Result<(), Error> {
    if upload.received < upload.bytes || upload.ended_at.is_some() {
        return Ok(());
    }
    let (inner, actor, upload) = (state.clone(), actor.clone(), upload.clone());
    state.run(async move { finish(&inner, &actor, &upload).await }).await
}

async fn go_on(state: &State, mut request: Request, id: Uuid) -> Result<Response, Error> {
    let actor = Actor::of(&request).await?;
    if !is_bytes(&request) {
        return Err(Refusal::new(Code::UnsupportedMediaType, format!("Content-Type must be {BYTES}.")).into());
    }
    let offset = number(request.headers(), "Upload-Offset")?;
    let offset = offset.ok_or_else(|| Refusal::malformed("Upload-Offset: is required; HEAD tells it."))?;
    let checksum = checksum(request.headers())?;
    let upload = find(state, &actor, id).await?;
    if upload.ended_at.is_some() {
        let detail = "This upload is over: the file is there.";
        return Err(Refusal::conflict(Code::UploadOffset, detail).into());
    }
    let received = add(state, &actor, &upload, offset, request.take_body(), checksum).await?;
    let expires_at = super::expiry(state)?;
    Ok(standing(&Upload { received, expires_at, ..upload }, StatusCode::NO_CONTENT).finish())
}

/// Goes on with an upload, and takes the file once it is whole; to its end, also when the client hangs up.
async fn add(
    state: &State,
    actor: &Actor,
    upload: &Upload,
    offset: i64,
    body: Body,
    checksum: Option<Checksum>,
) -> Result<i64, Error> {
    let (inner, actor, upload) = (state.clone(), actor.clone(), upload.clone());
    state
        .run(async move {
            let received = receive(&inner, &upload, offset, body, checksum).await?;
            if received == upload.bytes {
                finish(&inner, &actor, &upload).await?;
            }
            Ok(received)
        })
        .await
}

async fn terminate(state: &State, request: Request, id: Uuid) -> Result<Response, Error> {
    let actor = Actor::of(&request).await?;
    end(state, &find(state, &actor, id).await?).await?;
    Ok(Response::builder().status(StatusCode::NO_CONTENT).finish())
}
