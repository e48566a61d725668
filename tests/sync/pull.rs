//! What a phone gets to see, page by page, and what is taken from it.

use chrono::TimeDelta;
use entity::kind::Role;
use futures_util::future::join_all;
use reqwest::{Method, header};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};
use uuid::Uuid;
use waypost::clock::Clock;
use waypost::sync::expire::expire;

use super::phone::{Phone, Pulled};
use crate::world::{World, start};

async fn rep(world: &World, name: &str) -> Phone {
    Phone::new(world, world.rep(name).await)
}

async fn contact(phone: &Phone, account: Uuid, name: &str) -> Uuid {
    let id = Uuid::now_v7();
    let fields = json!({ "contact": { "accountId": account, "name": name } });
    phone.applies(phone.mutation("contact", "create", id, fields)).await;
    id
}

async fn delete(phone: &Phone, kind: &str, id: Uuid) {
    phone.applies(phone.mutation(kind, "delete", id, json!({}))).await;
}

fn member(account: Uuid, phone: &Phone) -> String {
    format!("/v1/accounts/{account}/members/{}", phone.person.id)
}

async fn changes(phone: &Phone, limit: usize) -> Vec<Value> {
    phone.ask(limit).await.expect(200).body["changes"].as_array().expect("changes").clone()
}

#[tokio::test]
async fn a_first_pull_has_no_tombstones_and_an_empty_one_no_changes() {
    let world = World::new().await;
    let mut lin = rep(&world, "Lin Wei").await;
    let account = lin.account("Hopton").await;
    let gone = contact(&lin, account, "Zhao").await;
    delete(&lin, "contact", gone).await;
    // `pull` insists that a first pull has no tombstones; across pages too.
    lin.pull(2).await;
    lin.agrees(&world, "first pull").await;
    let again = lin.ask(10).await.expect(200);
    assert_eq!((&again.body["changes"], &again.body["hasMore"]), (&json!([]), &json!(false)));
    let other = contact(&lin, account, "Qian").await;
    delete(&lin, "contact", other).await;
    let buried = changes(&lin, 10).await;
    assert_eq!(buried, [json!({ "kind": "contact", "id": other, "revision": 2, "deleted": true })]);
}

/// The server answers them together: each must get his own answer, and none an older one than he asked for.
#[tokio::test]
async fn phones_that_ask_at_the_same_time_each_hear_their_own_news() {
    let world = World::new().await;
    let mut phones = Vec::new();
    for name in ["Lin Wei", "Bo Chen", "Mei Zhang"] {
        let phone = rep(&world, name).await;
        let account = phone.account(name).await;
        phones.push((phone, account));
    }
    for (phone, _) in &mut phones {
        phone.pull(100).await;
    }
    for round in 0..12 {
        let at = round % phones.len();
        let ask_all = || join_all(phones.iter().flat_map(|(phone, _)| [phone.ask(10), phone.ask(10), phone.ask(10)]));
        // Some ask while it is written; what they hear is their luck.
        let (written, _) = tokio::join!(contact(&phones[at].0, phones[at].1, "Zhao"), ask_all());
        for (number, answer) in ask_all().await.into_iter().enumerate() {
            let body = answer.expect(200).body;
            let ids: Vec<&Value> = body["changes"].as_array().expect("changes").iter().map(|it| &it["id"]).collect();
            let expected = if number / 3 == at { vec![json!(written)] } else { Vec::new() };
            assert_eq!(ids, expected.iter().collect::<Vec<_>>(), "round {round}, question {number}");
        }
        phones[at].0.pull(100).await;
    }
}

