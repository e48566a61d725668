//! `/v1/appeals`: a fine that is objected to waits for a decision.

use chrono::Duration;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{balance, kinds, note, of_kind};
use crate::sync::phone::Phone;
use crate::world::{Person, World, start};

/// A late note; it, and the fine.
async fn fined(who: &Person) -> (Uuid, Uuid) {
    let activity = note(who, who.account("Acme").await, Duration::hours(100)).await;
    let entries = who.get(&format!("/v1/points/entries?sourceId={activity}")).await.expect(200);
    (activity, entries.ids()[0])
}

fn because(reason: &str) -> Value {
    json!({ "reason": reason })
}

#[tokio::test]
async fn a_fine_on_appeal_waits_until_a_manager_decides() {
    for (decision, after, kinds_after) in
        [("granted", "0.00", ["fine", "freeze", "reversal"]), ("rejected", "-5.00", ["fine", "freeze", "reversal"])]
    {
        let world = World::new().await;
        let (lin, chen) = (world.rep("Lin Wei").await, world.manager("Chen Hua").await);
        let (activity, fine) = fined(&lin).await;
        assert_eq!(balance(&lin).await, ("-5.00".into(), "0.00".into(), 1));
        let path = format!("/v1/points/entries/{fine}/appeal");
        world.rep("Zhao Min").await.post(&path, because("Why not")).await.expect(404);
        chen.post(&path, because("I saw him")).await.expect(403);
        assert_eq!(lin.post(&path, because(" ")).await.expect(422).problem().1, ["/reason"]);

        let key = [("Idempotency-Key", "appeal-1")];
        let mut appeals = Vec::new();
        for _ in 0..2 {
            let body = Some(because("The phone was broken"));
            appeals.push(lin.send(reqwest::Method::POST, &path, body, &key).await.expect(201).id());
        }
        assert_eq!(appeals[0], appeals[1]);
        assert_eq!(balance(&lin).await, ("0.00".into(), "-5.00".into(), 2));
        assert_eq!(lin.post(&path, because("Again")).await.expect(409).problem().0, "duplicate");
        world.audit().await;

        let decide = format!("/v1/appeals/{}/decide", appeals[0]);
        let ruling = json!({ "decision": decision, "reason": "Asked the shop" });
        lin.post(&decide, ruling.clone()).await.expect(403);
        let decided = chen.post(&decide, ruling.clone()).await.expect(200);
        assert_eq!((decided.text("/status"), decided.text("/decision")), (decision.into(), "Asked the shop".into()));
        chen.post(&decide, ruling).await.expect(409);
        assert_eq!(balance(&lin).await, (after.into(), "0.00".into(), 3));
        assert_eq!(kinds(&lin, activity).await, kinds_after);
        world.audit().await;

        // What was fined is corrected afterwards: the books follow its worth, and a pardon stays one.
        let path = format!("/v1/activities/{activity}");
        chen.patch(&path, json!({ "occurred": start().to_rfc3339() })).await.expect(200);
        assert_eq!(balance(&lin).await.0, "10.00");
        lin.patch(&path, json!({ "occurred": (start() - Duration::hours(90)).to_rfc3339() })).await.expect(200);
        assert_eq!(balance(&lin).await.0, after);
        // Deleting is no excuse.
        lin.delete(&path).await.expect(204);
        assert_eq!(balance(&lin).await, (after.into(), "0.00".into(), 5));
        world.audit().await;
    }
}

#[tokio::test]
async fn a_correction_decides_an_open_appeal_by_itself() {
    for deleted in [false, true] {
        let world = World::new().await;
        let (lin, chen) = (world.rep("Lin Wei").await, world.manager("Chen Hua").await);
        let (activity, fine) = fined(&lin).await;
        let appeal =
            lin.post(&format!("/v1/points/entries/{fine}/appeal"), because("Wrong day")).await.expect(201).id();
        let path = format!("/v1/activities/{activity}");
        // Its author can neither move it away from the fine meanwhile, nor delete the fine with it.
        let later = json!({ "occurred": start().to_rfc3339() });
        assert_eq!(lin.patch(&path, later.clone()).await.expect(409).problem().0, "locked");
        lin.patch(&path, json!({ "outcome": "weighs nothing" })).await.expect(200);
        assert_eq!(balance(&lin).await, ("0.00".into(), "-5.00".into(), 2));
        if deleted {
            chen.delete(&path).await.expect(204);
        } else {
            chen.patch(&path, later).await.expect(200);
        }
        let points = if deleted { "0.00" } else { "10.00" };
        assert_eq!(balance(&lin).await, (points.into(), "0.00".into(), 4));
        assert_eq!(lin.get(&format!("/v1/appeals/{appeal}")).await.text("/status"), "granted");
        world.audit().await;
    }
}

