//! `/v1/plans`: a visit still to be done is fulfilled, moved, cancelled or missed.

use chrono::Duration;
use serde_json::{Value, json};
use uuid::Uuid;
use waypost::plan::missed::mark;

use crate::world::{Person, World, start};

async fn plan(who: &Person, account: Uuid, day: &str) -> String {
    let body = json!({ "accountId": account, "plannedOn": day, "purpose": "Show samples" });
    who.post("/v1/plans", body).await.expect(201).header("location")
}

fn visit(account: Uuid, plan: &str) -> Value {
    let plan = plan.rsplit('/').next();
    json!({ "accountId": account, "kind": "visit", "occurred": start().to_rfc3339(), "planId": plan })
}

#[tokio::test]
async fn a_visit_fulfils_its_plan_once() {
    let world = World::new().await;
    let lin = world.rep("Lin Wei").await;
    let account = lin.account("Acme").await;
    let path = plan(&lin, account, "2026-03-02").await;

    let done = lin.post("/v1/activities", visit(account, &path)).await.expect(201);
    let fulfilled = lin.get(&path).await.expect(200);
    assert_eq!(fulfilled.text("/status"), "fulfilled");
    assert_eq!(fulfilled.text("/activityId"), done.id().to_string());
    lin.post("/v1/activities", visit(account, &path)).await.expect(409);
    lin.patch(&path, json!({ "plannedOn": "2026-03-03" })).await.expect(409);
    lin.post(&format!("{path}/cancel"), json!({ "reason": "Too late" })).await.expect(409);
    lin.delete(&path).await.expect(409);

    // Without the visit the plan is open again.
    lin.delete(&done.header("location")).await.expect(204);
    assert_eq!(lin.get(&path).await.text("/status"), "planned");
}

#[tokio::test]
async fn a_plan_is_moved_or_cancelled_with_a_reason() {
    let world = World::new().await;
    let (lin, zhao) = (world.rep("Lin Wei").await, world.rep("Zhao Min").await);
    let account = lin.account("Acme").await;
    lin.put(&format!("/v1/accounts/{account}/members/{}", zhao.id), json!({ "role": "member" })).await.expect(200);
    let path = plan(&lin, account, "2026-03-02").await;
    let cancel = format!("{path}/cancel");

    assert_eq!(
        lin.patch(&path, json!({ "plannedOn": "2026-03-09" })).await.expect(200).text("/plannedOn"),
        "2026-03-09"
    );
    zhao.patch(&path, json!({ "plannedOn": "2026-03-10" })).await.expect(403);
    assert_eq!(zhao.post("/v1/activities", visit(account, &path)).await.expect(422).problem().1, ["/planId"]);
    assert_eq!(lin.post(&cancel, json!({})).await.expect(400).problem().1, ["/reason"]);
    let cancelled = lin.post(&cancel, json!({ "reason": "Customer is ill" })).await.expect(200);
    assert_eq!(cancelled.text("/cancelReason"), "Customer is ill");
    lin.post("/v1/activities", visit(account, &path)).await.expect(409);

    for (query, found) in [
        ("status=cancelled", 1),
        ("status=planned", 0),
        ("plannedFrom=2026-03-09&plannedTo=2026-03-09", 1),
        ("plannedTo=2026-03-08", 0),
    ] {
        assert_eq!(lin.get(&format!("/v1/plans?{query}")).await.expect(200).items().len(), found, "{query}");
    }
}

#[tokio::test]
async fn past_its_day_a_plan_is_missed_and_a_late_visit_still_fulfils_it() {
    let world = World::new().await;
    let lin = world.rep("Lin Wei").await;
    let account = lin.account("Acme").await;
    let (today, tomorrow) = (plan(&lin, account, "2026-03-02").await, plan(&lin, account, "2026-03-03").await);

    // The day ends with the tenant's midnight, which in Shanghai is 16:00 UTC.
    world.wait(Duration::hours(6) + Duration::minutes(59));
    mark(&world.state).await.expect("marks");
    assert_eq!(lin.get(&today).await.text("/status"), "planned");
    world.wait(Duration::minutes(1));
    mark(&world.state).await.expect("marks");
    assert_eq!(lin.get(&today).await.text("/status"), "missed");
    assert_eq!(lin.get(&tomorrow).await.text("/status"), "planned");
    let revision = lin.get(&today).await.header("etag");
    mark(&world.state).await.expect("marks again");
    assert_eq!(lin.get(&today).await.header("etag"), revision);

    lin.post("/v1/activities", visit(account, &today)).await.expect(201);
    assert_eq!(lin.get(&today).await.text("/status"), "fulfilled");
    world.wait(Duration::days(1));
    mark(&world.state).await.expect("marks");
    assert_eq!(lin.patch(&tomorrow, json!({ "plannedOn": "2026-03-09" })).await.expect(200).text("/status"), "planned");
}
