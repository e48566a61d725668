//! Requests that are repeated, and requests that are too many.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;
use waypost::app::spec;
use waypost::auth::Identity;
use waypost::auth::token::Keys;
use waypost::http::rate::Rate;
use waypost::state::State;

use crate::world::{Answer, Person, World};

async fn post(person: &Person, path: &str, key: &str, body: Value) -> Answer {
    person.send(Method::POST, path, Some(body), &[("idempotency-key", key)]).await
}

#[test]
fn every_post_of_a_known_user_takes_an_idempotency_key() {
    let document = spec();
    let paths = document["paths"].as_object().expect("paths");
    let mut without = BTreeSet::new();
    for post in paths.values().map(|item| &item["post"]).filter(|post| !post.is_null()) {
        let open = post["security"].as_array().is_some_and(Vec::is_empty);
        let mut parameters = post["parameters"].as_array().into_iter().flatten();
        if !open && !parameters.any(|parameter| parameter["name"] == "Idempotency-Key") {
            without.insert(post["operationId"].as_str().expect("a name"));
        }
    }
    // Mutations have ids of their own, and `fetchRecords` reads.
    assert_eq!(without, BTreeSet::from(["fetchRecords", "pushMutations"]));
}

#[tokio::test]
async fn a_setting_is_made_once_however_often_it_is_asked_for() {
    let world = World::new().await;
    let admin = world.admin().await;
    let north = || json!({ "name": "North" });
    let made = post(&admin, "/v1/teams", "key-1", north()).await.expect(201);
    let again = post(&admin, "/v1/teams", "key-1", north()).await.expect(201);
    assert_eq!(again.body, made.body);
    assert_eq!((again.header("location"), again.header("etag")), (made.header("location"), made.header("etag")));
    assert_eq!(admin.get("/v1/teams?search=North").await.expect(200).items().len(), 1);

    let other = post(&admin, "/v1/teams", "key-1", json!({ "name": "South" })).await.expect(409);
    assert_eq!(other.problem().0, "idempotency_key_reused");
    let elsewhere = post(&admin, "/v1/rule-sets", "key-1", north()).await.expect(409);
    assert_eq!(elsewhere.problem().0, "idempotency_key_reused", "the same key at another path is another request");

    // Nothing was done, so the key is free for what is right.
    post(&admin, "/v1/teams", "key-2", json!({ "name": "" })).await.expect(400);
    post(&admin, "/v1/teams", "key-2", json!({ "name": "South" })).await.expect(201);
    post(&admin, "/v1/teams", &"k".repeat(201), north()).await.expect(400);

    // Somebody else's keys are his own.
    let second = world.admin().await;
    post(&second, "/v1/teams", "key-1", json!({ "name": "East" })).await.expect(201);
}

#[tokio::test]
async fn of_requests_at_one_moment_one_is_carried_out() {
    let world = World::new().await;
    let admin = world.admin().await;
    admin.token().await;
    let answers = join_all((0..8).map(|_| post(&admin, "/v1/teams", "one-moment", json!({ "name": "Twin" })))).await;
    let made: BTreeSet<Uuid> = answers.iter().filter(|answer| answer.status == 201).map(Answer::id).collect();
    assert_eq!(made.len(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!((answer.status, answer.header("retry-after").as_str()), (409, "1"), "{:#}", answer.body);
        assert_eq!(answer.problem().0, "idempotency_in_progress");
    }
    assert_eq!(admin.get("/v1/teams?search=Twin").await.expect(200).items().len(), 1);
    let settled = post(&admin, "/v1/teams", "one-moment", json!({ "name": "Twin" })).await.expect(201);
    assert!(made.contains(&settled.id()));
}

#[tokio::test]
async fn a_secret_is_shown_once_and_made_once() {
    let world = World::new().await;
    let admin = world.admin().await;
    let wanted = || json!({ "name": "Warehouse", "scopes": ["read"] });
    let made = post(&admin, "/v1/api-keys", "key-1", wanted()).await.expect(201);
    let again = post(&admin, "/v1/api-keys", "key-1", wanted()).await.expect(409);
    assert_eq!(again.problem().0, "answer_not_kept");
    assert!(again.text("/detail").contains("shown once"), "{:#}", again.body);
    let keys = admin.get("/v1/api-keys").await.expect(200);
    assert_eq!(keys.items().len(), 1);
    let secret = made.text("/key");
    let sql = "SELECT count(*) FROM receipt WHERE tenant_id = $1 AND result LIKE '%' || $2 || '%'";
    let values = [world.tenant_id.into(), secret.into()];
    let asked = sea_orm::Statement::from_sql_and_values(sea_orm::DbBackend::Postgres, sql, values);
    let row = sea_orm::ConnectionTrait::query_one_raw(&world.state.db, asked).await.expect("a count").expect("a row");
    assert_eq!(row.try_get_by_index::<i64>(0).expect("a number"), 0, "no secret is stored");
}

#[tokio::test]
async fn a_token_is_told_what_it_has_left_and_when_to_come_again() {
    let world = World::new().await;
    let mut identity =
        Identity::new(Keys::generate().expect("a key"), "https://waypost.example", "waypost", Vec::new());
    identity.rate = Rate::new(NonZeroU32::new(3).expect("three"));
    let strict = world.served_by(State::new(world.state.db.clone(), world.state.clock.clone(), identity)).await;
    let (one, other) = (strict.rep("Wei Lin").await, strict.rep("Hu Bo").await);
    for left in ["2", "1", "0"] {
        let answer = one.get("/v1/accounts").await.expect(200);
        assert_eq!(answer.header("ratelimit-policy"), "\"token\";q=3;w=60");
        assert_eq!(answer.header("ratelimit"), format!("\"token\";r={left};t=1"));
    }
    let refused = one.get("/v1/accounts").await.expect(429);
    assert_eq!(refused.problem().0, "too_many_requests");
    let seconds: u32 = refused.header("retry-after").parse().expect("seconds");
    assert!((1..=21).contains(&seconds), "{seconds}");
    assert!(refused.header("ratelimit").starts_with("\"token\";r=0;t="));
    other.get("/v1/accounts").await.expect(200);
}
