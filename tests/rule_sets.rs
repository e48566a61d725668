//! `/v1/rule-sets`: drafted, tried, activated on a day, and never changed while they rule.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Duration;
use ed25519_dalek::{Signature, Verifier, VerifyingKey};
use sea_orm::DatabaseBackend::Postgres;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use uuid::Uuid;
use waypost::auth::Identity;
use waypost::auth::token::Keys;
use waypost::state::State;

use crate::world::{Person, World, own_world, start};

async fn rules(who: &Person) -> Value {
    who.get("/v1/rule-sets?status=active").await.expect(200).items()[0]["rules"].clone()
}

async fn draft(admin: &Person, rules: &Value) -> Uuid {
    admin.post("/v1/rule-sets", json!({ "rules": rules })).await.expect(201).id()
}

/// As if it had been replayed: what a simulation finds is told elsewhere.
async fn simulated(world: &World, id: Uuid) {
    let sql = "INSERT INTO simulation (tenant_id, id, rule_set_id, from_day, to_day, rules, status, done, total, result,
                                       requested_by, requested_at, beat, finished_at)
               SELECT tenant_id, gen_random_uuid(), id, '2026-02-01', '2026-02-28', rules, 'finished', 1, 1, '{}', id, now(), now(), now()
               FROM rule_set WHERE tenant_id = $1 AND id = $2";
    let statement = Statement::from_sql_and_values(Postgres, sql, [world.tenant_id.into(), id.into()]);
    world.state.db.execute_raw(statement).await.expect("inserts");
}

async fn points_of_a_note(who: &Person, account: Uuid) -> String {
    let body = json!({ "accountId": account, "kind": "note", "occurred": who_now(who).await, "summary": "Talked" });
    let note = who.post("/v1/activities", body).await.expect(201).id();
    who.get(&format!("/v1/points/entries?sourceId={note}")).await.expect(200).text("/items/0/points")
}

/// The server's time: that of an account made now.
async fn who_now(who: &Person) -> String {
    who.post("/v1/accounts", json!({ "kind": "business", "name": "Clock" })).await.expect(201).text("/createdAt")
}

#[tokio::test]
async fn a_rule_set_begins_on_the_day_that_its_activation_names() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    let account = lin.account("Acme").await;
    let mut doubled = rules(&admin).await;
    for work in doubled["work"].as_array_mut().expect("work") {
        work["base"] = json!("20.00");
    }
    let id = draft(&admin, &doubled).await;
    let path = format!("/v1/rule-sets/{id}");
    // A draft is seen by admins alone.
    lin.get(&path).await.expect(404);
    assert_eq!(lin.get("/v1/rule-sets").await.expect(200).items().len(), 1);

    let activate = format!("{path}/activate");
    let body = json!({ "startsOn": "2026-03-04" });
    lin.post(&activate, body.clone()).await.expect(403);
    assert_eq!(admin.post(&activate, body.clone()).await.expect(409).problem().0, "conflict");
    simulated(&world, id).await;
    let yesterday = admin.post(&activate, json!({ "startsOn": "2026-03-01" })).await.expect(422);
    assert_eq!(yesterday.problem().1, ["/startsOn"]);
    let active = admin.post(&activate, body).await.expect(200);
    assert_eq!((active.text("/status"), active.text("/startsOn")), ("active".into(), "2026-03-04".into()));
    admin.patch(&path, json!({ "rules": doubled })).await.expect(409);
    admin.delete(&path).await.expect(409);

    assert_eq!(points_of_a_note(&lin, account).await, "10.00");
    world.wait(Duration::days(2));
    assert_eq!(points_of_a_note(&lin, account).await, "20.00");
    let before = lin.get("/v1/rule-sets?sort=version").await.expect(200);
    assert_eq!(before.each("status"), ["active", "active"], "the job has not been here yet");
    for _ in 0..2 {
        waypost::rule_set::life::turn(&world.state).await.expect("turns");
    }
    let after = lin.get("/v1/rule-sets?sort=version").await.expect(200);
    assert_eq!(after.each("status"), ["retired", "active"]);
    assert_eq!(after.text("/items/0/endedOn"), "2026-03-03");
    assert_eq!(points_of_a_note(&lin, account).await, "20.00");
}

#[tokio::test]
async fn what_was_simulated_is_what_is_activated() {
    let world = World::new().await;
    let admin = world.admin().await;
    let mut changed = rules(&admin).await;
    let id = draft(&admin, &changed).await;
    simulated(&world, id).await;
    changed["brackets"][0]["withinHours"] = json!(4);
    admin.patch(&format!("/v1/rule-sets/{id}"), json!({ "rules": changed })).await.expect(200);
    let today = json!({ "startsOn": "2026-03-02" });
    admin.post(&format!("/v1/rule-sets/{id}/activate"), today.clone()).await.expect(409);
    simulated(&world, id).await;
    admin.post(&format!("/v1/rule-sets/{id}/activate"), today).await.expect(200);
    let all = admin.get("/v1/rule-sets?sort=version").await.expect(200);
    assert_eq!(all.each("status"), ["retired", "active"]);
}

