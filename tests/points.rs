//! `/v1/points`: what timely and complete entry earns, and that the balance is always the sum of its entries.

use chrono::{DateTime, Duration, Utc};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::world::{Person, World, start};

fn hundredths(text: &str) -> i64 {
    text.replace('.', "").parse().expect("two digits after the point")
}

/// The balance and, proven on the way, the sum of the entries.
async fn balance(who: &Person) -> String {
    let (balance, entries) = (who.get("/v1/points/balance").await.expect(200), who.get("/v1/points/entries").await);
    let sum: i64 = entries.each("points").into_iter().map(hundredths).sum();
    assert_eq!(hundredths(&balance.text("/points")), sum, "the balance is the sum of its entries");
    assert_eq!(balance.body["entries"], entries.items().len());
    balance.text("/points")
}

async fn note(who: &Person, account: Uuid, occurred: DateTime<Utc>, summary: Option<&str>) -> String {
    let body = json!({ "accountId": account, "kind": "note", "occurred": occurred.to_rfc3339(), "summary": summary });
    who.post("/v1/activities", body).await.expect(201).header("location")
}

#[tokio::test]
async fn the_sooner_it_is_entered_the_more_it_earns() {
    let world = World::new().await;
    let lin = world.rep("Lin Wei").await;
    let account = lin.account("Acme").await;
    assert_eq!(balance(&lin).await, "0.00");
    let mut before = 0;
    for (minutes, points) in [
        (0, 1000),
        (120, 1000),
        (121, 600),
        (24 * 60, 600),
        (24 * 60 + 1, 200),
        (72 * 60, 200),
        (72 * 60 + 1, -500),
        (90 * 24 * 60, -500),
    ] {
        note(&lin, account, start() - Duration::minutes(minutes), Some("Talked")).await;
        let now = hundredths(&balance(&lin).await);
        assert_eq!(now - before, points, "{minutes} minutes late");
        before = now;
    }
    // Nothing in it: the share of the points is none, but a fine stays a fine.
    note(&lin, account, start(), None).await;
    note(&lin, account, start() - Duration::hours(73), None).await;
    assert_eq!(hundredths(&balance(&lin).await) - before, -500);
}

#[tokio::test]
async fn what_is_filled_counts_and_the_entry_explains_it() {
    let world = World::new().await;
    let lin = world.rep("Lin Wei").await;
    let account = lin.account("Acme").await;
    let body = json!({ "accountId": account, "kind": "call", "occurred": start().to_rfc3339(),
                       "summary": "Talked", "outcome": "Interested" });
    let call = lin.post("/v1/activities", body).await.expect(201);
    assert_eq!(balance(&lin).await, "6.50");

    let entries = lin.get(&format!("/v1/points/entries?sourceId={}", call.id())).await.expect(200);
    let explanation = &entries.items()[0]["explanation"];
    assert_eq!(explanation["withinHours"], 2);
    assert_eq!((&explanation["weightFilled"], &explanation["weightTotal"]), (&json!(65), &json!(100)));
    assert_eq!(explanation["missing"], json!(["nextStep", "nextStepOn", "contactId"]));
    assert!(explanation["arithmetic"].as_str().is_some_and(|text| text.contains("65/100")), "{explanation}");
}

#[tokio::test]
async fn corrections_and_deletions_compensate() {
    let world = World::new().await;
    let lin = world.rep("Lin Wei").await;
    let account = lin.account("Acme").await;
    let path = note(&lin, account, start(), None).await;
    assert_eq!(balance(&lin).await, "0.00");

    // Completed days later: timeliness is judged by the first entry.
    world.wait(Duration::days(5));
    lin.patch(&path, json!({ "summary": "Talked" })).await.expect(200);
    assert_eq!(balance(&lin).await, "10.00");
    lin.patch(&path, json!({ "outcome": "weighs nothing" })).await.expect(200);
    assert_eq!(lin.get("/v1/points/entries").await.items().len(), 2);

    // Corrected to have been earlier, it was late after all.
    let earlier = (start() - Duration::hours(100)).to_rfc3339();
    lin.patch(&path, json!({ "occurred": earlier })).await.expect(200);
    assert_eq!(balance(&lin).await, "-5.00");

    // Who deletes what he entered late is fined all the same; a colleague's doubled entry a manager takes away.
    lin.delete(&path).await.expect(204);
    assert_eq!(balance(&lin).await, "-5.00");
    let doubled = note(&lin, account, start() - Duration::hours(100), Some("Talked")).await;
    assert_eq!(balance(&lin).await, "-10.00");
    world.manager("Chen Hua").await.delete(&doubled).await.expect(204);
    assert_eq!(balance(&lin).await, "-5.00");
    let soon = note(&lin, account, world.state.clock.now().0, Some("Talked")).await;
    lin.delete(&soon).await.expect(204);
    assert_eq!(balance(&lin).await, "-5.00");
    world.audit().await;
    let kinds = lin.get("/v1/points/entries?sort=ordinal").await;
    assert_eq!(kinds.each("kind"), ["award", "correction", "correction", "fine", "reversal", "award", "reversal"]);
}

#[tokio::test]
async fn a_repeated_entry_earns_once() {
    let world = World::new().await;
    let lin = world.rep("Lin Wei").await;
    let account = lin.account("Acme").await;
    let body = json!({ "accountId": account, "kind": "note", "occurred": start().to_rfc3339(), "summary": "Talked" });
    for _ in 0..3 {
        let key = [("Idempotency-Key", "visit-7")];
        lin.send(Method::POST, "/v1/activities", Some(body.clone()), &key).await.expect(201);
    }
    assert_eq!(balance(&lin).await, "10.00");
}

#[tokio::test]
async fn points_are_read_by_their_owner_and_who_leads_him() {
    let world = World::new().await;
    let (lin, zhao, chen) = (world.rep("Lin Wei").await, world.rep("Zhao Min").await, world.manager("Chen Hua").await);
    let account = lin.account("Acme").await;
    note(&lin, account, start(), Some("Talked")).await;
    let (of_lin, of_zhao) = (format!("?userId={}", lin.id), format!("?userId={}", zhao.id));
    for path in ["/v1/points/balance", "/v1/points/entries"] {
        zhao.get(&format!("{path}{of_lin}")).await.expect(404);
        chen.get(&format!("{path}{of_lin}")).await.expect(200);
        world.admin().await.get(&format!("{path}{of_lin}")).await.expect(200);
        World::new().await.admin().await.get(&format!("{path}{of_lin}")).await.expect(404);
    }
    assert_eq!(chen.get(&format!("/v1/points/balance{of_lin}")).await.text("/points"), "10.00");
    assert_eq!(chen.get(&format!("/v1/points/balance{of_zhao}")).await.text("/points"), "0.00");
    let rules = zhao.get("/v1/rule-sets?status=active").await.expect(200);
    assert_eq!(rules.items()[0]["rules"]["penalties"][0]["points"], "-5.00");
}
