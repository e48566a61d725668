//! Stage moves, plans and signatures earn, once each and not by going back and forth.

use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ago, entries, points, rule};
use crate::sync::phone::Phone;
use crate::world::{Person, World};

async fn opportunity(who: &Person, account: Uuid) -> String {
    let body = json!({ "name": "Optical fibre", "accountId": account, "amount": "500000", "currency": "CNY" });
    who.post("/v1/opportunities", body).await.expect(201).header("location")
}

async fn advance(who: &Person, path: &str, stage: &str, more: Value) {
    let mut body = json!({ "stage": stage });
    body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    who.post(&format!("{path}/advance"), body).await.expect(200);
}

fn rewards_moves(rules: &mut Value) {
    rules["work"].as_array_mut().expect("work").push(json!({
        "on": "stage_move", "base": "8.00",
        "weights": [{ "field": "amount", "weight": 50 }, { "field": "contactId", "weight": 50 }],
    }));
}

#[tokio::test]
async fn a_stage_is_reached_once() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    rule(&world, &admin, rewards_moves).await;
    let account = lin.account("Acme").await;
    let path = opportunity(&lin, account).await;
    assert_eq!(points(&lin).await, "0.00", "to make one is no move");
    advance(&lin, &path, "pre_sale", json!({})).await;
    assert_eq!(points(&lin).await, "4.00");
    advance(&lin, &path, "intent", json!({ "reason": "Too early" })).await;
    advance(&lin, &path, "pre_sale", json!({})).await;
    assert_eq!(points(&lin).await, "4.00");
    // Told 30 hours late, in the second bracket.
    world.wait(TimeDelta::hours(30));
    advance(&lin, &path, "negotiation", json!({ "occurred": ago(&world, 23) })).await;
    assert_eq!(points(&lin).await, "6.40");
    let last = entries(&lin).await.pop().expect("an entry");
    assert_eq!((&last["sourceKind"], &last["explanation"]["missing"]), (&json!("stage_move"), &json!(["contactId"])));
    assert!(last["explanation"]["en"].as_str().is_some_and(|text| text.starts_with("Stage move of ")), "{last}");
    advance(&admin, &path, "signed", json!({ "signedOn": "2026-03-03" })).await;
    advance(&admin, &path, "negotiation", json!({ "reason": "Not yet" })).await;
    assert_eq!(points(&lin).await, "6.40");
    lin.delete(&path).await.expect(204);
    assert_eq!(points(&lin).await, "0.00");
}

async fn plan(who: &Person, account: Uuid, day: &str) -> Uuid {
    let body = json!({ "accountId": account, "plannedOn": day, "purpose": "Show the samples" });
    who.post("/v1/plans", body).await.expect(201).id()
}

fn rewards_plans(rules: &mut Value) {
    rules["work"] = json!([{ "on": "plan", "base": "3.00", "weights": [{ "field": "purpose", "weight": 1 }] }]);
}

#[tokio::test]
async fn a_plan_earns_when_it_is_done_on_its_day() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    rule(&world, &admin, rewards_plans).await;
    let account = lin.account("Acme").await;
    let (today, tomorrow) = (plan(&lin, account, "2026-03-02").await, plan(&lin, account, "2026-03-03").await);
    world.wait(TimeDelta::hours(1));
    let visit = async |plan: Uuid| {
        let body = json!({ "accountId": account, "kind": "visit", "occurred": ago(&world, 0), "planId": plan });
        lin.post("/v1/activities", body).await.expect(201).header("location")
    };
    let path = visit(today).await;
    assert_eq!(points(&lin).await, "3.00");
    visit(tomorrow).await;
    assert_eq!(points(&lin).await, "3.00", "a day early is not its day");
    // Corrected to another day, and back; then deleted.
    lin.patch(&path, json!({ "occurred": ago(&world, 30) })).await.expect(200);
    assert_eq!(points(&lin).await, "0.00");
    lin.patch(&path, json!({ "occurred": ago(&world, 0) })).await.expect(200);
    assert_eq!(points(&lin).await, "3.00");
    lin.delete(&path).await.expect(204);
    assert_eq!(points(&lin).await, "0.00");
    let told: Vec<Value> = entries(&lin).await.iter().map(|entry| entry["kind"].clone()).collect();
    assert_eq!(told, [json!("award"), json!("reversal"), json!("correction"), json!("reversal")]);
}

