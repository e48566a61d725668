//! Requests that are repeated, and requests that are too many.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use reqwest::Method;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};
use uuid::Uuid;
use waypost::app::spec;
use waypost::auth::Identity;
use waypost::auth::token::Keys;
use waypost::clock::Clock;
use waypost::database::scratch::fresh_database;
use waypost::database::{connect, connect_as_owner, migrate};
use waypost::http::rate::Rate;
use waypost::state::State;

use crate::attachments::{Raw, attachment, get, pdf, send, tus};
use crate::world::{Answer, Person, World, start};

async fn post(person: &Person, path: &str, key: &str, body: Value) -> Answer {
    person.send(Method::POST, path, Some(body), &[("idempotency-key", key)]).await
}

/// The only operations by POST without a key, and why they need none.
const WITHOUT_KEY: [(&str, &str); 9] = [
    ("acceptInvitation", "an invitation is good for one use, and the answer holds the session's tokens"),
    ("exchangeSignIn", "a sign-in is ended once, and the answer holds the session's tokens"),
    ("fetchRecords", "reads"),
    ("login", "each makes a session, and the answer holds its tokens"),
    ("logout", "what is over stays so"),
    ("pushMutations", "mutations have ids of their own"),
    ("refreshSession", "a token is good for one use, and what a second one means is a rule of its own"),
    ("startSignIn", "what it begins is over in ten minutes, and the answer holds what proves who began it"),
    ("submitWebForm", "the signature, made anew for each submission, is the key"),
];

#[test]
fn every_post_takes_an_idempotency_key_or_says_why_not() {
    let document = spec();
    let paths = document["paths"].as_object().expect("paths");
    let posts = paths.values().map(|item| &item["post"]).filter(|post| !post.is_null());
    let without = posts.filter(|post| {
        let mut parameters = post["parameters"].as_array().into_iter().flatten();
        !parameters.any(|parameter| parameter["name"] == "Idempotency-Key")
    });
    let without: BTreeSet<&str> = without.map(|post| post["operationId"].as_str().expect("a name")).collect();
    let known: BTreeSet<&str> = WITHOUT_KEY.iter().map(|(name, _)| *name).collect();
    assert_eq!(without, known);
}

/// Begins an upload of 1,000 bytes.
async fn begin(who: &Person, key: &str, id: Uuid, more: &[(&str, &str)], body: &[u8]) -> Raw {
    let metadata = format!("attachmentId {}", STANDARD.encode(id.to_string()));
    let headers = [("idempotency-key", key), ("upload-length", "1000"), ("upload-metadata", &*metadata)];
    let headers: Vec<(&str, &str)> = headers.iter().chain(more).copied().collect();
    tus(who, Method::POST, "/v1/uploads", &headers, body.to_vec()).await
}

