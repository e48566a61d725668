//! What an owner owes his lead: to work it in time, or to say why not.

use chrono::Duration;
use serde_json::json;
use uuid::Uuid;

use super::{lead, renew, rules};
use crate::world::{Person, World};

async fn claimed(world: &World, lin: &Person, chen: &Person) -> Uuid {
    renew(world).await;
    let id = lead(chen, "Acme", json!({})).await;
    lin.post(&format!("/v1/leads/{id}/claim"), json!({})).await.expect(200);
    id
}

async fn run(world: &World) -> usize {
    waypost::lead::due::run_in(&world.state, world.tenant_id).await.expect("runs")
}

#[tokio::test]
async fn a_lead_that_nobody_works_returns_after_a_warning() {
    let world = World::new().await;
    let (lin, zhao, chen) = (world.rep("Lin Wei").await, world.rep("Zhao Min").await, world.manager("Chen Hua").await);
    let id = claimed(&world, &lin, &chen).await;
    let path = format!("/v1/leads/{id}");
    // Picked on a Monday, due the Monday after; the working day before is a Friday.
    world.wait(Duration::days(3));
    assert_eq!(run(&world).await, 0);
    world.wait(Duration::days(1));
    assert_eq!(run(&world).await, 1);
    assert_eq!(run(&world).await, 0, "once");
    let warned = lin.get(&path).await.expect(200);
    assert_eq!(
        (warned.text("/status"), warned.text("/warnedAt")),
        ("claimed".into(), "2026-03-06T09:00:00.000Z".into())
    );
    world.wait(Duration::days(3));
    assert_eq!(run(&world).await, 0, "the last day is his");
    world.wait(Duration::days(1));
    assert_eq!(run(&world).await, 1);
    let back = zhao.get(&path).await.expect(200);
    assert_eq!((back.text("/status"), back.text("/formerOwnerId")), ("pooled".into(), lin.id.to_string()));
    assert_eq!(lin.post(&format!("{path}/claim"), json!({})).await.expect(409).problem().0, "locked");
    zhao.post(&format!("{path}/claim"), json!({})).await.expect(200);
    world.audit().await;
}

#[tokio::test]
async fn nobody_loses_a_lead_unwarned_and_holidays_do_not_count() {
    let world = World::new().await;
    let (lin, chen) = (world.rep("Lin Wei").await, world.manager("Chen Hua").await);
    let id = claimed(&world, &lin, &chen).await;
    // The server was down for two weeks.
    world.wait(Duration::days(14));
    assert_eq!(run(&world).await, 1);
    let path = format!("/v1/leads/{id}");
    let warned = lin.get(&path).await.expect(200);
    assert_eq!((warned.text("/status"), warned.text("/dueOn")), ("claimed".into(), "2026-03-17".into()));
    world.wait(Duration::days(1));
    assert_eq!(run(&world).await, 0);
    world.wait(Duration::days(1));
    assert_eq!(run(&world).await, 1);
    assert_eq!(lin.get(&path).await.expect(200).text("/status"), "pooled");

    // A company that wants no warnings.
    rules(&world, |rules| rules.warn_before_days = 0).await;
    let other = lead(&chen, "Northwind", json!({ "ownerId": lin.id })).await;
    world.wait(Duration::days(8));
    run(&world).await;
    assert_eq!(lin.get(&format!("/v1/leads/{other}")).await.expect(200).text("/status"), "pooled");
    world.audit().await;
}

#[tokio::test]
async fn a_lead_that_was_worked_stays() {
    let world = World::new().await;
    let (lin, zhao, chen) = (world.rep("Lin Wei").await, world.rep("Zhao Min").await, world.manager("Chen Hua").await);
    let id = claimed(&world, &lin, &chen).await;
    let path = format!("/v1/leads/{id}");
    let body = json!({ "kind": "call", "summary": "Wants a sample" });
    zhao.post(&format!("{path}/work"), body.clone()).await.expect(404);
    let worked = lin.post(&format!("{path}/work"), body).await.expect(200);
    assert_eq!(worked.text("/note"), "2026-03-02 call: Wants a sample");
    let further = lin.post(&format!("{path}/work"), json!({ "kind": "visit", "summary": "Left it" })).await.expect(200);
    assert_eq!(further.text("/note"), "2026-03-02 call: Wants a sample\n2026-03-02 visit: Left it");
    world.wait(Duration::days(30));
    assert_eq!(run(&world).await, 0);
    lin.patch(&path, json!({ "contactName": "Wang Fang" })).await.expect(200);
    world.audit().await;
}

#[tokio::test]
async fn an_excuse_that_is_accepted_gives_time() {
    let world = World::new().await;
    let (lin, chen) = (world.rep("Lin Wei").await, world.manager("Chen Hua").await);
    let id = claimed(&world, &lin, &chen).await;
    let path = format!("/v1/leads/{id}");
    let decide = format!("{path}/excuse/decision");
    chen.post(&decide, json!({ "accept": true })).await.expect(409);
    let asked = lin.post(&format!("{path}/excuse"), json!({ "excuse": "They move house" })).await.expect(200);
    assert_eq!(asked.text("/excuse"), "They move house");
    lin.post(&decide, json!({ "accept": true })).await.expect(403);
    let refused = chen.post(&decide, json!({ "accept": false })).await.expect(200);
    assert_eq!((refused.text("/dueOn"), refused.body.get("excuse")), ("2026-03-09".into(), None));

    world.wait(Duration::days(4));
    run(&world).await;
    lin.post(&format!("{path}/excuse"), json!({ "excuse": "They move house" })).await.expect(200);
    chen.post(&decide, json!({ "accept": true, "dueOn": "2026-03-05" })).await.expect(422);
    let given = chen.post(&decide, json!({ "accept": true })).await.expect(200);
    assert_eq!((given.text("/dueOn"), given.body.get("warnedAt")), ("2026-03-13".into(), None));
    world.wait(Duration::days(4));
    run(&world).await;
    assert_eq!(lin.get(&path).await.expect(200).text("/status"), "claimed");

    // Out of the pool for good, by who leads.
    lin.post(&format!("{path}/discard"), json!({ "reason": "Gone" })).await.expect(403);
    let gone = chen.post(&format!("{path}/discard"), json!({ "reason": "Gone" })).await.expect(200);
    assert_eq!(gone.text("/status"), "discarded");
    assert_eq!(lin.post(&format!("{path}/claim"), json!({})).await.expect(409).problem().0, "locked");
    world.audit().await;
}