#[tokio::test]
async fn a_plan_made_after_the_visit_is_none_and_one_made_offline_before_it_is() {
    let world = World::new().await;
    let admin = world.admin().await;
    rule(&world, &admin, rewards_plans).await;
    let lin = Phone::new(&world, world.rep("Lin Wei").await);
    let account = lin.account("Acme").await;
    world.wait(TimeDelta::hours(6));
    // All of it offline: planned five hours ago, visited four hours ago; and the other way round.
    let mut batch = Vec::new();
    for (planned, visited) in [(5, 4), (3, 4)] {
        let (plan, visit) = (Uuid::now_v7(), Uuid::now_v7());
        let fields = json!({ "accountId": account, "plannedOn": "2026-03-02", "purpose": "Samples" });
        batch.push(lin.mutation_typed(TimeDelta::hours(planned), "plan", "create", plan, json!({ "plan": fields })));
        let fields = json!({ "accountId": account, "kind": "visit", "occurred": ago(&world, visited), "planId": plan });
        let typed = TimeDelta::hours(visited.min(planned));
        batch.push(lin.mutation_typed(typed, "activity", "create", visit, json!({ "activity": fields })));
    }
    // 17:00 and six hours: still the second of March in Shanghai.
    for result in lin.push(&batch).await {
        assert_eq!(result["status"], "applied", "{result:#}");
    }
    assert_eq!(points(&lin.person).await, "3.00");
}

#[tokio::test]
async fn a_signature_pays_its_owner_and_who_documented_the_account_before() {
    let world = World::new().await;
    let (admin, lin, bo) = (world.admin().await, world.rep("Lin Wei").await, world.rep("Bo Chen").await);
    rule(&world, &admin, |rules| {
        rules["work"] = json!([]);
        rules["leads"]["signingPoints"] = json!("100.00");
        rules["leads"]["contributorPercent"] = json!(15);
    })
    .await;
    let account = lin.account("Acme").await;
    let note = json!({ "accountId": account, "kind": "note", "occurred": ago(&world, 0), "summary": "Talked" });
    lin.post("/v1/activities", note).await.expect(201);
    let own = opportunity(&lin, account).await;
    advance(&lin, &own, "signed", json!({ "signedOn": "2026-03-02" })).await;
    assert_eq!(points(&lin).await, "100.00", "nobody else has a part in it");

    world.wait(TimeDelta::hours(1));
    let member = |user: Uuid| format!("/v1/accounts/{account}/members/{user}");
    admin.put(&member(bo.id), json!({ "role": "owner" })).await.expect(200);
    world.wait(TimeDelta::hours(1));
    let path = opportunity(&bo, account).await;
    advance(&bo, &path, "signed", json!({ "signedOn": "2026-03-02" })).await;
    assert_eq!((points(&bo).await, points(&lin).await), ("85.00".into(), "115.00".into()));
    let share = entries(&lin).await.pop().expect("an entry");
    assert_eq!((&share["kind"], &share["sourceKind"]), (&json!("share"), &json!("opportunity")));
    assert_eq!(share["explanation"]["arithmetic"], "100 × 15 % = 15.00");
    // Who wrote most may have written about its people.
    let wang = world.rep("Wang Li").await;
    let other = lin.account("Bolt").await;
    lin.put(&format!("/v1/accounts/{other}/members/{}", wang.id), json!({ "role": "member" })).await.expect(200);
    for name in ["Li Na", "Fang Ming"] {
        let contact = json!({ "accountId": other, "name": name, "title": "Buyer", "phone": "+86 21 5555 0101" });
        wang.post("/v1/contacts", contact).await.expect(201);
    }
    admin.put(&format!("/v1/accounts/{other}/members/{}", bo.id), json!({ "role": "owner" })).await.expect(200);
    world.wait(TimeDelta::hours(1));
    let signed = opportunity(&bo, other).await;
    advance(&bo, &signed, "signed", json!({ "signedOn": "2026-03-02" })).await;
    assert_eq!((points(&bo).await, points(&wang).await), ("170.00".into(), "15.00".into()));
    advance(&admin, &signed, "negotiation", json!({ "reason": "The paper was wrong" })).await;
    // It was not signed after all; then it was.
    advance(&admin, &path, "negotiation", json!({ "reason": "The paper was wrong" })).await;
    assert_eq!((points(&bo).await, points(&lin).await), ("0.00".into(), "100.00".into()));
    advance(&bo, &path, "signed", json!({ "signedOn": "2026-03-02" })).await;
    assert_eq!((points(&bo).await, points(&lin).await), ("85.00".into(), "115.00".into()));
}