#[tokio::test]
async fn the_first_page_says_where_the_pull_ends() {
    let world = World::new().await;
    let mut lin = rep(&world, "Lin Wei").await;
    let account = lin.account("Hopton").await;
    lin.pull(100).await;
    for name in ["A", "B", "C", "D"] {
        contact(&lin, account, name).await;
    }
    assert_eq!(lin.page(2).await, Pulled::More);
    let late = contact(&lin, account, "E").await;
    assert_eq!(lin.page(10).await, Pulled::Whole);
    assert_eq!(lin.all("contact").count(), 4);
    assert!(!lin.holds("contact", late), "it was written after the first page");
    lin.pull(10).await;
    lin.agrees(&world, "the next pull").await;
}

#[tokio::test]
async fn an_account_comes_and_goes_with_everything_under_it() {
    let world = World::new().await;
    let admin = world.admin().await;
    let (lin, mut bo) = (rep(&world, "Lin Wei").await, rep(&world, "Bo Chen").await);
    let account = lin.account("Hopton").await;
    let (keeps, gone) = (contact(&lin, account, "Zhao").await, contact(&lin, account, "Qian").await);
    delete(&lin, "contact", gone).await;
    bo.pull(100).await;
    assert!(!bo.holds("account", account));

    admin.put(&member(account, &bo), json!({ "role": "member" })).await.expect(200);
    let came = changes(&bo, 100).await;
    assert!(came.iter().all(|change| change["deleted"] == false), "what he never had needs no tombstone: {came:#?}");
    bo.pull(3).await;
    assert!(bo.holds("account", account) && bo.holds("contact", keeps));
    bo.agrees(&world, "shared").await;

    admin.delete(&member(account, &bo)).await.expect(204);
    let went = changes(&bo, 100).await;
    assert!(went.iter().all(|change| change["deleted"] == true) && went.len() == 4, "{went:#?}");
    bo.pull(1).await;
    bo.agrees(&world, "taken back").await;

    admin.put(&member(account, &bo), json!({ "role": "owner" })).await.expect(200);
    bo.pull(2).await;
    bo.agrees(&world, "handed over").await;
    assert_eq!(bo.document("account", account)["ownerId"], json!(bo.person.id));
}

#[tokio::test]
async fn a_manager_sees_the_teams_below_wherever_they_move() {
    let world = World::new().await;
    let admin = world.admin().await;
    let (north, south) = (world.team(&admin, "North").await, world.team(&admin, "South").await);
    let mut mei = Phone::new(&world, world.user(Role::Manager, "Mei", north).await);
    let lin = Phone::new(&world, world.user(Role::Rep, "Lin Wei", north).await);
    let bo = Phone::new(&world, world.user(Role::Rep, "Bo Chen", south).await);
    let (his, other) = (lin.account("Hopton").await, bo.account("Sefton").await);
    // Both work this one: it stays in view when one of them goes.
    let both = lin.account("Common").await;
    admin.put(&member(both, &bo), json!({ "role": "member" })).await.expect(200);
    mei.pull(4).await;
    assert!(mei.holds("account", his) && mei.holds("account", both) && !mei.holds("account", other));
    mei.agrees(&world, "at first").await;

    let move_to = |user: Uuid, team: Uuid| (format!("/v1/users/{user}"), json!({ "teamId": team }));
    let (path, edit) = move_to(bo.person.id, north);
    admin.patch(&path, edit).await.expect(200);
    mei.pull(3).await;
    assert!(mei.holds("account", other));
    mei.agrees(&world, "somebody came").await;

    let (path, edit) = move_to(lin.person.id, south);
    admin.patch(&path, edit).await.expect(200);
    let came = changes(&mei, 1000).await;
    assert!(
        !came.iter().any(|change| change["id"] == json!(both) && change["deleted"] == true),
        "another scope shows it"
    );
    mei.pull(1).await;
    assert!(!mei.holds("account", his) && mei.holds("account", both));
    mei.agrees(&world, "somebody went").await;

    // The team goes below hers, and everybody in it with it.
    admin.patch(&format!("/v1/teams/{south}"), json!({ "parentId": north })).await.expect(200);
    mei.pull(2).await;
    assert!(mei.holds("account", his));
    mei.agrees(&world, "a team came").await;

    admin.patch(&format!("/v1/users/{}", mei.person.id), json!({ "role": "rep" })).await.expect(200);
    mei.pull(2).await;
    assert!(!mei.holds("account", his) && !mei.holds("account", both));
    mei.agrees(&world, "a manager no more").await;
}

