//! The published document and what is served beside it.

use super::server;
use reqwest::{Client, StatusCode};
use serde_json::Value;

#[tokio::test]
async fn the_document_is_served_and_revalidated() {
    let url = format!("{}/openapi.json", server().await);
    let response = reqwest::get(&url).await.expect("an answer");
    assert_eq!(response.headers()["content-type"], "application/json");
    let etag = response.headers()["etag"].clone();
    let document: Value = response.json().await.expect("JSON");
    assert_eq!(document["openapi"], "3.0.3");
    let again = Client::new().get(&url).header("if-none-match", etag).send().await.expect("an answer");
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn the_document_tells_the_errors_of_every_operation() {
    let document: Value =
        reqwest::get(format!("{}/openapi.json", server().await)).await.expect("an answer").json().await.expect("JSON");
    for (path, method, statuses) in [
        ("/v1/things", "get", vec!["200", "400", "500", "503"]),
        ("/v1/things", "post", vec!["200", "400", "413", "415", "500", "503"]),
        ("/v1/things/{id}", "get", vec!["200", "400", "500", "503"]),
        ("/v1/secret", "get", vec!["200", "400", "401", "429", "500", "503"]),
        ("/v1/refused", "get", vec!["200", "409", "500", "503"]),
    ] {
        let responses = document["paths"][path][method]["responses"].as_object().expect("documented");
        assert_eq!(responses.keys().collect::<Vec<_>>(), statuses, "{method} {path}");
    }
    assert_eq!(
        document["paths"]["/v1/busy"]["get"]["responses"]["429"]["headers"]["Retry-After"]["schema"]["type"],
        "integer"
    );
}

#[tokio::test]
async fn the_page_for_people_needs_nothing_from_elsewhere() {
    let response = reqwest::get(format!("{}/docs", server().await)).await.expect("an answer");
    assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
    let page = response.text().await.expect("a body");
    assert!(page.contains("createThing"));
    assert!(!page.contains("src=\"http") && !page.contains("href=\"http"));
}

#[tokio::test]
async fn a_problems_type_can_be_looked_up() {
    let url = server().await;
    let told: Value =
        reqwest::get(format!("{url}/problems/locked")).await.expect("an answer").json().await.expect("JSON");
    assert_eq!((&told["status"], &told["type"]), (&409.into(), &"/problems/locked".into()));
    assert_eq!(reqwest::get(format!("{url}/problems/none")).await.expect("an answer").status(), StatusCode::NOT_FOUND);
}