#[tokio::test]
async fn one_shadow_at_a_time_and_what_has_not_begun_can_be_withdrawn() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    let rules = rules(&admin).await;
    let (one, two) = (draft(&admin, &rules).await, draft(&admin, &rules).await);
    let path = |id: Uuid, verb: &str| format!("/v1/rule-sets/{id}/{verb}");
    lin.post(&path(one, "shadow"), Value::Null).await.expect(403);
    assert_eq!(admin.post(&path(one, "shadow"), Value::Null).await.expect(200).text("/status"), "shadow");
    admin.post(&path(two, "shadow"), Value::Null).await.expect(409);
    admin.post(&path(one, "retire"), Value::Null).await.expect(200);
    admin.post(&path(two, "shadow"), Value::Null).await.expect(200);

    simulated(&world, two).await;
    admin.post(&path(two, "activate"), json!({ "startsOn": "2026-04-01" })).await.expect(200);
    assert_eq!(admin.post(&path(two, "retire"), Value::Null).await.expect(200).text("/status"), "retired");
    let active = admin.get("/v1/rule-sets?status=active").await.expect(200);
    let first = active.ids()[0];
    assert_eq!(admin.post(&path(first, "retire"), Value::Null).await.expect(409).problem().0, "conflict");
}

#[tokio::test]
async fn bad_rules_are_refused_with_the_pointer_and_the_remedy() {
    let world = World::new().await;
    let admin = world.admin().await;
    let good = rules(&admin).await;
    let mut later_earns_more = good.clone();
    later_earns_more["brackets"][1]["percent"] = json!(100);
    later_earns_more["brackets"][0]["percent"] = json!(50);
    let refused = admin.post("/v1/rule-sets", json!({ "rules": later_earns_more })).await.expect(422);
    assert_eq!(refused.problem().1, ["/rules/brackets/1/percent"]);
    assert!(refused.text("/errors/0/detail").contains("a later entry never earns more"), "{:#}", refused.body);
    let mut misspelt = good.clone();
    misspelt["hours"] = json!("office");
    let refused = admin.post("/v1/rule-sets", json!({ "rules": misspelt })).await.expect(400);
    assert_eq!(refused.problem().1, ["/rules/hours"]);

    let schema = admin.get("/v1/rule-sets/schema").await.expect(200);
    assert_eq!(schema.body["$ref"], "#/$defs/Rules");
    let asked: Vec<&str> =
        schema.body["$defs"]["Rules"]["required"].as_array().expect("names").iter().filter_map(Value::as_str).collect();
    assert!(asked.contains(&"brackets") && asked.iter().all(|name| good.get(name).is_some()), "{asked:?} {good:#}");
}

#[tokio::test]
async fn a_phone_can_prove_by_which_rules_it_scores() {
    let world = own_world().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    let keys = lin.get("/.well-known/jwks.json").await.expect(200);
    let key: [u8; 32] =
        URL_SAFE_NO_PAD.decode(keys.text("/keys/0/x")).expect("base64url").try_into().expect("32 bytes");
    let key = VerifyingKey::from_bytes(&key).expect("a key");
    let opened = async || -> Value {
        let active = lin.get("/v1/rule-sets?status=active").await.expect(200);
        let bundle = active.text("/items/0/bundle");
        let (signed, signature) = bundle.rsplit_once('.').expect("a compact JWS");
        let signature: [u8; 64] = URL_SAFE_NO_PAD.decode(signature).expect("base64url").try_into().expect("64 bytes");
        key.verify(signed.as_bytes(), &Signature::from_bytes(&signature)).expect("signed by the server");
        let payload = URL_SAFE_NO_PAD.decode(signed.split('.').nth(1).expect("a payload")).expect("base64url");
        let payload: Value = serde_json::from_slice(&payload).expect("JSON");
        assert_eq!(payload["rules"], active.items()[0]["rules"]);
        payload
    };
    let before = opened().await;
    assert_eq!((&before["timeZone"], &before["startsOn"]), (&json!("Asia/Shanghai"), &json!(start().date_naive())));

    let mut calendar = admin.get("/v1/calendar").await.expect(200).body;
    calendar["holidays"] = json!({ "days": [{ "day": "2026-10-01", "name": "National Day" }] });
    let set =
        json!({ "week": calendar["week"], "holidays": calendar["holidays"], "workingDays": calendar["workingDays"] });
    admin.put("/v1/calendar", set).await.expect(200);
    admin.patch("/v1/tenant", json!({ "timeZone": "Asia/Tokyo" })).await.expect(200);
    let after = opened().await;
    assert_eq!(after["holidays"]["days"][0]["day"], "2026-10-01");
    assert_eq!(after["timeZone"], "Asia/Tokyo");

    // A server with a new key signs anew, once; what a key signed that is still published is signed anew, too.
    let identity = Identity::new(Keys::generate().expect("a key"), "https://waypost.example", "waypost", Vec::new());
    let next = State::new(world.state.db.clone(), world.state.clock.clone(), identity);
    let revision = async || {
        let active = lin.get("/v1/rule-sets?status=active").await.expect(200).items()[0].clone();
        (active["revision"].as_i64().expect("a number"), active["bundle"].as_str().expect("a bundle").to_owned())
    };
    let (before, _) = revision().await;
    waypost::rule_set::bundle::renew_all(&next).await.expect("signs");
    let (after, bundle) = revision().await;
    assert_eq!(after, before + 1);
    let (signed, signature) = bundle.rsplit_once('.').expect("a compact JWS");
    let key: [u8; 32] = URL_SAFE_NO_PAD
        .decode(&next.identity.keys.published().keys[0].x)
        .expect("base64url")
        .try_into()
        .expect("32 bytes");
    let signature: [u8; 64] = URL_SAFE_NO_PAD.decode(signature).expect("base64url").try_into().expect("64 bytes");
    let key = VerifyingKey::from_bytes(&key).expect("a key");
    key.verify(signed.as_bytes(), &Signature::from_bytes(&signature)).expect("signed by the new server");
    waypost::rule_set::bundle::renew_all(&next).await.expect("signs");
    assert_eq!(revision().await.0, after, "once");
}
