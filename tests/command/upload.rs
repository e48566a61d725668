//! Sudden death in the middle of an upload: the client that others wrote goes on by itself where the bytes are.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use reqwest::{Client, Method};
use rustix::process::Signal;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Server, directory, done, fed, program};
use crate::attachments::{pdf, tus};
use crate::tools::Npm;

const PASSWORD: &str = "correct horse";

async fn ask(method: Method, url: String, token: &str, body: Option<Value>) -> Value {
    let mut request = Client::new().request(method, url).bearer_auth(token);
    if let Some(body) = body {
        request = request.json(&body);
    }
    request.send().await.expect("an answer").json().await.expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_in_the_middle_of_an_upload_keeps_what_came() {
    let Some(npm) = Npm::install("tests/tus").await else { return };
    let directory = directory();
    let data = directory.path();
    let mut server = Server::start(data, &[]);
    let url = server.url.clone();
    let acme = ["tenant", "create", "--slug", "acme", "--name", "Acme", "--time-zone", "Asia/Shanghai"];
    done(program(acme).env("WAYPOST_DATA", data));
    let lin = ["user", "create", "--tenant", "acme", "--email", "lin@acme.example", "--name", "Lin", "--role", "rep"];
    let made = fed(program(lin).arg("--password-stdin").env("WAYPOST_DATA", data), &format!("{PASSWORD}\n"));
    assert!(made.success, "{}", made.err);
    let log_in = json!({ "tenant": "acme", "email": "lin@acme.example", "password": PASSWORD });
    let tokens = ask(Method::POST, format!("{url}/v1/auth/login"), "", Some(log_in)).await;
    let token = tokens["accessToken"].as_str().expect("a token").to_owned();
    let account = json!({ "kind": "business", "name": "Hopton" });
    let account = ask(Method::POST, format!("{url}/v1/accounts"), &token, Some(account)).await;
    let bytes = pdf(40_000_000);
    let record =
        json!({ "accountId": account["id"], "kind": "document", "fileName": "contract.pdf", "bytes": bytes.len() });
    let record = ask(Method::POST, format!("{url}/v1/attachments"), &token, Some(record)).await;
    let id: Uuid = record["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");

    let file = data.join("contract.pdf");
    std::fs::write(&file, &bytes).expect("written");
    let mut client = Command::new("node");
    client.arg("upload.mjs").current_dir(npm.folder()).envs(tus::told(&url, &token, id, &file)).stdout(Stdio::piped());
    let mut client = client.spawn().expect("starts");
    let mut said = BufReader::new(client.stdout.take().expect("a pipe")).lines().map(|line| line.expect("text"));
    let first: usize = said.next().expect("a line").parse().expect("a number");
    assert!(first < bytes.len());
    server.signal(Signal::KILL);
    server.end();
    let address = url.strip_prefix("http://").expect("an address");
    let server = Server::start_at(address, data, &[]);
    let rest: Vec<String> = said.collect();
    assert!(client.wait().expect("ends").success());
    assert_eq!(rest.last().map(String::as_str), Some("done"), "{rest:?}");
    let sent: Vec<usize> = rest.iter().filter_map(|line| line.parse().ok()).collect();
    assert!(sent.windows(2).all(|pair| pair[0] < pair[1]), "it never began anew: {sent:?}");

    let answer = Client::new().get(format!("{url}/v1/attachments/{id}/content")).bearer_auth(&token).send().await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert!(answer.bytes().await.expect("whole") == bytes, "byte by byte");
    assert!(data.join("files").is_dir());
    server.stop();
}
