//! The operation as a client sees it, through the whole application.

use entity::kind::StageKey::{Intent, Lost};
use poem::{Endpoint, Request};
use serde_json::{Value as Json, json};
use waypost::app::{app, spec};
use waypost::auth::session;

use super::{World, opportunity};

const NOW: &str = "2026-03-31T18:00:00Z";

async fn send(app: &impl Endpoint<Output = poem::Response>, request: Request) -> (u16, Json) {
    let mut response = app.get_response(request).await;
    let body = response.take_body().into_vec().await.expect("a body");
    (response.status().as_u16(), serde_json::from_slice(&body).expect("JSON"))
}

/// An access token of Bo's. It is not asked for by log-in: other stories guess passwords from this address meanwhile.
pub async fn log_in(world: &World) -> String {
    let (state, who) = (&world.state, (world.tenant, world.bo.id));
    let opened = session::open(&state.db, &state.identity, who, None, state.clock.now()).await;
    opened.expect("a session").access_token.expose().to_owned()
}

pub async fn get(world: &World, token: &str, path: &str) -> (u16, Json) {
    let request = Request::builder().uri_str(path).header("Authorization", format!("Bearer {token}"));
    send(&app(world.state.clone()), request.finish()).await
}

async fn ask(world: &World, token: &str, query: &str) -> (u16, Json) {
    get(world, token, &format!("/v1/reports/funnel{query}")).await
}

#[tokio::test]
async fn the_answer_reads_as_documented() {
    let world = World::new("Asia/Shanghai", NOW).await;
    let moves = [("2026-02-01T00:00:00Z", Intent), ("2026-02-03T00:00:00Z", Lost)];
    world.store(&[opportunity(&world.rui, &moves)]).await;
    let token = log_in(&world).await;

    let (status, body) = ask(&world, &token, "").await;
    assert_eq!(status, 200, "{body}");
    let cohort = &body["cohort"];
    // In Shanghai it is the first of April already.
    assert_eq!((&body["view"], &body["timeZone"]), (&json!("cohort"), &json!("Asia/Shanghai")));
    assert_eq!((&cohort["from"], &cohort["to"]), (&json!("2025-04-02"), &json!("2026-04-01")));
    let intent = json!({
        "stage": "intent", "entered": 1, "advanced": 0, "lost": 1, "open": 0, "conversion": 0.0,
        "amounts": [{ "currency": "CNY", "amount": "100.00" }],
    });
    assert_eq!(cohort["stages"][0], intent);
    assert_eq!(cohort["stages"][3], json!({ "stage": "signed", "entered": 0, "amounts": [] }));
    assert_eq!((body.get("snapshot"), &cohort["groups"]), (None, &json!([])));

    let (status, body) = ask(&world, &token, "?view=snapshot&asOf=2026-02-03&splitBy=account_kind").await;
    assert_eq!(status, 200, "{body}");
    let amounts = json!([{ "currency": "CNY", "amount": "100.00" }]);
    let lost = &body["snapshot"]["groups"][0]["stages"][4];
    assert_eq!(lost["lostFrom"][0], json!({ "stage": "intent", "count": 1, "amounts": amounts }));
    assert_eq!((&lost["count"], &lost["amounts"]), (&json!(1), &amounts));
    assert_eq!(body["snapshot"]["groups"][0].get("accountKind"), None, "it has no account");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let world = World::new("UTC", NOW).await;
    let token = log_in(&world).await;
    for (query, field) in [
        ("?from=2026-03-02&to=2026-03-01", "from"),
        // `to` is today.
        ("?from=2026-04-01", "from"),
        ("?asOf=2026-04-03", "asOf"),
        ("?view=snapshot&asOf=9999-12-31", "asOf"),
        ("?view=snapshot&from=2026-03-01", "from"),
        ("?view=snapshot&to=2026-03-01", "to"),
    ] {
        let (status, body) = ask(&world, &token, query).await;
        assert_eq!((status, &body["errors"][0]["pointer"]), (422, &json!(field)), "{query}: {body}");
    }
    for query in ["?view=funnel", "?from=yesterday", "?splitBy=name", "?source=a%00b", "?teamId="] {
        assert_eq!(ask(&world, &token, query).await.0, 400, "{query}");
    }
    assert_eq!(ask(&world, "stranger", "").await.0, 401);
    assert_eq!(ask(&world, &token, "?from=1900-01-01&to=9999-12-31").await.0, 200);
    assert_eq!(ask(&world, &token, "?to=1900-01-01").await.0, 200);
}

#[test]
fn the_document_tells_of_it() {
    let document = spec();
    let operation = &document["paths"]["/v1/reports/funnel"]["get"];
    assert_eq!(operation["operationId"], "getFunnel");
    let statuses: Vec<_> = operation["responses"].as_object().expect("responses").keys().collect();
    assert_eq!(statuses, ["200", "400", "401", "403", "422", "429", "500", "503"]);
    assert!(document["components"]["schemas"]["Funnel"].get("example").is_some());
}
