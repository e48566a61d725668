//! The document's own examples: whoever copies one is understood.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;
use waypost::app::spec;

use crate::world::World;

#[tokio::test]
async fn the_push_of_the_document_is_applied() {
    let world = World::new().await;
    let rep = world.rep("Lin Wei").await;
    let example = |place: &str| spec().pointer(place).cloned().expect("an example");
    const JSON: &str = "content/application~1json/example";
    let push = example(&format!("/paths/~1v1~1sync~1mutations/post/requestBody/{JSON}"));
    // Its customer is there already.
    let mut first = push.clone();
    first["mutations"][0] = json!({
        "mutationId": Uuid::now_v7(), "kind": "account", "op": "create", "recordId": push["mutations"][0]["activity"]["accountId"],
        "captured": push["mutations"][0]["captured"], "account": { "name": "Hopton Photonics", "kind": "business" },
    });
    for body in [&first, &push] {
        let results = rep.post("/v1/sync/mutations", body.clone()).await.expect(200).body["results"].clone();
        assert_eq!(results[0]["status"], "applied", "{results:#}");
    }
    let id = push["mutations"][0]["recordId"].as_str().expect("an id");
    // The page of a pull has what one finds there, with the same members.
    let page = rep.get("/v1/sync/changes").await.expect(200).body;
    let pulled =
        page["changes"].as_array().expect("changes").iter().find(|change| change["id"] == id).expect("the visit");
    let shown = example(&format!("/paths/~1v1~1sync~1changes/get/responses/200/{JSON}"));
    let members = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!((members(&page), members(pulled)), (members(&shown), members(&shown["changes"][0])));
}

#[tokio::test]
async fn every_example_of_a_body_can_be_read() {
    let world = World::new().await;
    let admin = world.admin().await;
    let document = spec();
    let mut sent = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        let path: Vec<String> = path
            .split('/')
            .map(|part| if part.starts_with('{') { Uuid::now_v7().to_string() } else { part.to_owned() })
            .collect();
        for (method, operation) in item.as_object().expect("operations") {
            let media = &operation["requestBody"]["content"]["application/json"];
            let Some(example) = media.get("example") else {
                assert!(media.is_null(), "{method} {path:?} has a body and no example");
                continue;
            };
            let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).expect("a method");
            let answer = admin.send(method, &path.join("/"), Some(example.clone()), &[]).await;
            assert!(![400, 415, 500].contains(&answer.status), "{path:?} {example}: {:#}", answer.body);
            sent += 1;
        }
    }
    assert!(sent > 20, "{sent}");
}
