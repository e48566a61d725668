//! Rights to pick: a month's quota that expires with it, and rights for points.

use chrono::{DateTime, Utc};
use entity::kind::GrantPolicy;
use entity::scalar::Points;
use reqwest::Method;
use rust_decimal::Decimal;
use serde_json::json;

use super::{lead, renew, rights, rules};
use crate::world::{Person, World, start};

async fn earn(who: &Person, count: usize) {
    let account = who.account("Acme").await;
    for _ in 0..count {
        let body =
            json!({ "accountId": account, "kind": "note", "occurred": start().to_rfc3339(), "summary": "Talked" });
        who.post("/v1/activities", body).await.expect(201);
    }
}

#[tokio::test]
async fn the_quota_comes_once_a_month_and_what_is_unused_expires() {
    let world = World::new().await;
    let (lin, chen) = (world.rep("Lin Wei").await, world.manager("Chen Hua").await);
    rules(&world, |rules| rules.monthly_quota = Some(3)).await;
    assert_eq!(renew(&world).await, 1, "managers have none");
    assert_eq!(renew(&world).await, 0, "once a month");
    assert_eq!((rights(&lin).await, rights(&chen).await), (3, 0));
    let id = lead(&chen, "Acme", json!({})).await;
    lin.post(&format!("/v1/leads/{id}/claim"), json!({})).await.expect(200);
    let given = lead(&chen, "Given", json!({ "ownerId": lin.id })).await;
    assert_eq!(rights(&lin).await, 2);
    lin.get(&format!("/v1/leads/{given}")).await.expect(200);

    // The month ends at midnight in Shanghai, and the job was down for some days.
    let set = |text: &str| world.state.clock.set(text.parse::<DateTime<Utc>>().expect("a time"));
    set("2026-03-31T15:59:00Z");
    assert_eq!(renew(&world).await, 0);
    set("2026-04-04T03:00:00Z");
    let (one, two) = tokio::join!(renew(&world), renew(&world));
    assert_eq!(one + two, 2, "two servers at once: an expiry and a grant");
    assert_eq!(rights(&lin).await, 3);
    let entries = lin.get("/v1/points/entries?sort=createdAt").await.expect(200);
    let month: Vec<(&str, i64, &str)> = entries
        .items()
        .iter()
        .filter(|entry| entry["sourceKind"] == "month")
        .map(|entry| {
            (entry["kind"].as_str().unwrap(), entry["leads"].as_i64().unwrap(), entry["day"].as_str().unwrap())
        })
        .collect();
    assert_eq!(month, [("grant", 3, "2026-03-01"), ("expiry", -2, "2026-04-04"), ("grant", 3, "2026-04-01")]);
    let expiry = entries.items().iter().find(|entry| entry["kind"] == "expiry").unwrap();
    assert!(expiry["explanation"]["en"].as_str().unwrap().contains("used 1; 2 rights expired"), "{expiry:#}");

    // Somebody who left gets none.
    let admin = world.admin().await;
    admin.patch(&format!("/v1/users/{}", lin.id), json!({ "isDisabled": true })).await;
    set("2026-05-01T00:00:00Z");
    renew(&world).await;
    world.audit().await;
}

#[tokio::test]
async fn bought_rights_cost_points_and_do_not_expire() {
    let world = World::new().await;
    let (lin, chen) = (world.rep("Lin Wei").await, world.manager("Chen Hua").await);
    let buy = json!({ "count": 2 });
    let told = lin.post("/v1/leads/rights", buy.clone()).await.expect(409).text("/detail");
    assert!(told.contains("not for sale"), "{told}");
    rules(&world, |rules| {
        rules.policies = vec![GrantPolicy::Purchase, GrantPolicy::Quota];
        rules.points_per_lead = Some(Points(Decimal::new(750, 2)));
        rules.monthly_quota = Some(1);
    })
    .await;
    earn(&lin, 2).await;
    renew(&world).await;
    for _ in 0..3 {
        let key = [("Idempotency-Key", "buy-1")];
        let bought = lin.send(Method::POST, "/v1/leads/rights", Some(buy.clone()), &key).await.expect(200);
        assert_eq!((bought.text("/points"), &bought.body["leads"]), ("5.00".into(), &json!(3)));
    }
    let (slug, _) = lin.post("/v1/leads/rights", json!({ "count": 1 })).await.expect(409).problem();
    assert_eq!(slug, "balance_too_low");
    lin.post("/v1/leads/rights", json!({ "count": 0 })).await.expect(400);
    world.admin().await.post("/v1/leads/rights", json!({ "count": 1 })).await.expect(403);
    let entries = lin.get("/v1/points/entries").await.expect(200);
    assert!(entries.items().iter().any(|e| e["explanation"]["arithmetic"] == "2 × 7.50 = 15.00"), "{:#}", entries.body);

    // Picks use the quota first; it expires, what was bought stays.
    let id = lead(&chen, "Northwind", json!({})).await;
    lin.post(&format!("/v1/leads/{id}/claim"), json!({})).await.expect(200);
    world.state.clock.set("2026-04-01T00:00:00Z".parse().expect("a time"));
    renew(&world).await;
    assert_eq!(rights(&lin).await, 2 + 1);
    world.audit().await;
}

/// Two phones of one rep, points for one right: one buys it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn points_are_spent_once() {
    let world = World::new().await;
    let lin = world.rep("Lin Wei").await;
    rules(&world, |rules| {
        rules.policies = vec![GrantPolicy::Purchase];
        rules.points_per_lead = Some(Points(Decimal::TEN));
    })
    .await;
    earn(&lin, 1).await;
    let body = || json!({ "count": 1 });
    let (a, b) = tokio::join!(lin.post("/v1/leads/rights", body()), lin.post("/v1/leads/rights", body()));
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    assert_eq!(rights(&lin).await, 1);
    world.audit().await;
}
