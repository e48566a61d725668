//! `/v1/attachments` and `/v1/uploads`: the record and its file, which come apart and belong together.

mod content;
mod exif;
mod picture;
mod points;
mod records;
mod resume;
mod store;
pub mod tus;
mod unfinished;
mod voice;

use reqwest::{Method, header};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{Answer, Person};

/// What came back, as it is.
pub struct Raw {
    pub status: u16,
    pub headers: header::HeaderMap,
    pub bytes: Vec<u8>,
}

impl Raw {
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{:?} {}", self.headers, String::from_utf8_lossy(&self.bytes));
        self
    }

    #[track_caller]
    pub fn header(&self, name: &str) -> String {
        let value = self.headers.get(name).unwrap_or_else(|| panic!("no {name}: {:?}", self.headers));
        value.to_str().expect("text").to_owned()
    }

    /// The slug of the problem's type, and what it says.
    #[track_caller]
    pub fn problem(&self) -> (String, String) {
        assert_eq!(self.header("content-type"), "application/problem+json");
        let body: Value = serde_json::from_slice(&self.bytes).expect("JSON");
        let text = |member: &str| body[member].as_str().expect("text").to_owned();
        assert_eq!(text("requestId"), self.header("x-request-id"));
        (text("type").rsplit('/').next().expect("a slug").to_owned(), text("detail"))
    }
}

/// Sends bytes with these headers.
pub async fn raw(who: &Person, method: Method, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Raw {
    let mut request = who.request(method, path).await;
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.body(body).send().await.expect("an answer");
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Raw { status, headers, bytes: answer.bytes().await.expect("a whole body").to_vec() }
}

/// A visit and its id.
pub async fn visit(who: &Person, account: Uuid) -> Uuid {
    let body =
        json!({ "accountId": account, "kind": "visit", "occurred": who.now().to_rfc3339(), "summary": "Samples" });
    who.post("/v1/activities", body).await.expect(201).id()
}

/// A record of a file to come; `more` are its further members.
pub async fn attachment(who: &Person, account: Uuid, kind: &str, more: Value) -> Uuid {
    let mut body = json!({ "accountId": account, "kind": kind, "fileName": "shelf.jpg" });
    body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    who.post("/v1/attachments", body).await.expect(201).id()
}

/// Sends a file in one piece.
pub async fn put(who: &Person, id: Uuid, file: &[u8]) -> Answer {
    let answer = put_form(who, id, "file", file).await;
    let body = serde_json::from_slice(&answer.bytes).unwrap_or(Value::Null);
    Answer { status: answer.status, headers: answer.headers, body }
}

/// Sends a form with one part of this name.
pub async fn put_form(who: &Person, id: Uuid, name: &str, file: &[u8]) -> Raw {
    let head = format!(
        "--frontier\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"x\"\r\nContent-Type: text/html\r\n\r\n"
    );
    let body = [head.as_bytes(), file, b"\r\n--frontier--\r\n"].concat();
    let form = [("content-type", "multipart/form-data; boundary=frontier")];
    raw(who, Method::PUT, &format!("/v1/attachments/{id}/content"), &form, body).await
}

/// The file of an attachment, as this person gets it.
pub async fn get(who: &Person, id: Uuid) -> Raw {
    raw(who, Method::GET, &format!("/v1/attachments/{id}/content"), &[], Vec::new()).await
}

/// How a PDF ends.
const END: &[u8] = b"\n%%EOF\n";

/// A contract of this many bytes.
pub fn pdf(bytes: usize) -> Vec<u8> {
    let mut file = b"%PDF-1.7\n".to_vec();
    let mut seed = 7u32;
    file.resize_with(bytes, || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 24) as u8
    });
    file[bytes - END.len()..].copy_from_slice(END);
    file
}

/// A request of the tus protocol.
pub async fn tus(who: &Person, method: Method, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Raw {
    let all: Vec<(&str, &str)> = [("tus-resumable", "1.0.0")].iter().chain(headers).copied().collect();
    raw(who, method, path, &all, body).await
}

/// Begins an upload; where it is.
pub async fn begin(who: &Person, id: Uuid, bytes: usize) -> Raw {
    use base64::Engine;
    let name = base64::engine::general_purpose::STANDARD.encode(id.to_string());
    let headers = [("upload-length", &*bytes.to_string()), ("upload-metadata", &*format!("attachmentId {name}"))];
    tus(who, Method::POST, "/v1/uploads", &headers, Vec::new()).await
}

/// Sends what follows from `offset` on.
pub async fn send(who: &Person, place: &str, offset: usize, bytes: &[u8], more: &[(&str, &str)]) -> Raw {
    let offset = offset.to_string();
    let mut headers = vec![("content-type", "application/offset+octet-stream"), ("upload-offset", &*offset)];
    headers.extend(more);
    tus(who, Method::PATCH, place, &headers, bytes.to_vec()).await
}
