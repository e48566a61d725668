//! Work that was done while the account was still the rep's, and when it was typed.

use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::Uuid;

use super::phone::Phone;
use crate::world::{Person, World};

/// A phone whose account is about to go to somebody else.
async fn story(world: &World) -> (Phone, Person, Person, Uuid) {
    let (admin, bo) = (world.admin().await, world.rep("Bo Chen").await);
    let mut lin = Phone::new(world, world.rep("Lin Wei").await);
    let account = lin.account("Hopton").await;
    lin.pull(100).await;
    (lin, bo, admin, account)
}

async fn hand_over(admin: &Person, account: Uuid, from: Uuid, to: Uuid) {
    let path = |user: Uuid| format!("/v1/accounts/{account}/members/{user}");
    admin.put(&path(to), json!({ "role": "owner" })).await.expect(200);
    admin.delete(&path(from)).await.expect(204);
}

fn visit(phone: &Phone, account: Uuid, occurred: TimeDelta, typed: TimeDelta, more: Value) -> (Uuid, Value) {
    let id = Uuid::now_v7();
    let mut fields = json!({ "accountId": account, "kind": "visit", "occurred": phone.reading(occurred)["wall"], "summary": "Done" });
    fields.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    (id, phone.mutation_typed(typed, "activity", "create", id, json!({ "activity": fields })))
}

#[tokio::test]
async fn a_visit_before_the_hand_over_is_taken_and_scored_and_does_not_stay() {
    let world = World::new().await;
    let (mut lin, bo, admin, account) = story(&world).await;
    world.wait(TimeDelta::hours(3));
    hand_over(&admin, account, lin.person.id, bo.id).await;
    world.wait(TimeDelta::hours(1));

    let (late, mutation) = visit(&lin, account, TimeDelta::hours(2), TimeDelta::hours(2), json!({}));
    lin.applies(mutation).await;
    lin.pull(100).await;
    assert!(!lin.holds("account", account) && !lin.holds("activity", late));
    let entry = lin.all("points_entry").next().expect("its points are his");
    assert_eq!(entry["sourceId"], json!(late));
    assert_ne!(entry["points"], "0.00");
    lin.agrees(&world, "who did it").await;

    let mut other = Phone::new(&world, world.person(bo.id));
    other.pull(100).await;
    assert_eq!(other.document("activity", late)["ownerId"], json!(lin.person.id));

    // What is edited later is not his any more.
    let edit = lin.mutation("activity", "update", late, json!({ "activity": { "summary": "Better" } }));
    assert_eq!(lin.refused(edit).await, "not_found");
    let edit = lin.mutation("account", "update", account, json!({ "baseRevision": 1, "account": { "note": "Mine" } }));
    assert_eq!(lin.refused(edit).await, "not_found");
    // Nor is a visit after the hand-over.
    let (_, mutation) = visit(&lin, account, TimeDelta::minutes(30), TimeDelta::zero(), json!({}));
    assert_eq!(lin.refused(mutation).await, "validation");
    lin.pull(100).await;
    assert_eq!(lin.all("rejected_write").count(), 3);
    lin.agrees(&world, "what was refused").await;
}

#[tokio::test]
async fn a_late_visit_fulfils_the_plan_that_went_with_the_account() {
    let world = World::new().await;
    let (mut lin, bo, admin, account) = story(&world).await;
    let plan = Uuid::now_v7();
    let fields = json!({ "plan": { "accountId": account, "plannedOn": "2026-03-03" } });
    lin.applies(lin.mutation("plan", "create", plan, fields)).await;
    world.wait(TimeDelta::hours(3));
    hand_over(&admin, account, lin.person.id, bo.id).await;

    let (late, mutation) = visit(&lin, account, TimeDelta::hours(1), TimeDelta::hours(1), json!({ "planId": plan }));
    lin.applies(mutation).await;
    let mut other = Phone::new(&world, world.person(bo.id));
    other.pull(100).await;
    let plan = other.document("plan", plan);
    assert_eq!((&plan["status"], &plan["activityId"]), (&json!("fulfilled"), &json!(late)));
    lin.pull(100).await;
    lin.agrees(&world, "a plan that is gone").await;
}

#[tokio::test]
async fn a_stranger_enters_nothing() {
    let world = World::new().await;
    let (_, bo, _, account) = story(&world).await;
    let bo = Phone::new(&world, bo);
    let (_, mutation) = visit(&bo, account, TimeDelta::hours(1), TimeDelta::zero(), json!({}));
    assert_eq!(bo.refused(mutation).await, "validation");
}

#[tokio::test]
async fn the_monotonic_clock_proves_when_it_was_typed() {
    let world = World::new().await;
    let (mut lin, _, _, account) = story(&world).await;
    world.wait(TimeDelta::days(2));

    // Typed an hour after the visit, 30 hours before there was a connection: no delay.
    let (proven, mutation) = visit(&lin, account, TimeDelta::hours(31), TimeDelta::hours(30), json!({}));
    lin.applies(mutation).await;
    // The same, and the wall clock was set back by a year: the monotonic clock counts.
    let (set_back, mut mutation) = visit(&lin, account, TimeDelta::hours(31), TimeDelta::hours(30), json!({}));
    mutation["captured"]["wall"] = json!("2025-03-04T09:00:00Z");
    lin.applies(mutation).await;
    // The phone was restarted meanwhile: what the wall clock says counts, unproven.
    let (unproven, mut mutation) = visit(&lin, account, TimeDelta::hours(31), TimeDelta::hours(30), json!({}));
    mutation["captured"]["bootId"] = json!("another");
    lin.applies(mutation).await;

    lin.pull(100).await;
    let typed =
        |id| (lin.document("activity", id)["captured"].clone(), lin.document("activity", id)["capturedProven"].clone());
    let at = json!("2026-03-03T03:00:00.000Z");
    assert_eq!(typed(proven), (at.clone(), json!(true)));
    assert_eq!(typed(set_back), (at.clone(), json!(true)));
    assert_eq!(typed(unproven), (at, json!(false)));
    let received = json!("2026-03-04T09:00:00.000Z");
    assert_eq!(lin.document("activity", proven)["received"], received);
}
