//! Keys for programs: shown once, scoped, revocable.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, PASSWORD, World};

/// A key for an integration: its own, or one more of this one.
async fn create(world: &World, admin: &str, user: Option<&str>, scopes: Value) -> Answer {
    let mut body = json!({ "name": "ERP", "scopes": scopes });
    if let Some(user) = user {
        body["userId"] = json!(user);
    }
    world.send(Method::POST, "/v1/api-keys", Some(admin), Some(body)).await
}

#[tokio::test]
async fn a_key_works_until_it_is_revoked() {
    let world = World::new().await;
    let admin = world.user("admin").await;
    let admin = world.log_in(&admin).await.text("/accessToken");
    let created = create(&world, &admin, None, json!(["read", "write"])).await.expect(201);
    let (key, id) = (created.text("/key"), created.text("/apiKey/id"));
    assert!(key.starts_with(&created.text("/apiKey/prefix")));
    let me = world.get("/v1/me", &key).await.expect(200);
    assert_eq!((me.text("/user/id"), me.text("/user/role")), (created.text("/apiKey/userId"), "integration".into()));
    assert_eq!(me.text("/user/name"), "ERP", "the integration is called as its key");

    let list = world.get("/v1/api-keys", &admin).await.expect(200);
    assert_eq!(list.text("/items/0/name"), "ERP");
    assert_eq!(list.text("/items/0/lastUsedAt"), "2026-03-02T09:00:00.000Z");
    assert!(!list.body.to_string().contains(&key), "a key is shown once");

    world.send(Method::DELETE, &format!("/v1/api-keys/{id}"), Some(&admin), None).await.expect(204);
    for gone in [&key, "wpk_cut-off"] {
        let told = world.get("/v1/me", gone).await.expect(401).text("/detail");
        assert!(told.starts_with("This API key is unknown or revoked"), "{told}");
    }
    world.send(Method::DELETE, &format!("/v1/api-keys/{id}"), Some(&admin), None).await.expect(204);
    let list = world.get("/v1/api-keys", &admin).await.expect(200);
    assert_eq!(list.text("/items/0/revokedAt"), "2026-03-02T09:00:00.000Z");
}

#[tokio::test]
async fn a_key_reaches_as_far_as_its_scopes() {
    let world = World::new().await;
    let admin = world.user("admin").await;
    let admin = world.log_in(&admin).await.text("/accessToken");
    let reader = create(&world, &admin, None, json!(["read"])).await.expect(201);
    let program = reader.text("/apiKey/userId");
    let writer = create(&world, &admin, Some(&program), json!(["write"])).await.expect(201);
    assert_eq!(writer.text("/apiKey/userId"), program, "two keys of one integration");
    let (reader, writer) = (reader.text("/key"), writer.text("/key"));
    let change = json!({ "currentPassword": PASSWORD, "newPassword": "a much better one" });
    let write = async |key: &str| {
        let told = world.send(Method::POST, "/v1/auth/password", Some(key), Some(change.clone())).await.expect(403);
        told.text("/detail").contains("scope `write`")
    };
    world.get("/v1/me", &reader).await.expect(200);
    assert!(write(&reader).await);
    let told = world.get("/v1/me", &writer).await.expect(403);
    assert!(told.text("/detail").contains("scope `read`"));
    // The writer gets further: what stops it there is that it has no password.
    assert!(!write(&writer).await);
}

#[tokio::test]
async fn keys_are_the_admins_and_the_integrations_business() {
    let world = World::new().await;
    let (admin, rep) = (world.user("admin").await, world.user("rep").await);
    let admin_token = world.log_in(&admin).await.text("/accessToken");
    let rep_token = world.log_in(&rep).await.text("/accessToken");
    create(&world, &rep_token, None, json!(["read"])).await.expect(403);
    world.get("/v1/api-keys", &rep_token).await.expect(403);
    let refused = create(&world, &admin_token, Some(&rep.id.to_string()), json!(["read"])).await.expect(422);
    assert_eq!(refused.text("/errors/0/pointer"), "/userId");
    for scopes in [json!([]), json!(["read", "read"]), json!(["everything"])] {
        create(&world, &admin_token, None, scopes).await.expect(400);
    }
    let created = create(&world, &admin_token, None, json!(["read"])).await.expect(201);
    let path = format!("/v1/api-keys/{}", created.text("/apiKey/id"));
    world.send(Method::DELETE, &path, Some(&rep_token), None).await.expect(403);

    // Another tenant's admin sees and reaches nothing of it.
    let there = World::new().await;
    let stranger = there.user("admin").await;
    let stranger = there.log_in(&stranger).await.text("/accessToken");
    assert_eq!(there.get("/v1/api-keys", &stranger).await.expect(200).body["items"], json!([]));
    there.send(Method::DELETE, &path, Some(&stranger), None).await.expect(404);
    let theirs = created.text("/apiKey/userId");
    create(&there, &stranger, Some(&theirs), json!(["read"])).await.expect(422);
    world.get("/v1/me", &created.text("/key")).await.expect(200);
}

#[tokio::test]
async fn a_disabled_integrations_key_is_out() {
    let world = World::new().await;
    let admin = world.user("admin").await;
    let admin = world.log_in(&admin).await.text("/accessToken");
    let created = create(&world, &admin, None, json!(["read"])).await.expect(201);
    let (key, program) = (created.text("/key"), created.text("/apiKey/userId").parse().expect("an id"));
    world.get("/v1/me", &key).await.expect(200);
    world.disable(program).await;
    world.state.identity.forget(world.tenant, program);
    world.get("/v1/me", &key).await.expect(401);
    let refused = create(&world, &admin, Some(&program.to_string()), json!(["read"])).await.expect(422);
    assert_eq!(refused.text("/errors/0/pointer"), "/userId");
}
