//! Memory of a server in a process of its own: it takes little more of it, whatever is sent, however long that is and
//! whatever it unpacks to.

use std::io;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{Stream, stream};
use reqwest::{Body, Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::bytes::Bytes;

use super::imports::{Person, company, user};
use super::{Server, directory};
use crate::import::formats::{gzip, row, workbook};

const MIB: usize = 1 << 20;

/// MiB that reading anything may take: buffers of some hundred KiB, a commit of 1 MiB and what it becomes on its way to the
/// database, and what the allocator keeps of all that.
const READING: u64 = 32;

/// MiB that rows of 300 KB may take: the allocator keeps several of a commit's copies for each of several threads.
const LONG_ROWS: u64 = 80;

/// MiB that a file on its way into the store may take: eight pieces of 8 MiB that are being written, one that is filled,
/// and 8 MiB for the rest.
const STORING: u64 = 80;

/// MiB that are sent and not read: they are in the sockets of both sides.
const IN_SOCKETS: usize = 16;

/// MiB of a refused body that are read all the same, so that the answer arrives.
const DISCARDED: usize = 32;

/// The most that the process of a server took, since it had nothing to do.
struct Memory {
    pid: u32,
    idle: u64,
}

impl Memory {
    /// What was before does not count (proc(5), `/proc/pid/clear_refs`).
    fn idle(server: &Server) -> Memory {
        let pid = server.process.id();
        std::fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
        Memory { pid, idle: peak(pid) }
    }

    #[track_caller]
    fn rose_less_than(&self, most: u64, what: &str) {
        let risen = peak(self.pid).saturating_sub(self.idle) >> 10;
        println!("{what}: {risen} MiB more at the most");
        assert!(risen < most, "{what}: {risen} MiB more, where less than {most} are expected");
    }
}

/// Kilobytes that the process had at the most.
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse().unwrap()
}

/// An import when it is over.
async fn import(ada: &Person, kind: &str, file: &[u8]) -> Value {
    let id = ada.import(kind, file).await;
    ada.wait(&id, |import| import["status"] == "done" || import["status"] == "failed").await
}

