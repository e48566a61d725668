//! The line that a request leaves in the log, and the id that ties it to the answer.

use super::{TENANT, USER, app, server};
use futures_util::FutureExt;
use poem::{Endpoint, Request, http::Uri};
use reqwest::Client;
use serde_json::Value;
use std::{
    io,
    sync::{Arc, Mutex},
};
use tracing_subscriber::fmt::MakeWriter;
use waypost::http::Limits;

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no test panics while it logs").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no test panics while it logs").clone()).expect("UTF-8")
    }

    /// The lines of requests, as JSON.
    fn requests(&self) -> Vec<Value> {
        let lines = self.text().lines().map(|l| serde_json::from_str::<Value>(l).expect("JSON")).collect::<Vec<_>>();
        lines.into_iter().filter(|l| l["target"] == "waypost::request").map(|mut l| l["fields"].take()).collect()
    }
}

#[tokio::test]
async fn a_request_leaves_one_line_without_secrets() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().json().with_max_level(tracing::Level::TRACE).with_writer(lines.clone());
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    let url = server().await;
    let client = Client::new();

    let secret = client.get(format!("{url}/v1/secret?note=hush")).header("x-request-id", "phone-7").bearer_auth("hush");
    secret.send().await.expect("an answer");
    let body = r#"{"id": "hush", "name": "hush"}"#;
    let create = client.post(format!("{url}/v1/things")).header("content-type", "application/json").body(body);
    create.send().await.expect("an answer");
    client.get(format!("{url}/v1/panic")).header("x-request-id", "phone-8").send().await.expect("an answer");

    let requests = lines.requests();
    assert_eq!(requests.len(), 3, "{requests:#?}");
    let [secret, create, panic] = requests.as_slice() else { unreachable!("just counted") };
    assert_eq!(secret["request_id"], "phone-7");
    assert_eq!(secret["tenant"], TENANT.to_string());
    assert_eq!(secret["user"], USER.to_string());
    assert_eq!(secret["operation"], "getSecret");
    assert_eq!(secret["status"], 200);
    assert!(secret["duration_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{secret}");
    assert_eq!((&create["operation"], &create["status"]), (&"createThing".into(), &400.into()));
    assert_eq!(create.get("tenant"), None);
    assert_eq!((&panic["operation"], &panic["status"]), (&"getPanic".into(), &500.into()));

    let text = lines.text();
    assert!(!text.contains("hush"), "{text}");
    let cause = text.lines().find(|l| l.contains("the cause")).expect("the panic's own line");
    assert!(cause.contains("phone-8"), "{cause}");
}

#[tokio::test]
async fn a_request_that_is_dropped_leaves_a_line_too() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().json().with_writer(lines.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let app = app(Limits::default());
    let request = Request::builder().uri(Uri::from_static("/v1/slow")).finish();
    assert!(app.call(request).now_or_never().is_none());
    let line = lines.requests().remove(0);
    assert_eq!((&line["operation"], &line["message"]), (&"getSlow".into(), &"dropped".into()));
    assert_eq!(line.get("status"), None);
}

#[tokio::test]
async fn a_request_id_is_echoed_or_made() {
    let url = server().await;
    let long = "a".repeat(65);
    for (given, echoed) in [("phone-7_42", true), ("two words", false), (long.as_str(), false)] {
        let request = Client::new().get(format!("{url}/v1/things")).header("x-request-id", given);
        let response = request.send().await.expect("an answer");
        let id = response.headers()["x-request-id"].to_str().expect("text");
        assert_eq!(id == given, echoed, "{given}");
        assert!(echoed || id.parse::<uuid::Uuid>().is_ok_and(|u| u.get_version_num() == 7), "{id}");
    }
}