#[tokio::test]
async fn what_is_revoked_stops_in_the_middle_of_a_pull() {
    let world = World::new().await;
    let admin = world.admin().await;
    let south = world.team(&admin, "South").await;
    let north = world.team(&admin, "North").await;
    let mut mei = Phone::new(&world, world.user(Role::Manager, "Mei", north).await);
    let lin = Phone::new(&world, world.user(Role::Rep, "Lin Wei", north).await);
    for name in ["A", "B", "C"] {
        lin.account(name).await;
    }
    // Scopes are read in the order of their ids; his comes after the tenant's, which was made earlier.
    while mei.all("account").count() == 0 {
        assert_eq!(mei.page(1).await, Pulled::More);
    }
    admin.patch(&format!("/v1/users/{}", lin.person.id), json!({ "teamId": south })).await.expect(200);
    while mei.page(1).await == Pulled::More {
        assert_eq!(mei.all("account").count(), 1, "nothing more of a scope that is gone");
    }
    mei.pull(2).await;
    assert_eq!(mei.all("account").count(), 0);
    mei.agrees(&world, "after the pull").await;

    // And what is granted in the middle comes with the next pull.
    admin.patch(&format!("/v1/users/{}", mei.person.id), json!({ "teamId": south })).await.expect(200);
    assert_eq!(mei.page(1).await, Pulled::More);
    admin.patch(&format!("/v1/users/{}", lin.person.id), json!({ "teamId": north })).await.expect(200);
    mei.pull(1).await;
    mei.pull(1).await;
    mei.agrees(&world, "after a grant that was taken back").await;
}

#[tokio::test]
async fn an_opportunity_without_account_is_its_owners() {
    let world = World::new().await;
    let mut mei = Phone::new(&world, world.manager("Mei").await);
    let (mut lin, mut bo) = (rep(&world, "Lin Wei").await, rep(&world, "Bo Chen").await);
    let id = Uuid::now_v7();
    lin.applies(lin.mutation("opportunity", "create", id, json!({ "opportunity": { "name": "Fair" } }))).await;
    for phone in [&mut mei, &mut lin, &mut bo] {
        phone.pull(100).await;
    }
    assert!(mei.holds("opportunity", id) && lin.holds("opportunity", id) && !bo.holds("opportunity", id));
    let give = json!({ "baseRevision": 1, "opportunity": { "ownerId": bo.person.id } });
    mei.applies(mei.mutation("opportunity", "update", id, give)).await;
    for phone in [&mut mei, &mut lin, &mut bo] {
        phone.pull(100).await;
        phone.agrees(&world, "given away").await;
    }
    assert!(mei.holds("opportunity", id) && !lin.holds("opportunity", id) && bo.holds("opportunity", id));
    let account = bo.account("Hopton").await;
    let put = json!({ "baseRevision": 2, "opportunity": { "accountId": account } });
    bo.applies(bo.mutation("opportunity", "update", id, put)).await;
    let away = json!({ "baseRevision": 3, "clear": ["accountId"] });
    bo.applies(bo.mutation("opportunity", "update", id, away)).await;
    for phone in [&mut mei, &mut bo] {
        phone.pull(100).await;
        phone.agrees(&world, "under an account and back").await;
    }
}

