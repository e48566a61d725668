//! Every error of every layer is problem+json, says what to do, and repeats nothing of the input or of the cause.

use super::{SMALL_BODY, impatient_server, server};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

async fn problem(response: Response) -> Value {
    let status = response.status();
    assert_eq!(response.headers()["content-type"], "application/problem+json", "{status}");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    let id = response.headers()["x-request-id"].to_str().expect("text").to_owned();
    let problem: Value = response.json().await.expect("JSON");
    assert_eq!(problem["status"], status.as_u16());
    assert_eq!(problem["requestId"], id.as_str());
    assert!(problem["title"].is_string(), "{problem}");
    problem
}

#[tokio::test]
async fn every_layer_answers_with_a_problem() {
    let url = server().await;
    let call = |method: Method, path: &str| Client::new().request(method, format!("{url}{path}"));
    let get = |path: &str| call(Method::GET, path);
    let post =
        |body: &'static str| call(Method::POST, "/v1/things").header("content-type", "application/json").body(body);
    let id = "0198c0de-0000-7000-8000-000000000001";
    let cases: Vec<(&str, RequestBuilder, u16, &str, Value)> = vec![
        ("unknown path", get("/nowhere"), 404, "/problems/not_found", json!([])),
        ("unknown method", call(Method::DELETE, "/v1/things"), 405, "/problems/method_not_allowed", json!([])),
        ("path parameter", get("/v1/things/hush"), 400, "/problems/malformed", json!(["id"])),
        ("query parameter", get("/v1/things?limit=hush"), 400, "/problems/malformed", json!(["limit"])),
        ("query out of range", get("/v1/things?limit=501"), 400, "/problems/malformed", json!(["limit"])),
        ("query enum", get("/v1/things?kind=hush"), 400, "/problems/malformed", json!(["kind"])),
        ("header", get("/v1/things").header("x-count", "hush"), 400, "/problems/malformed", json!(["X-Count"])),
        ("not JSON", post("{hush"), 400, "/problems/malformed", json!([])),
        ("no body", post(""), 400, "/problems/malformed", json!([])),
        ("not an object", post(r#""hush""#), 400, "/problems/malformed", json!([""])),
        ("nothing required", post("{}"), 400, "/problems/malformed", json!(["/id", "/name"])),
        (
            "wrong type",
            post(r#"{"id": "hush", "name": ["hush"]}"#),
            400,
            "/problems/malformed",
            json!(["/id", "/name"]),
        ),
        (
            "wrong enum",
            post(r#"{"id": "0198c0de-0000-7000-8000-000000000001", "name": "a", "kind": "hush"}"#),
            400,
            "/problems/malformed",
            json!(["/kind"]),
        ),
        (
            "validator",
            post(r#"{"id": "0198c0de-0000-7000-8000-000000000001", "name": "HUSH hush"}"#),
            400,
            "/problems/malformed",
            json!(["/name"]),
        ),
        (
            "media type",
            call(Method::POST, "/v1/things").header("content-type", "text/hush").body("{}"),
            415,
            "/problems/unsupported_media_type",
            json!([]),
        ),
        (
            "no media type",
            call(Method::POST, "/v1/things").body("{}"),
            415,
            "/problems/unsupported_media_type",
            json!([]),
        ),
        (
            "compressed",
            post("\u{1f}\u{8b}").header("content-encoding", "gzip"),
            415,
            "/problems/unsupported_media_type",
            json!([]),
        ),
        (
            "unknown parameter",
            get("/v1/things?limt=5&limit=5").bearer_auth("t"),
            400,
            "/problems/malformed",
            json!(["limt"]),
        ),
        ("no token", get("/v1/secret"), 401, "/problems/unauthorized", json!([])),
        ("refusal", get("/v1/refused"), 409, "/problems/locked", json!([])),
        ("rate limit", get("/v1/busy"), 429, "/problems/too_many_requests", json!([])),
        ("internal", get("/v1/broken"), 500, "/problems/internal", json!([])),
        ("internal below", get("/v1/broken_below"), 500, "/problems/internal", json!([])),
        ("panic", get("/v1/panic"), 500, "/problems/internal", json!([])),
        ("bare status", get("/teapot"), 418, "about:blank", json!([])),
    ];
    for (name, request, status, kind, pointers) in cases {
        let response = request.send().await.expect(name);
        assert_eq!(response.status(), status, "{name}");
        let problem = problem(response).await;
        assert_eq!(problem["type"], kind, "{name}: {problem}");
        let found: Vec<&Value> = problem["errors"].as_array().into_iter().flatten().map(|e| &e["pointer"]).collect();
        assert_eq!(json!(found), pointers, "{name}: {problem}");
        let text = problem.to_string();
        assert!(!text.contains("hush") && !text.contains("the cause"), "{name}: {text}");
    }
    let good = post(r#"{"id": "0198c0de-0000-7000-8000-000000000001", "name": "a", "kind": null}"#).send().await;
    assert_eq!(good.expect("an answer").json::<Value>().await.expect("JSON"), id);
}

#[tokio::test]
async fn a_field_error_names_the_remedy() {
    let url = server().await;
    for (query, remedy) in [
        ("kind=other", "Must be one of: visit, call."),
        ("limit=x", "Must be a whole number, at most 500."),
        ("limit=501", "Must be a whole number, at most 500."),
    ] {
        let response = reqwest::get(format!("{url}/v1/things?{query}")).await.expect("an answer");
        assert_eq!(problem(response).await["errors"][0]["detail"], remedy, "{query}");
    }
}

#[tokio::test]
async fn statuses_carry_their_headers() {
    let url = server().await;
    for (method, path, header, value) in [
        (Method::DELETE, "/v1/things", "allow", "GET, HEAD, POST"),
        (Method::PUT, "/v1/things/7", "allow", "GET, HEAD"),
        (Method::POST, "/openapi.json", "allow", "GET, HEAD"),
        (Method::GET, "/v1/secret", "www-authenticate", "Bearer"),
        (Method::GET, "/v1/busy", "retry-after", "7"),
    ] {
        let response = Client::new().request(method, format!("{url}{path}")).send().await.expect("an answer");
        assert_eq!(response.headers()[header], value, "{path}");
    }
}

#[tokio::test]
async fn a_declared_body_over_the_limit_is_refused() {
    let url = server().await;
    let send = |path: &str, bytes: usize| {
        let request = Client::new().post(format!("{url}{path}")).header("content-type", "application/json");
        request.body(vec![b' '; bytes]).send()
    };
    let response = send("/v1/things", SMALL_BODY + 1).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let told = problem(response).await;
    assert_eq!(told["type"], "/problems/too_large");
    assert!(told["detail"].as_str().is_some_and(|d| d.contains(&SMALL_BODY.to_string())), "{told}");
    // At the limit it is read, and refused for what it says; a push may be larger.
    assert_eq!(send("/v1/things", SMALL_BODY).await.expect("an answer").status(), StatusCode::BAD_REQUEST);
    assert_eq!(send("/v1/sync/mutations", SMALL_BODY + 1).await.expect("an answer").status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_chunked_body_over_the_limit_is_refused() {
    let url = server().await;
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).await.expect("connects");
    let head = "POST /v1/things HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n\
                Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("sent");
    let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
    // Ten times what is allowed: the answer arrives nevertheless, because the rest is read and thrown away.
    for _ in 0..SMALL_BODY * 10 / 0x1000 {
        stream.write_all(chunk.as_bytes()).await.expect("sent");
    }
    stream.write_all(b"0\r\n\r\n").await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("received");
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("application/problem+json") && answer.contains("/problems/too_large"), "{answer}");
}

#[tokio::test]
async fn the_connection_survives_a_panic() {
    let url = server().await;
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).await.expect("connects");
    for (path, status) in [("/v1/panic", "500"), ("/v1/things", "200")] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut buffer = vec![0; 4096];
        let read = stream.read(&mut buffer).await.expect("received");
        let answer = String::from_utf8_lossy(&buffer[..read]);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up() {
    let url = impatient_server().await;
    let response = reqwest::get(format!("{url}/v1/slow")).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(problem(response).await["type"], "/problems/timeout");
}

#[tokio::test]
async fn a_stream_may_go_on_for_longer() {
    let url = impatient_server().await;
    let response = reqwest::get(format!("{url}/stream")).await.expect("an answer");
    assert_eq!(response.text().await.expect("all lines"), "1\n2\n");
}
