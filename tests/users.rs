//! `/v1/users` and `/v1/tenant`: the directory, and who may do what in it.

use entity::kind::Role;
use reqwest::Client;
use serde_json::json;

use crate::world::{World, own_world};

#[tokio::test]
async fn an_invited_user_sets_a_password_and_comes_in() {
    let world = own_world().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    let body = json!({ "email": "Zhao.Min@example.com", "name": "赵敏", "role": "rep", "locale": "zh" });
    lin.post("/v1/users", body.clone()).await.expect(403);
    let invited = admin.post("/v1/users", body.clone()).await.expect(201);
    assert_eq!(invited.text("/user/email"), "zhao.min@example.com");
    assert_eq!(invited.header("location"), format!("/v1/users/{}", invited.text("/user/id")));
    assert_eq!(admin.post("/v1/users", body).await.expect(409).problem().1, ["/email"]);

    let accept = json!({ "token": invited.text("/invitationToken"), "newPassword": "correct horse battery" });
    let accepted = Client::new().post(format!("{}/v1/auth/invitation", world.url)).json(&accept).send().await;
    assert_eq!(accepted.expect("an answer").status(), 200);
    let login = json!({ "tenant": world.slug, "email": "zhao.min@example.com", "password": "correct horse battery" });
    let logged_in = Client::new().post(format!("{}/v1/auth/login", world.url)).json(&login).send().await;
    assert_eq!(logged_in.expect("an answer").status(), 200);

    assert_eq!(lin.get("/v1/users?search=赵").await.items().len(), 1, "everybody reads the directory");
    let integration = json!({ "email": "bot@example.com", "name": "Bot", "role": "integration" });
    let refused = admin.post("/v1/users", integration).await.expect(422);
    assert_eq!(refused.problem().1, ["/role"]);
    assert!(refused.text("/detail").contains("/v1/api-keys"));
}

#[tokio::test]
async fn an_integration_comes_with_its_key_and_reads_the_whole_company() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    let account = lin.account("Acme").await;
    let made = admin.post("/v1/api-keys", json!({ "name": "Warehouse", "scopes": ["read"] })).await.expect(201);
    let (key, program) = (made.text("/key"), made.text("/apiKey/userId"));
    let read = async || {
        let request = Client::new().get(format!("{}/v1/accounts/{account}", world.url)).bearer_auth(&key);
        request.send().await.expect("an answer").status()
    };
    assert_eq!(read().await, 200);
    let found = admin.get("/v1/users?role=integration").await.expect(200);
    assert_eq!((found.ids(), found.text("/items/0/name")), (vec![program.parse().expect("an id")], "Warehouse".into()));
    let path = format!("/v1/users/{program}");
    assert_eq!(admin.post(&format!("{path}/invitation"), json!({})).await.expect(422).problem().1, ["id"]);
    assert_eq!(admin.patch(&path, json!({ "role": "rep" })).await.expect(422).problem().1, ["/role"]);
    admin.patch(&path, json!({ "disabled": true })).await.expect(200);
    assert_eq!(read().await, 401);
}

#[tokio::test]
async fn a_disabled_user_is_out_at_once() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    let path = format!("/v1/users/{}", lin.id);
    lin.get("/v1/me").await.expect(200);
    lin.patch(&path, json!({ "role": "admin" })).await.expect(403);

    let disabled = admin.patch(&path, json!({ "disabled": true })).await.expect(200);
    assert!(disabled.body["disabledAt"].is_string());
    lin.get("/v1/me").await.expect(401);
    assert_eq!(admin.get("/v1/users?disabled=true").await.ids(), [lin.id]);
    assert_eq!(admin.post(&format!("{path}/invitation"), json!({})).await.expect(422).problem().1, ["id"]);

    let enabled = admin.patch(&path, json!({ "disabled": false })).await.expect(200);
    assert_eq!(enabled.body.get("disabledAt"), None);
    lin.get("/v1/me").await.expect(401);
    world.person(lin.id).get("/v1/me").await.expect(200);
}

#[tokio::test]
async fn an_admin_does_not_lock_himself_out() {
    let world = World::new().await;
    let (admin, second) = (world.admin().await, world.admin().await);
    let path = format!("/v1/users/{}", admin.id);
    admin.patch(&path, json!({ "disabled": true })).await.expect(403);
    admin.patch(&path, json!({ "role": "rep" })).await.expect(403);
    admin.patch(&path, json!({ "name": "Ada", "role": "admin" })).await.expect(200);
    // Another one may, and it holds from the next request on.
    second.patch(&path, json!({ "role": "rep" })).await.expect(200);
    admin.patch(&path, json!({ "name": "Ada" })).await.expect(403);
}

#[tokio::test]
async fn who_leads_and_who_is_moved_decides_what_is_seen() {
    let world = World::new().await;
    let admin = world.admin().await;
    let (north, south) = (world.team(&admin, "North").await, world.team(&admin, "South").await);
    let lin = world.user(Role::Rep, "Lin Wei", north).await;
    let (chen, wu) =
        (world.user(Role::Manager, "Chen Hua", north).await, world.user(Role::Manager, "Wu Jie", south).await);
    let account = format!("/v1/accounts/{}", lin.account("Acme").await);
    chen.get(&account).await.expect(200);
    wu.get(&account).await.expect(404);

    let path = format!("/v1/users/{}", lin.id);
    admin.patch(&path, json!({ "teamId": south })).await.expect(200);
    chen.get(&account).await.expect(404);
    wu.get(&account).await.expect(200);

    admin.patch(&format!("/v1/users/{}", wu.id), json!({ "role": "rep" })).await.expect(200);
    wu.get(&account).await.expect(404);
    assert_eq!(admin.patch(&path, json!({ "teamId": lin.id })).await.expect(422).problem().1, ["/teamId"]);
}

#[tokio::test]
async fn an_admin_sets_the_time_zone() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    assert_eq!(lin.get("/v1/tenant").await.expect(200).text("/timeZone"), "Asia/Shanghai");
    lin.patch("/v1/tenant", json!({ "timeZone": "UTC" })).await.expect(403);
    assert_eq!(admin.patch("/v1/tenant", json!({ "timeZone": "Mars" })).await.expect(422).problem().1, ["/timeZone"]);
    let shares = |key: i32| json!({ "timePolicy": { "key": key, "ordinary": 30, "potential": 20 } });
    assert_eq!(admin.patch("/v1/tenant", shares(60)).await.expect(422).problem().1, ["/timePolicy"]);
    let changed = admin.patch("/v1/tenant", shares(50)).await.expect(200);
    assert_eq!(changed.body["timePolicy"], shares(50)["timePolicy"]);
    let time = admin.get("/v1/reports/activity").await.expect(200).body["time"].clone();
    assert_eq!((&time[0]["policyShare"], &time[2]["policyShare"]), (&json!(0.5), &json!(0.2)));
    let changed = admin.patch("/v1/tenant", json!({ "timeZone": "Europe/Berlin" })).await.expect(200);
    assert_eq!((changed.text("/timeZone"), changed.text("/name")), ("Europe/Berlin".into(), "Hopton".into()));
}