#[tokio::test]
async fn cursors_that_can_no_longer_be_used() {
    // Long ago, so that what expires here is nothing to the other stories of this database.
    let world = World::at(Clock::fixed(start() - TimeDelta::days(3000))).await;
    let (mut lin, mut bo) = (rep(&world, "Lin Wei").await, rep(&world, "Bo Chen").await);
    let account = lin.account("Hopton").await;
    let gone = contact(&lin, account, "Zhao").await;
    lin.pull(100).await;
    bo.pull(100).await;

    let foreign = Phone { cursor: bo.cursor.clone(), ..rep(&world, "Cai").await };
    assert_eq!(foreign.ask(10).await.expect(410).problem().0, "cursor_expired");
    let rubbish = Phone { cursor: Some("rubbish".into()), ..rep(&world, "Dan").await };
    assert_eq!(rubbish.ask(10).await.status, 400);
    for limit in ["0", "5001", "-1", "many"] {
        let answer = lin.person.get(&format!("/v1/sync/changes?limit={limit}")).await;
        assert_eq!(answer.expect(400).problem().1, ["limit"], "{limit}");
    }

    // Away while a tombstone came and went.
    let mut tablet = Phone::new(&world, world.person(lin.person.id));
    tablet.pull(100).await;
    let mut paging = Phone::new(&world, world.person(lin.person.id));
    assert_eq!(paging.page(1).await, Pulled::More);
    delete(&lin, "contact", gone).await;
    lin.pull(100).await;
    world.wait(TimeDelta::days(89));
    expire(&world.state).await.expect("expires");
    assert_eq!(tablet.ask(10).await.status, 200, "kept for 90 days");
    world.wait(TimeDelta::days(2));
    expire(&world.state).await.expect("expires");
    assert_eq!(tablet.pull(100).await, Pulled::Restarted);
    tablet.agrees(&world, "started over").await;
    assert_eq!(paging.pull(100).await, Pulled::Restarted, "in the middle of a first pull as well");
    paging.agrees(&world, "started over").await;
    // Who has seen it needs nothing.
    assert_eq!(lin.pull(100).await, Pulled::Whole);
    lin.agrees(&world, "after the tombstones").await;

    // A backup was restored.
    let sql = "UPDATE sync_clock SET epoch = epoch + 1 WHERE tenant_id = $1";
    let bump = Statement::from_sql_and_values(DbBackend::Postgres, sql, [world.tenant_id.into()]);
    world.state.db.execute_raw(bump).await.expect("bumps");
    assert_eq!(lin.pull_lines(10).await, Pulled::Restarted);
    assert_eq!(lin.pull(10).await, Pulled::Whole);
    lin.agrees(&world, "another epoch").await;
}

#[tokio::test]
async fn a_scope_that_was_lost_before_tombstones_went_needs_a_new_start() {
    let world = World::at(Clock::fixed(start() - TimeDelta::days(6000))).await;
    let admin = world.admin().await;
    let (lin, mut bo) = (rep(&world, "Lin Wei").await, rep(&world, "Bo Chen").await);
    let account = lin.account("Hopton").await;
    admin.put(&member(account, &bo), json!({ "role": "member" })).await.expect(200);
    bo.pull(100).await;
    admin.delete(&member(account, &bo)).await.expect(204);
    world.wait(TimeDelta::days(91));
    expire(&world.state).await.expect("expires");
    assert_eq!(bo.pull(100).await, Pulled::Restarted);
    bo.agrees(&world, "started over").await;
}

