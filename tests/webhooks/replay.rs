//! Sent again is what was sent before; what was not sent yet is never left out.

use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Receiver, hook, send};
use crate::sync::phone::Phone;
use crate::world::World;

#[tokio::test]
async fn a_replay_leaves_out_nothing_that_was_not_sent() {
    let world = World::new().await;
    let (admin, phone) = (world.admin().await, Phone::new(&world, world.rep("Lin Wei").await));
    let receiver = Receiver::new().await;
    let (id, _) = hook(&admin, json!({ "url": receiver.url, "kinds": ["account"], "ops": ["create"] })).await;
    let path = format!("/v1/webhooks/{id}");
    let replay = async |since: &str| {
        admin.post(&format!("{path}/replay"), json!({ "since": since })).await.expect(200);
    };
    let names =
        || -> Vec<Value> { receiver.take().iter().map(|(_, body)| body["data"]["record"]["name"].clone()).collect() };

    // Three in one commit, of which one is taken.
    let account = |name: &str| {
        let fields = json!({ "account": { "kind": "business", "name": name } });
        phone.mutation("account", "create", Uuid::now_v7(), fields)
    };
    phone.push(&["A", "B", "C"].map(account)).await;
    *receiver.good_for.lock().unwrap() = 1;
    assert_eq!((send(&world).await, names()), (1, vec![json!("A"), json!("B")]));
    let sent = admin.get(&path).await.expect(200).body["sent"].clone();
    replay("2030-01-01T00:00:00Z").await;
    assert_eq!(admin.get(&path).await.expect(200).body["sent"], sent, "there is nothing to go back to");
    *receiver.good_for.lock().unwrap() = usize::MAX;
    assert_eq!((send(&world).await, names()), (2, vec![json!("B"), json!("C")]));

    // From an hour ago, when it stands two hours ago.
    *receiver.good_for.lock().unwrap() = 0;
    phone.account("D").await;
    assert_eq!((send(&world).await, names()), (0, vec![json!("D")]));
    world.wait(TimeDelta::hours(2));
    phone.account("E").await;
    *receiver.good_for.lock().unwrap() = usize::MAX;
    replay("2026-03-02T10:00:00Z").await;
    assert_eq!((send(&world).await, names()), (2, vec![json!("D"), json!("E")]));
    replay("2026-03-02T10:00:00Z").await;
    assert_eq!((send(&world).await, names()), (1, vec![json!("E")]), "and once more");
}
