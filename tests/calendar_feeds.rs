//! `/v1/calendar-feeds`: plans in a calendar program, at an address that is a secret.

use serde_json::{Value, json};
use waypost::state::State;

use crate::tools::Python;
use crate::world::World;

/// A world whose addresses lead to itself.
async fn world() -> World {
    let world = World::new().await;
    let keys = waypost::auth::token::Keys::generate().expect("a key");
    let identity = waypost::auth::Identity::new(keys, "https://crm.example", "waypost", Vec::new());
    world.served_by(State::new(world.state.db.clone(), world.state.clock.clone(), identity)).await
}

#[tokio::test]
async fn a_calendar_program_reads_the_plans() {
    let world = world().await;
    let (lin, other) = (world.rep("Lin Wei").await, world.rep("Zhao Yun").await);
    let account = lin
        .post("/v1/accounts", json!({ "kind": "business", "name": "霍普, 光通信; Ltd", "phone": "+86 21 5555", "address": { "street": "88 Century Avenue", "city": "Shanghai" } }))
        .await
        .expect(201)
        .id();
    let purpose = format!("Line one\nline; two, {} \\ 结束", "很长的说明".repeat(30));
    let plan = |day: &str, purpose: &str| json!({ "accountId": account, "plannedOn": day, "purpose": purpose });
    let first = lin.post("/v1/plans", plan("2026-03-09", &purpose)).await.expect(201).id();
    let second = lin.post("/v1/plans", plan("2026-03-10", "Samples")).await.expect(201).id();
    lin.post(&format!("/v1/plans/{second}/cancel"), json!({ "reason": "Ill" })).await.expect(200);
    let theirs = other.account("Theirs").await;
    other
        .post("/v1/plans", json!({ "accountId": theirs, "plannedOn": "2026-03-11", "purpose": "Secret" }))
        .await
        .expect(201);

    let made = lin.post("/v1/calendar-feeds", json!({ "name": "Phone" })).await.expect(201);
    let url = made.text("/url");
    assert!(url.starts_with("https://crm.example/v1/calendars/wpc_"), "{url}");
    let local = url.replace("https://crm.example", &world.url);
    let read = async |url: String| reqwest::get(url).await.expect("an answer");
    let text = read(format!("{local}.ics")).await.text().await.expect("text");
    assert!(text.starts_with("BEGIN:VCALENDAR\r\n") && text.ends_with("END:VCALENDAR\r\n"), "{text}");
    assert!(!text.contains("Secret"));
    assert_eq!(text.matches("BEGIN:VEVENT").count(), 2);

    // Kept as a hash, shown once, used at times.
    let list = lin.get("/v1/calendar-feeds").await.expect(200);
    assert_eq!((list.each("name"), list.ids()), (vec!["Phone"], vec![made.text("/feed/id").parse().unwrap()]));
    assert!(!list.body.to_string().contains("wpc_") && !list.items()[0]["lastUsedAt"].is_null());

    if let Some(python) = Python::install().await {
        let told = python.run("openapi/python", "python", &["read_calendar.py", &local], &[]).await;
        let calendar: Value = serde_json::from_str(&told).expect("JSON");
        assert_eq!(calendar["name"], "Visits of Lin Wei");
        let event = |id: uuid::Uuid| {
            let uid = format!("plan-{id}@waypost");
            let events = calendar["events"].as_array().expect("events").iter();
            events.clone().find(|event| event["uid"] == json!(uid)).unwrap_or_else(|| panic!("{calendar:#}")).clone()
        };
        let planned = event(first);
        assert_eq!(planned["summary"], json!(format!("霍普, 光通信; Ltd: {purpose}")));
        assert_eq!((&planned["begin"], &planned["end"]), (&json!("2026-03-09"), &json!("2026-03-10")));
        assert_eq!(
            (&planned["status"], &planned["sequence"], &planned["zone"]),
            (&json!("CONFIRMED"), &json!(0), &json!("UTC"))
        );
        assert_eq!(planned["location"], "88 Century Avenue, Shanghai");
        let cancelled = event(second);
        assert_eq!((&cancelled["status"], &cancelled["sequence"]), (&json!("CANCELLED"), &json!(1)));
        assert!(cancelled["description"].as_str().expect("text").contains("Ill"));
        for event in calendar["events"].as_array().expect("events") {
            assert_eq!(event["errors"], json!([]));
        }
    }

    // Nobody else's, and gone when it is revoked.
    let path = format!("/v1/calendar-feeds/{}", made.text("/feed/id"));
    other.delete(&path).await.expect(404);
    assert_eq!(read(local.clone()).await.status(), 200);
    lin.delete(&path).await.expect(204);
    assert_eq!(read(local).await.status(), 404);
    assert!(lin.get("/v1/calendar-feeds").await.expect(200).items().is_empty());
    assert_eq!(read(format!("{}/v1/calendars/nonsense", world.url)).await.status(), 404);
}

#[tokio::test]
async fn who_may_not_log_in_has_no_calendar() {
    let world = world().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    admin.post("/v1/calendar-feeds", json!({ "name": "Mine" })).await.expect(403);
    let made = lin.post("/v1/calendar-feeds", json!({ "name": "Phone" })).await.expect(201);
    let local = made.text("/url").replace("https://crm.example", &world.url);
    for number in 1..10 {
        lin.post("/v1/calendar-feeds", json!({ "name": format!("Phone {number}") })).await.expect(201);
    }
    assert_eq!(lin.post("/v1/calendar-feeds", json!({ "name": "One more" })).await.expect(409).problem().0, "conflict");
    assert_eq!(reqwest::get(&local).await.expect("an answer").status(), 200);
    admin.patch(&format!("/v1/users/{}", lin.id), json!({ "disabled": true })).await.expect(200);
    assert_eq!(reqwest::get(&local).await.expect("an answer").status(), 404);
}
