//! `/v1/activities`: work done, what proves it and what it refers to. What it earns is in `points`.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use crate::world::{World, start};

fn at(moment: DateTime<Utc>) -> Value {
    json!(moment.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
}

#[tokio::test]
async fn the_position_of_a_visit_proves_it_or_not() {
    let world = World::new().await;
    let lin = world.rep("Lin Wei").await;
    let body =
        json!({ "kind": "business", "name": "Acme", "position": { "latitude": 31.2304, "longitude": 121.4737 } });
    let account = lin.post("/v1/accounts", body).await.expect(201).id();
    let check = |latitude: f64, accuracy: f64| json!({ "at": at(start()), "latitude": latitude, "longitude": 121.4737, "accuracy": accuracy });
    let stale = json!({ "at": at(start()), "latitude": 31.2304, "longitude": 121.4737,
                        "fixedAt": at(start() - Duration::hours(1)) });
    for (check_in, verdict, distance) in [
        (check(31.2305, 20.0), "verified", Some(11)),
        (check(31.2330, 150.0), "verified", Some(289)),
        (check(31.2330, 20.0), "outside", Some(289)),
        (check(31.2330, 5000.0), "unknown", Some(289)),
        (stale, "unknown", Some(0)),
        (json!({ "at": at(start()) }), "unknown", None),
    ] {
        let body = json!({ "accountId": account, "kind": "visit", "occurred": at(start()), "checkIn": check_in });
        let visit = lin.post("/v1/activities", body).await.expect(201);
        assert_eq!(visit.text("/verdict"), verdict, "{check_in}");
        assert_eq!(visit.body["distance"].as_i64(), distance, "{check_in}");
    }
    assert_eq!(lin.get("/v1/activities?verdict=outside").await.items().len(), 1);

    // A correction is judged anew.
    let outside = lin.get("/v1/activities?verdict=outside").await.ids()[0];
    let corrected = lin.patch(&format!("/v1/activities/{outside}"), json!({ "clear": ["checkIn"] })).await.expect(200);
    assert_eq!((corrected.text("/verdict").as_str(), corrected.body.get("distance")), ("unknown", None));
}

#[tokio::test]
async fn a_filter_that_no_text_matches_is_refused_by_name() {
    let world = World::new().await;
    let admin = world.admin().await;
    for (path, parameter) in [
        ("leads?region", "region"),
        ("leads?source", "source"),
        ("leads?industry", "industry"),
        ("accounts?industry", "industry"),
        ("accounts?externalId", "externalId"),
        ("contacts?externalId", "externalId"),
        ("contacts?phone", "phone"),
        ("opportunities?externalId", "externalId"),
        ("users?externalId", "externalId"),
        ("teams?externalId", "externalId"),
        ("products?series", "series"),
        ("activities?externalId", "externalId"),
    ] {
        let refused = admin.get(&format!("/v1/{path}=a%00b")).await.expect(400);
        assert_eq!(refused.problem(), ("malformed".into(), vec![parameter.into()]), "{path}");
        admin.get(&format!("/v1/{path}=a%20b")).await.expect(200);
    }
}

#[tokio::test]
async fn a_year_that_was_mistyped_is_refused_and_not_fined() {
    let world = World::new().await;
    let lin = world.rep("Lin Wei").await;
    let account = lin.account("Acme").await;
    let note = |occurred: &str| json!({ "accountId": account, "kind": "note", "occurred": occurred });
    let refused = lin.post("/v1/activities", note("1900-01-01T00:00:00Z")).await.expect(422);
    assert_eq!(refused.problem().1, ["/occurred"]);
    let path = lin.post("/v1/activities", note("2026-03-02T08:00:00Z")).await.expect(201).header("location");
    lin.patch(&path, json!({ "occurred": "1926-03-02T08:00:00Z" })).await.expect(422);
    assert_eq!(lin.get("/v1/points/balance").await.expect(200).text("/points"), "0.00");
}

#[tokio::test]
async fn refusals_name_the_field() {
    let world = World::new().await;
    let lin = world.rep("Lin Wei").await;
    let (account, other) = (lin.account("Acme").await, lin.account("Other").await);
    let contact = lin.post("/v1/contacts", json!({ "accountId": other, "name": "Li Na" })).await.expect(201).id();
    let sale = lin.post("/v1/opportunities", json!({ "accountId": other, "name": "Sale" })).await.expect(201).id();
    let call = |more: Value| {
        let mut body = json!({ "accountId": account, "kind": "call", "occurred": at(start()) });
        body.as_object_mut().expect("an object").extend(more.as_object().cloned().expect("an object"));
        body
    };
    for (body, status, field) in [
        (json!({ "kind": "call", "occurred": at(start()) }), 422, "/accountId"),
        (call(json!({ "occurred": at(start() + Duration::minutes(6)) })), 422, "/occurred"),
        (call(json!({ "occurred": "yesterday" })), 400, "/occurred"),
        (call(json!({ "contactId": contact })), 422, "/contactId"),
        (call(json!({ "opportunityId": sale })), 422, "/opportunityId"),
        (call(json!({ "checkIn": { "at": at(start()) } })), 422, "/checkIn"),
        (call(json!({ "durationMinutes": -1 })), 400, "/durationMinutes"),
        (call(json!({ "planId": account })), 422, "/planId"),
    ] {
        let refused = lin.post("/v1/activities", body.clone()).await.expect(status);
        assert_eq!(refused.problem().1, [field], "{body}");
    }
    let visit = json!({ "accountId": account, "kind": "visit", "occurred": at(start()),
                        "checkIn": { "at": at(start()) }, "checkOut": { "at": at(start() - Duration::minutes(1)) } });
    assert_eq!(lin.post("/v1/activities", visit).await.expect(422).problem().1, ["/checkOut"]);
}

#[tokio::test]
async fn a_colleague_reads_what_was_done_and_leaves_it() {
    let world = World::new().await;
    let (lin, zhao, chen) = (world.rep("Lin Wei").await, world.rep("Zhao Min").await, world.manager("Chen Hua").await);
    let account = lin.account("Acme").await;
    let body = json!({ "accountId": account, "kind": "call", "occurred": at(start()), "summary": "谈了价格" });
    let path = lin.post("/v1/activities", body).await.expect(201).header("location");
    zhao.get(&path).await.expect(404);
    lin.put(&format!("/v1/accounts/{account}/members/{}", zhao.id), json!({ "role": "member" })).await.expect(200);
    zhao.get(&path).await.expect(200);
    zhao.patch(&path, json!({ "summary": "x" })).await.expect(403);
    zhao.delete(&path).await.expect(403);
    chen.patch(&path, json!({ "outcome": "Open" })).await.expect(200);

    let day = |from: i64, to: i64| {
        let query =
            format!("occurredFrom={}&occurredTo={}", start() + Duration::hours(from), start() + Duration::hours(to));
        format!("/v1/activities?{}", query.replace(" UTC", "Z").replace(' ', "T"))
    };
    assert_eq!(zhao.get(&day(-1, 1)).await.expect(200).items().len(), 1);
    assert_eq!(zhao.get(&day(-2, 0)).await.expect(200).items().len(), 0, "the end is not part of it");
    assert_eq!(zhao.get("/v1/activities?search=价格").await.items().len(), 1);
}
