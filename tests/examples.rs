//! The document's own examples: whoever copies one is understood.

use reqwest::Method;
use uuid::Uuid;
use waypost::app::spec;

use crate::world::World;

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
