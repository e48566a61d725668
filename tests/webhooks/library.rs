//! Signatures as receivers check them: by the specification's own library, in Node.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Receiver, hook, send};
use crate::tools::Npm;
use crate::world::World;

#[tokio::test]
async fn the_library_of_the_specification_takes_what_is_sent() {
    let Some(npm) = Npm::install("tests/webhooks").await else { return };
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    let receiver = Receiver::new().await;
    let (id, first) = hook(&admin, json!({ "url": receiver.url, "kinds": ["account"], "ops": ["create"] })).await;
    let post = async |name: &str| -> Value {
        lin.account(name).await;
        assert_eq!(send(&world).await, 1);
        let (headers, body) = receiver.seen.lock().unwrap().remove(0);
        let header = |name: &'static str| (name, headers[name].to_str().expect("text").to_owned());
        let headers = ["webhook-id", "webhook-timestamp", "webhook-signature"].map(header);
        let now = world.state.clock.now().0.timestamp_millis();
        json!({ "now": now, "headers": headers.into_iter().collect::<Value>(), "body": body })
    };
    let mut messages = vec![post("霍普光通信 “<&>”").await];
    let second = admin.post(&format!("/v1/webhooks/{id}/secret"), json!({})).await.expect(200).text("/secret");
    messages.push(post("Beta").await);
    world.wait(TimeDelta::hours(25));
    messages.push(post("Gamma").await);
    let mut changed = messages[2].clone();
    changed["body"] = json!(changed["body"].as_str().expect("text").replace("Gamma", "Delta"));
    let mut late = messages[2].clone();
    late["now"] = json!(late["now"].as_i64().expect("a time") + 600_000);
    messages.extend([changed, late]);

    let folder = tempfile::TempDir::new().expect("a folder");
    let file = folder.path().join("messages.json");
    std::fs::write(&file, json!({ "secrets": [first, second], "messages": messages }).to_string()).expect("written");
    let told = npm.node("verify.mjs", &[("FILE", file.to_str().expect("UTF-8").to_owned())]).await;
    let (taken, not) = ("taken", "No matching signature found");
    let late = "Message timestamp too old";
    let expected = [[taken, not], [taken, taken], [not, taken], [not, not], [late, late]];
    assert_eq!(told.lines().collect::<Vec<_>>(), expected.as_flattened());
}