#[tokio::test]
async fn an_upload_is_begun_once_however_often_it_is_asked_for() {
    let world = World::new().await;
    let lin = world.rep("Lin Wei").await;
    let account = lin.account("Hopton").await;
    let file = pdf(1_000);
    let (one, two) = (
        attachment(&lin, account, "document", json!({})).await,
        attachment(&lin, account, "document", json!({})).await,
    );
    let bytes = [("content-type", "application/offset+octet-stream")];
    let place = begin(&lin, "key-1", one, &bytes, &file[..300]).await.expect(201).header("location");
    let again = begin(&lin, "key-1", one, &bytes, &file[..300]).await.expect(201);
    assert_eq!((again.header("location"), again.header("upload-offset")), (place.clone(), "300".into()));
    let other = begin(&lin, "key-1", two, &bytes, &file[..300]).await.expect(409);
    assert_eq!(other.problem().0, "idempotency_key_reused");
    send(&lin, &place, 300, &file[300..], &[]).await.expect(204);
    let whole = begin(&lin, "key-1", one, &bytes, &file[..300]).await.expect(201);
    assert_eq!((whole.header("location"), whole.header("upload-offset")), (place, "1000".into()));
    assert_eq!(get(&lin, one).await.expect(200).bytes, file);

    let at_once = join_all((0..4).map(|_| begin(&lin, "key-2", two, &[], &[]))).await;
    let places: BTreeSet<String> = at_once.into_iter().map(|begun| begun.expect(201).header("location")).collect();
    assert_eq!(places.len(), 1, "{places:?}");
    for place in &places {
        tus(&lin, Method::DELETE, place, &[], Vec::new()).await.expect(204);
    }
    assert_eq!(begin(&lin, "key-2", two, &[], &[]).await.expect(410).problem().0, "upload_gone");
    begin(&lin, &"k".repeat(201), two, &[], &[]).await.expect(400);
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
async fn a_key_stays_taken_where_nobody_knows_whether_it_was_done() {
    let url = fresh_database(None).await;
    migrate(&url).await.expect("migrates");
    let world = World::on(connect(&url, 5).await.expect("a pool"), Clock::fixed(start())).await;
    let admin = world.admin().await;
    // To the server this is a connection that was lost, before the commit or after it.
    let owner = connect_as_owner(&url, 1).await.expect("the owner");
    for sql in [
        "CREATE FUNCTION lost() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = 'connection_failure'; END $$",
        "CREATE TRIGGER lost BEFORE INSERT ON webhook FOR EACH ROW EXECUTE FUNCTION lost()",
    ] {
        owner.execute_unprepared(sql).await.expect("made");
    }
    let wanted = || json!({ "url": "https://erp.example.com/waypost" });
    let lost = post(&admin, "/v1/webhooks", "key-1", wanted()).await.expect(503);
    assert_eq!(lost.problem().0, "unavailable");
    owner.execute_unprepared("DROP TRIGGER lost ON webhook").await.expect("dropped");
    let again = post(&admin, "/v1/webhooks", "key-1", wanted()).await.expect(409);
    assert_eq!(again.problem().0, "idempotency_in_progress");
    assert!(again.text("/detail").contains("look whether it was done"), "{:#}", again.body);
    post(&admin, "/v1/webhooks", "key-2", wanted()).await.expect(201);
}

#[tokio::test]
async fn a_secret_is_shown_once_and_made_once() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    let key = json!({ "name": "Warehouse", "scopes": ["read"] });
    let feed = json!({ "name": "Phone" });
    for (who, path, wanted, secret) in
        [(&admin, "/v1/api-keys", key, "/key"), (&lin, "/v1/calendar-feeds", feed, "/url")]
    {
        let made = post(who, path, "key-1", wanted.clone()).await.expect(201);
        let again = post(who, path, "key-1", wanted).await.expect(409);
        assert_eq!(again.problem().0, "answer_not_kept");
        assert!(again.text("/detail").contains("shown once"), "{:#}", again.body);
        assert_eq!(who.get(path).await.expect(200).items().len(), 1);
        let sql = "SELECT count(*) FROM receipt WHERE tenant_id = $1 AND result LIKE '%' || $2 || '%'";
        let values = [world.tenant_id.into(), made.text(secret).into()];
        let asked = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
        let row = world.state.db.query_one_raw(asked).await.expect("a count").expect("a row");
        assert_eq!(row.try_get_by_index::<i64>(0).expect("a number"), 0, "no secret is stored");
    }
}

/// The same company on a server that takes three requests a minute of each token.
async fn strict(world: &World) -> World {
    let mut identity =
        Identity::new(Keys::generate().expect("a key"), "https://waypost.example", "waypost", Vec::new());
    identity.rate = Rate::new(NonZeroU32::new(3).expect("three"));
    world.served_by(State::new(world.state.db.clone(), world.state.clock.clone(), identity)).await
}

#[tokio::test]
async fn a_token_is_told_what_it_has_left_and_when_to_come_again() {
    let strict = strict(&World::new().await).await;
    let (one, other) = (strict.rep("Wei Lin").await, strict.rep("Hu Bo").await);
    for left in ["2", "1", "0"] {
        let answer = one.get("/v1/accounts").await.expect(200);
        assert_eq!(answer.header("ratelimit-policy"), "\"token\";q=3;w=60");
        assert_eq!(answer.header("ratelimit"), format!("\"token\";r={left};t=20"));
    }
    let refused = one.get("/v1/accounts").await.expect(429);
    assert_eq!(refused.problem().0, "too_many_requests");
    let seconds: u32 = refused.header("retry-after").parse().expect("seconds");
    assert!((1..=21).contains(&seconds), "{seconds}");
    assert!(refused.header("ratelimit").starts_with("\"token\";r=0;t="));
    other.get("/v1/accounts").await.expect(200);
}

#[tokio::test]
async fn an_answer_that_is_given_again_counts_as_well() {
    let strict = strict(&World::new().await).await;
    let admin = strict.admin().await;
    let wanted = || json!({ "name": "North" });
    let made = post(&admin, "/v1/teams", "key-1", wanted()).await.expect(201);
    assert_eq!(made.header("ratelimit"), "\"token\";r=2;t=20");
    let again = post(&admin, "/v1/teams", "key-1", wanted()).await.expect(201);
    assert_eq!((again.header("ratelimit"), &again.body), ("\"token\";r=1;t=20".into(), &made.body));
    let other = post(&admin, "/v1/teams", "key-1", json!({ "name": "South" })).await.expect(409);
    assert_eq!(other.header("ratelimit"), "\"token\";r=0;t=20");
    let refused = post(&admin, "/v1/teams", "key-1", wanted()).await.expect(429);
    assert_eq!(refused.problem().0, "too_many_requests");
}