#[tokio::test]
async fn an_appeal_goes_on_about_what_its_author_deleted() {
    let world = World::new().await;
    let (lin, chen) = (world.rep("Lin Wei").await, world.manager("Chen Hua").await);
    let (activity, fine) = fined(&lin).await;
    let path = format!("/v1/points/entries/{fine}/appeal");
    let appeal = lin.post(&path, because("The phone was broken")).await.expect(201).id();
    lin.delete(&format!("/v1/activities/{activity}")).await.expect(204);
    assert_eq!(balance(&lin).await, ("0.00".into(), "-5.00".into(), 2));
    let granted = json!({ "decision": "granted", "reason": "Asked the shop" });
    chen.post(&format!("/v1/appeals/{appeal}/decide"), granted).await.expect(200);
    assert_eq!(balance(&lin).await, ("0.00".into(), "0.00".into(), 3));
    world.audit().await;
    // Of what was deleted first, too; and while a review looks at a correction, there is nothing to appeal against.
    let (activity, fine) = fined(&lin).await;
    lin.patch(&format!("/v1/activities/{activity}"), json!({ "occurred": start().to_rfc3339() })).await.expect(200);
    let path = format!("/v1/points/entries/{fine}/appeal");
    assert_eq!(lin.post(&path, because("Wrong day")).await.expect(409).problem().0, "conflict");
    lin.delete(&format!("/v1/activities/{activity}")).await.expect(204);
    assert_eq!(balance(&lin).await.0, "-5.00");
    lin.post(&path, because("Wrong day")).await.expect(201);
    assert_eq!(balance(&lin).await.0, "0.00");
    world.audit().await;
}

#[tokio::test]
async fn only_a_fine_that_stands_is_appealed_against() {
    let world = World::new().await;
    let (lin, chen) = (world.rep("Lin Wei").await, world.manager("Chen Hua").await);
    let award = note(&lin, lin.account("Acme").await, Duration::zero()).await;
    let entry = lin.get(&format!("/v1/points/entries?sourceId={award}")).await.ids()[0];
    lin.post(&format!("/v1/points/entries/{entry}/appeal"), because("More")).await.expect(409);
    let (activity, fine) = fined(&lin).await;
    chen.patch(&format!("/v1/activities/{activity}"), json!({ "occurred": start().to_rfc3339() })).await.expect(200);
    let refused = lin.post(&format!("/v1/points/entries/{fine}/appeal"), because("Wrong day")).await.expect(409);
    assert!(refused.text("/detail").contains("taken back already"), "{:#}", refused.body);
    lin.post(&format!("/v1/points/entries/{}/appeal", Uuid::now_v7()), because("What")).await.expect(404);
    world.audit().await;
}

#[tokio::test]
async fn a_phone_appeals_offline_and_a_managers_phone_decides() {
    let world = World::new().await;
    let mut phone = Phone::new(&world, world.rep("Lin Wei").await);
    let mut chief = Phone::new(&world, world.manager("Chen Hua").await);
    let (_, fine) = fined(&phone.person).await;
    let id = Uuid::now_v7();
    let appeal = json!({ "appeal": { "entryId": fine, "reason": "The phone was broken" } });
    let push = [phone.mutation("appeal", "create", id, appeal)];
    for _ in 0..2 {
        let results = phone.push(&push).await;
        assert_eq!(results[0]["status"], "applied", "{results:#?}");
    }
    chief.pull(100).await;
    assert_eq!(of_kind(&chief, "appeal")[0]["status"], "open");
    let ruling = json!({ "ruling": { "reason": "Believed" } });
    let results = chief.push(&[chief.mutation("appeal", "grant", id, ruling)]).await;
    assert_eq!(results[0]["status"], "applied", "{results:#?}");
    phone.pull(100).await;
    assert_eq!(of_kind(&phone, "appeal")[0]["status"], "granted");
    assert_eq!(of_kind(&phone, "points_entry").len(), 3);
    assert_eq!(balance(&phone.person).await, ("0.00".into(), "0.00".into(), 3));
    world.audit().await;
}