#[tokio::test]
async fn a_replica_is_proven_and_repaired() {
    let world = World::new().await;
    let mut lin = rep(&world, "Lin Wei").await;
    let account = lin.account("Hopton").await;
    let kept = contact(&lin, account, "Zhao").await;
    lin.pull(100).await;
    assert_eq!(lin.digest(), lin.server_digest().await);

    // The phone forgets one record, and holds one that is not there.
    let stray = Uuid::now_v7();
    lin.replica.remove(&("contact".to_owned(), kept));
    lin.replica.insert(("contact".to_owned(), stray), (1, json!({})));
    assert_ne!(lin.digest(), lin.server_digest().await);
    let answer = lin.person.get("/v1/sync/digest?kind=contact").await.expect(200);
    assert_eq!(answer.body["records"], json!([{ "id": kept, "revision": 1 }]));
    let keys = json!({ "records": [{ "kind": "contact", "id": kept }, { "kind": "contact", "id": stray }] });
    let fetched = lin.person.post("/v1/sync/records", keys).await.expect(200);
    let changes = fetched.body["changes"].as_array().expect("changes");
    let of = |id: Uuid| changes.iter().find(|change| change["id"] == json!(id)).expect("an answer for each");
    assert_eq!((&of(kept)["deleted"], &of(kept)["contact"]["name"]), (&json!(false), &json!("Zhao")));
    assert_eq!(of(stray)["deleted"], true);
    let head = lin.ask(1).await.body["head"].clone();
    assert_eq!(answer.body["head"], head);
}

#[tokio::test]
async fn the_whole_pull_as_lines_and_compressed() {
    let world = World::new().await;
    let lin = rep(&world, "Lin Wei").await;
    let account = lin.account("Hopton").await;
    for at in 0..60 {
        contact(&lin, account, &format!("Contact {at}")).await;
    }
    let mut pages = Phone::new(&world, world.person(lin.person.id));
    pages.pull(7).await;
    let mut lines = Phone::new(&world, world.person(lin.person.id));
    assert_eq!(lines.pull_lines(7).await, Pulled::Whole);
    assert_eq!(lines.replica, pages.replica);
    lines.agrees(&world, "lines").await;
    assert!(changes(&lines, 10).await.is_empty(), "the last line has the cursor of the end");

    // A client that decodes nothing by itself.
    let raw = reqwest::Client::builder().no_gzip().no_zstd().build().expect("a client");
    let (url, token) = (format!("{}/v1/sync/changes?limit=500", world.url), lin.person.token().await);
    let ask = async |coding: &str| {
        let request = raw.get(&url).bearer_auth(&token).header(header::ACCEPT_ENCODING, coding);
        let answer = request.send().await.expect("an answer");
        let named = answer.headers().get(header::CONTENT_ENCODING).map(|value| value.as_bytes().to_vec());
        (named, answer.bytes().await.expect("a body").len())
    };
    let (_, long) = ask("identity").await;
    for coding in ["gzip", "zstd"] {
        let (named, short) = ask(coding).await;
        assert_eq!(named.as_deref(), Some(coding.as_bytes()));
        assert!(short * 4 < long, "{coding}: {short} of {long} bytes");
    }
}

#[tokio::test]
async fn sync_is_for_phones() {
    let world = World::new().await;
    let admin = world.admin().await;
    for path in ["/v1/sync/changes", "/v1/sync/digest", "/v1/sync/events"] {
        assert_eq!(admin.get(path).await.expect(403).problem().0, "forbidden", "{path}");
    }
    let push = json!({ "deviceId": Uuid::now_v7(), "mutations": [] });
    admin.post("/v1/sync/mutations", push.clone()).await.expect(403);
    let keys = json!({ "records": [{ "kind": "team", "id": world.top_team }] });
    admin.post("/v1/sync/records", keys).await.expect(403);

    let key = json!({ "name": "ERP", "scopes": ["read", "write"] });
    let key = admin.post("/v1/api-keys", key).await.expect(201);
    let key = key.text("/key");
    for (method, path, body) in [
        (Method::GET, "/v1/sync/changes", None),
        (Method::GET, "/v1/sync/digest", None),
        (Method::POST, "/v1/sync/mutations", Some(push)),
    ] {
        let mut request = reqwest::Client::new().request(method, format!("{}{path}", world.url)).bearer_auth(&key);
        if let Some(body) = body {
            request = request.json(&body);
        }
        assert_eq!(request.send().await.expect("an answer").status().as_u16(), 403, "{path}");
    }
}