fn counts<const N: usize>(import: &Value, names: [&str; N]) -> [i64; N] {
    names.map(|name| import[name].as_i64().unwrap_or_else(|| panic!("no {name}: {import:#}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_file_takes_little_memory() {
    let directory = directory();
    let data = directory.path();
    let server = Server::start(data, &[]);
    company(data);
    let ada = Person::log_in(&server.url, "ada").await;
    import(&ada, "product", b"externalId,name\nfirst,First\n").await;
    let memory = Memory::idle(&server);
    // 200,000 rows of 200 bytes. What they say is mostly said before or wrong, so that it is the file that takes its time.
    let text = "x".repeat(190);
    let rows: String = (0..200_000)
        .map(|n| match n % 4 {
            0 => format!("P-{n},{text},cheap\n"),
            _ => format!("P-{},{text},1.50\n", n % 500),
        })
        .collect();
    let file = format!("externalId,name,listPrice\n{rows}");
    assert!(file.len() >= 38 * MIB);
    let done = import(&ada, "product", file.as_bytes()).await;
    assert_eq!(counts(&done, ["rowsRead", "created", "repeated", "refused"]), [200_000, 375, 149_625, 50_000]);
    let refused = ada.get(&format!("/v1/imports/{}/refused", done["id"].as_str().unwrap())).await;
    assert_eq!(refused.lines().count(), 50_001);
    memory.rose_less_than(READING, "CSV of 38 MiB");
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_unpacks_to_much_more_takes_little_memory() {
    let directory = directory();
    let data = directory.path();
    let server = Server::start(data, &[]);
    company(data);
    let ada = Person::log_in(&server.url, "ada").await;
    let head = row(1, &["externalId", "name", "source", "note"]);
    let second = row(2, &["2", "Second", "fair", ""]);
    for first in [gzip(b"externalId,name,source\n1,First,fair\n"), workbook(&format!("{head}{second}"), None)] {
        let done = import(&ada, "lead", &first).await;
        assert_eq!(counts(&done, ["created"]), [1], "{done:#}");
    }
    let memory = Memory::idle(&server);

    let bomb = gzip(&vec![b'\n'; 32 * MIB]).repeat(17);
    assert!(bomb.len() < MIB);
    let failed = import(&ada, "lead", &bomb).await;
    assert!(failed["error"].as_str().is_some_and(|told| told.contains("more than 512 MiB")), "{failed:#}");
    memory.rose_less_than(READING, "gzip of 544 MiB");

    let texts = format!("<sst>{}</sst>", format!("<si><t>{}</t></si>", "x".repeat(1_000)).repeat(70_000));
    let bomb = workbook(&head, Some(("xl/sharedStrings.xml", texts.as_bytes())));
    assert!(bomb.len() < MIB && texts.len() > 64 * MIB);
    let failed = import(&ada, "lead", &bomb).await;
    assert!(failed["error"].as_str().is_some_and(|told| told.contains("more than 64 MiB of texts")), "{failed:#}");
    memory.rose_less_than(READING, "a workbook with 67 MiB of texts");

    let note = "x".repeat(4_000);
    let leads = (2..30_002).map(|number| {
        let (id, name) = (format!("L-{}", number % 100), format!("Lead {}", number % 100));
        row(number, &[id.as_str(), name.as_str(), "fair", note.as_str()])
    });
    let rows: String = std::iter::once(head).chain(leads).collect();
    assert!(rows.len() > 110 * MIB);
    let done = import(&ada, "lead", &workbook(&rows, None)).await;
    assert_eq!(counts(&done, ["rowsRead", "created", "repeated", "refused"]), [30_000, 100, 29_900, 0], "{done:#}");
    memory.rose_less_than(READING, &format!("a workbook of {} MiB", rows.len() / MIB));

    // Each row is within what a row may have.
    let rows = gzip(format!("1,{},fair\n", "x".repeat(300_000)).as_bytes()).repeat(500);
    let file = [gzip(b"externalId,name,source\n"), rows].concat();
    assert!(file.len() < MIB);
    let done = import(&ada, "lead", &file).await;
    assert_eq!(counts(&done, ["rowsRead", "created", "repeated", "refused"]), [500, 0, 0, 500], "{done:#}");
    memory.rose_less_than(LONG_ROWS, "gzip of 143 MiB in long rows");
    server.stop();
}

/// A request whose body has no end, or one of 5 GB that it says: what is answered, and the MiB that were sent until the
/// server took no more. `first`: how the body begins.
async fn endless(who: &Person, head: &[&str], first: &[u8], is_declared: bool) -> (String, usize) {
    let chunk = |bytes: &[u8]| match is_declared {
        true => bytes.to_vec(),
        false => [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat(),
    };
    let length = if is_declared { "content-length: 5000000000" } else { "transfer-encoding: chunked" };
    let address = who.url.strip_prefix("http://").unwrap();
    let token = format!("authorization: Bearer {}", who.token);
    let head = [head, &["host: localhost", token.as_str(), length, "\r\n"]].concat().join("\r\n");
    let (mut reading, mut writing) = TcpStream::connect(address).await.unwrap().into_split();
    let answer = tokio::spawn(async move {
        let mut answer = Vec::new();
        // The connection may end with an error; what came before counts.
        let _ = reading.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    });
    let (begun, piece) = ([head.into_bytes(), chunk(first)].concat(), chunk(&[b'x'; 64 << 10]));
    let sending = async {
        writing.write_all(&begun).await.unwrap();
        // A server that takes a GiB will take all of it.
        let mut pieces: usize = 0;
        while pieces < 16 * 1024 && writing.write_all(&piece).await.is_ok() {
            pieces += 1;
        }
        drop(writing);
        pieces >> 4
    };
    let sent = timeout(Duration::from_secs(60), sending).await.expect("the server ends it");
    let answer = timeout(Duration::from_secs(60), answer).await.expect("the server ends it").unwrap();
    (answer, sent)
}

#[track_caller]
fn is_refused((answer, sent): (String, usize), most: usize, what: &str) {
    println!("{what}: refused after {sent} MiB");
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("/problems/too_large"), "{what}: {answer}");
    assert!(sent <= most + IN_SOCKETS, "{what}: {sent} MiB were taken, where {most} are enough");
}

/// How a contract begins and ends, which is blank in between.
const BEGIN: &[u8] = b"%PDF-1.7\n";
const END: &[u8] = b"\n%%EOF\n";

/// What follows from `at` on of a contract of so many bytes, in pieces.
fn contract(bytes: usize, at: usize) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    const PIECE: usize = 64 << 10;
    let begin = &BEGIN[at.min(BEGIN.len())..];
    let (from, to, blank) = (at + begin.len(), bytes - END.len(), Bytes::from(vec![b' '; PIECE]));
    let pieces = (from..to).step_by(PIECE).map(move |start| blank.slice(..PIECE.min(to - start)));
    let whole = std::iter::once(Bytes::from_static(begin)).chain(pieces).chain([Bytes::from_static(END)]);
    stream::iter(whole.filter(|piece| !piece.is_empty()).map(Ok))
}

async fn post(who: &Person, path: &str, body: Value) -> Value {
    let request = Client::new().post(format!("{}{path}", who.url)).bearer_auth(&who.token).json(&body);
    request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
}

fn tus(who: &Person, method: Method, path: &str) -> RequestBuilder {
    let request = Client::new().request(method, format!("{}{path}", who.url)).bearer_auth(&who.token);
    request.header("tus-resumable", "1.0.0")
}

/// Begins an upload of so many bytes: the attachment's id, and where the upload is.
async fn begin(who: &Person, account: &Value, bytes: usize) -> (String, String) {
    let record = json!({ "accountId": account["id"], "kind": "document", "fileName": "c.pdf", "bytes": bytes });
    let record = post(who, "/v1/attachments", record).await;
    let id = record["id"].as_str().unwrap().to_owned();
    let request = tus(who, Method::POST, "/v1/uploads").header("upload-length", bytes.to_string());
    let metadata = format!("attachmentId {}", STANDARD.encode(&id));
    let begun = request.header("upload-metadata", metadata).send().await.unwrap();
    assert_eq!(begun.status(), 201);
    (id, begun.headers()["location"].to_str().unwrap().to_owned())
}

/// How much of an upload is there.
async fn offset(who: &Person, place: &str) -> usize {
    let answer = tus(who, Method::HEAD, place).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.headers()["upload-offset"].to_str().unwrap().parse().unwrap()
}

/// Sends the rest of a contract in one request; it is there then.
async fn complete(who: &Person, id: &str, place: &str, bytes: usize, at: usize) {
    let request = tus(who, Method::PATCH, place).header("content-type", "application/offset+octet-stream");
    let body = Body::wrap_stream(contract(bytes, at));
    let answer = request.header("upload-offset", at.to_string()).body(body).send().await.unwrap();
    assert_eq!(answer.status(), 204);
    assert_eq!(offset(who, place).await, bytes);
    let record: Value = serde_json::from_str(&who.get(&format!("/v1/attachments/{id}")).await).unwrap();
    assert_eq!(record["state"], "ready", "{record:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_without_an_end_and_long_uploads_take_little_memory() {
    let directory = directory();
    let data = directory.path();
    let server = Server::start(data, &[("WAYPOST_IMPORT_MEGABYTES", "64"), ("WAYPOST_FILE_MIB", "300")]);
    company(data);
    user(data, "lin", "rep");
    let (ada, lin) = (Person::log_in(&server.url, "ada").await, Person::log_in(&server.url, "lin").await);
    let account = post(&lin, "/v1/accounts", json!({ "kind": "business", "name": "Hopton" })).await;
    let (id, place) = begin(&lin, &account, MIB).await;
    complete(&lin, &id, &place, MIB, 0).await;
    import(&ada, "product", b"externalId,name\nfirst,First\n").await;
    let memory = Memory::idle(&server);

    let form = b"--b0undary\r\nContent-Disposition: form-data; name=\"kind\"\r\n\r\nproduct\r\n\
                 --b0undary\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f.csv\"\r\n\r\nexternalId,name\n1,";
    let head = ["POST /v1/imports HTTP/1.1", "content-type: multipart/form-data; boundary=b0undary"];
    is_refused(endless(&ada, &head, form, false).await, 64, "an import without an end");
    is_refused(endless(&ada, &head, form, true).await, DISCARDED, "an import of 5 GB");
    let imports: Value = serde_json::from_str(&ada.get("/v1/imports").await).unwrap();
    assert_eq!(imports["items"].as_array().map(Vec::len), Some(1), "{imports:#}");

    let bytes = 64 * MIB + MIB / 2;
    let (id, place) = begin(&lin, &account, bytes).await;
    let patch = format!("PATCH {place} HTTP/1.1");
    let head =
        [patch.as_str(), "tus-resumable: 1.0.0", "content-type: application/offset+octet-stream", "upload-offset: 0"];
    is_refused(endless(&lin, &head, BEGIN, true).await, DISCARDED, "an upload of 5 GB");
    assert_eq!(offset(&lin, &place).await, 0);
    is_refused(endless(&lin, &head, BEGIN, false).await, 65, "an upload without an end");
    memory.rose_less_than(READING, "bodies without an end");
    // What came before is there, and the rest is welcome.
    let at = offset(&lin, &place).await;
    assert_eq!(at, 64 * MIB);
    complete(&lin, &id, &place, bytes, at).await;

    let bytes = 256 * MIB;
    let (id, place) = begin(&lin, &account, bytes).await;
    complete(&lin, &id, &place, bytes, 0).await;
    memory.rose_less_than(STORING, "an upload of 256 MiB");
    server.stop();
}
