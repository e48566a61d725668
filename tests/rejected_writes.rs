//! `/v1/rejected-writes`: what was typed and not taken is there to be read again, until its author dismisses it.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{Person, World};

/// Pushes an edit of an account that is not there. Returns what was typed.
async fn lose(who: &Person, note: &str) -> Value {
    let typed = json!({ "note": note });
    let mutation = json!({ "mutationId": Uuid::now_v7(), "kind": "account", "op": "update", "recordId": Uuid::now_v7(),
                           "baseRevision": 1, "account": typed });
    let pushed = who.post("/v1/sync/mutations", json!({ "deviceId": Uuid::now_v7(), "mutations": [mutation] })).await;
    assert_eq!(pushed.expect(200).text("/results/0/status"), "rejected");
    typed
}

fn fields(write: &Value) -> Value {
    serde_json::from_str(write["fields"].as_str().expect("text")).expect("JSON")
}

#[tokio::test]
async fn what_was_not_taken_is_kept_for_its_author_and_who_leads_him() {
    let world = World::new().await;
    let (lin, zhao, chen) = (world.rep("Lin Wei").await, world.rep("Zhao Min").await, world.manager("Chen Hua").await);
    let typed = lose(&lin, "Met the buyer at the fair").await;

    let own = lin.get("/v1/rejected-writes").await.expect(200);
    let [write] = own.items() else { panic!("{:#}", own.body) };
    assert_eq!((fields(write), &write["problem"]), (typed.clone(), &json!("/problems/not_found")));
    assert_eq!((&write["recordKind"], &write["op"]), (&json!("account"), &json!("update")));

    let of_lin = format!("/v1/rejected-writes?userId={}", lin.id);
    assert!(zhao.get("/v1/rejected-writes").await.expect(200).items().is_empty());
    assert!(zhao.get(&of_lin).await.expect(200).items().is_empty());
    assert_eq!(chen.get(&of_lin).await.expect(200).ids(), own.ids());
    assert!(World::new().await.admin().await.get(&of_lin).await.expect(200).items().is_empty());
}

#[tokio::test]
async fn only_its_author_dismisses_it() {
    let world = World::new().await;
    let (lin, zhao, chen) = (world.rep("Lin Wei").await, world.rep("Zhao Min").await, world.manager("Chen Hua").await);
    lose(&lin, "first").await;
    lose(&lin, "second").await;
    let ids = lin.get("/v1/rejected-writes?sort=createdAt").await.expect(200).ids();
    let path = format!("/v1/rejected-writes/{}", ids[0]);

    zhao.delete(&path).await.expect(404);
    chen.delete(&path).await.expect(403);
    lin.delete(&path).await.expect(204);
    assert_eq!(lin.get("/v1/rejected-writes").await.expect(200).ids(), ids[1..]);
    lin.delete(&path).await.expect(409);
}
