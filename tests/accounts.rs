//! `/v1/accounts`: who sees an account, who works it, and what guards its writes.

use entity::kind::Role;
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::world::World;

#[tokio::test]
async fn an_account_is_seen_by_its_rep_and_who_leads_him() {
    let world = World::new().await;
    let admin = world.admin().await;
    let (north, south) = (world.team(&admin, "North").await, world.team(&admin, "South").await);
    let lin = world.user(Role::Rep, "Lin Wei", north).await;
    let colleague = world.user(Role::Rep, "Zhao Min", north).await;
    let leader = world.user(Role::Manager, "Chen Hua", north).await;
    let other_leader = world.user(Role::Manager, "Wu Jie", south).await;
    let stranger = World::new().await.admin().await;

    let created = lin.post("/v1/accounts", json!({ "kind": "business", "name": "霍普光通信" })).await.expect(201);
    let path = format!("/v1/accounts/{}", created.id());
    assert_eq!(created.header("location"), path);
    assert_eq!(created.header("etag"), "\"1\"");
    assert_eq!(created.text("/ownerId"), lin.id.to_string());

    for (who, sees) in
        [(&lin, true), (&leader, true), (&admin, true), (&colleague, false), (&other_leader, false), (&stranger, false)]
    {
        who.get(&path).await.expect(if sees { 200 } else { 404 });
        assert_eq!(who.get("/v1/accounts").await.expect(200).ids().len(), usize::from(sees));
        if !sees {
            who.patch(&path, json!({ "phone": "1" })).await.expect(404);
            who.delete(&path).await.expect(404);
            who.get(&format!("{path}/members")).await.expect(404);
        }
    }
}

#[tokio::test]
async fn sharing_and_handing_over() {
    let world = World::new().await;
    let (lin, zhao) = (world.rep("Lin Wei").await, world.rep("Zhao Min").await);
    let account = lin.account("Acme").await;
    let path = format!("/v1/accounts/{account}");
    let contact = json!({ "accountId": account, "name": "Wang Fang" });
    let contact = lin.post("/v1/contacts", contact).await.expect(201).id();
    let zhao_member = format!("{path}/members/{}", zhao.id);

    lin.put(&zhao_member, json!({ "role": "member" })).await.expect(200);
    zhao.get(&path).await.expect(200);
    zhao.get(&format!("/v1/contacts/{contact}")).await.expect(200);
    // A member works the account, but does not say who else does.
    zhao.put(&format!("{path}/members/{}", zhao.id), json!({ "role": "owner" })).await.expect(403);

    lin.put(&zhao_member, json!({ "role": "owner" })).await.expect(200);
    assert_eq!(lin.get(&path).await.expect(200).text("/ownerId"), zhao.id.to_string());
    let members = zhao.get(&format!("{path}/members?sort=createdAt")).await.expect(200);
    assert_eq!(members.each("role").len(), 2);
    assert_eq!(members.each("role").iter().filter(|role| **role == "owner").count(), 1);

    zhao.delete(&format!("{path}/members/{}", zhao.id)).await.expect(409);
    zhao.delete(&format!("{path}/members/{}", lin.id)).await.expect(204);
    lin.get(&path).await.expect(404);
    lin.get(&format!("/v1/contacts/{contact}")).await.expect(404);
    zhao.get(&format!("/v1/contacts/{contact}")).await.expect(200);
}

#[tokio::test]
async fn a_write_on_what_changed_meanwhile_is_refused() {
    let world = World::new().await;
    let lin = world.rep("Lin Wei").await;
    let path = format!("/v1/accounts/{}", lin.account("Acme").await);

    let changed = lin.patch(&path, json!({ "phone": "+86 21 5555 0100", "name": null })).await.expect(200);
    assert_eq!(changed.header("etag"), "\"2\"");
    assert_eq!(changed.text("/name"), "Acme", "null leaves a field as it is");

    let stale = lin.send(Method::PATCH, &path, Some(json!({ "phone": "2" })), &[("If-Match", "\"1\"")]).await;
    assert_eq!(stale.expect(412).problem().0, "revision_mismatch");
    lin.send(Method::DELETE, &path, None, &[("If-Match", "\"1\"")]).await.expect(412);
    lin.send(Method::PATCH, &path, Some(json!({})), &[("If-Match", "yesterday")]).await.expect(400);

    let fresh = json!({ "clear": ["phone"] });
    let cleared = lin.send(Method::PATCH, &path, Some(fresh), &[("If-Match", "\"2\"")]).await.expect(200);
    assert_eq!(cleared.body.get("phone"), None);
    assert_eq!(lin.patch(&path, json!({ "clear": ["name"] })).await.expect(422).problem().1, ["/clear"]);
}

#[tokio::test]
async fn a_repeated_creation_makes_one_account() {
    let world = World::new().await;
    let lin = world.rep("Lin Wei").await;
    let create = async |name: &str, id: Option<Uuid>| {
        let mut body = json!({ "kind": "business", "name": name });
        if let Some(id) = id {
            body["id"] = json!(id);
        }
        lin.send(Method::POST, "/v1/accounts", Some(body), &[("Idempotency-Key", "k1")]).await
    };
    let (first, second) = tokio::join!(create("Acme", None), create("Acme", None));
    assert_eq!(first.expect(201).body, second.expect(201).body);
    assert_eq!(create("Other", None).await.expect(409).problem().0, "idempotency_key_reused");
    assert_eq!(create("Acme", Some(Uuid::now_v7())).await.expect(409).problem().0, "idempotency_key_reused");
    assert_eq!(lin.get("/v1/accounts").await.ids().len(), 1);

    // The same key on another record is another request, too.
    let zhao = world.rep("Zhao Min").await;
    let body = json!({ "kind": "business", "name": "Acme" });
    zhao.send(Method::POST, "/v1/accounts", Some(body), &[("Idempotency-Key", "k1")]).await.expect(201);
}

#[tokio::test]
async fn an_id_that_a_phone_made_is_kept_and_used_once() {
    let world = World::new().await;
    let (lin, zhao) = (world.rep("Lin Wei").await, world.rep("Zhao Min").await);
    let body = json!({ "id": Uuid::now_v7(), "kind": "consumer", "name": "Li Na" });
    assert_eq!(json!(lin.post("/v1/accounts", body.clone()).await.expect(201).id()), body["id"]);
    for who in [&lin, &zhao] {
        let taken = who.post("/v1/accounts", body.clone()).await.expect(409);
        assert_eq!(taken.problem(), ("duplicate".to_owned(), vec!["/id".to_owned()]));
    }
}

#[tokio::test]
async fn search_finds_names_in_any_script() {
    let world = World::new().await;
    let lin = world.rep("Lin Wei").await;
    for name in ["霍普光通信", "光迅科技", "Hopton 100%", "Hopton"] {
        lin.account(name).await;
    }
    for (text, found) in [
        ("光通", vec!["霍普光通信"]),
        ("光", vec!["光迅科技", "霍普光通信"]),
        ("hop", vec!["Hopton", "Hopton 100%"]),
        ("100%", vec!["Hopton 100%"]),
        ("%", vec!["Hopton 100%"]),
        ("_", vec![]),
    ] {
        let url = reqwest::Url::parse_with_params("http://x/v1/accounts", [("search", text), ("sort", "name")])
            .expect("a URL");
        let page = lin.get(&format!("{}?{}", url.path(), url.query().unwrap_or_default())).await.expect(200);
        assert_eq!(page.each("name"), found, "{text}");
    }
}

#[tokio::test]
async fn paging_gives_every_row_once_also_with_equal_values() {
    let world = World::new().await;
    let lin = world.rep("Lin Wei").await;
    let mut all = Vec::new();
    for number in 0..11 {
        all.push(lin.account(if number % 3 == 0 { "Same" } else { "Also the same" }).await);
    }
    all.sort();
    for sort in ["name", "-name", "createdAt", "-createdAt", "updatedAt"] {
        let mut seen = Vec::new();
        let mut path = format!("/v1/accounts?limit=4&sort={sort}");
        loop {
            let page = lin.get(&path).await.expect(200);
            seen.extend(page.ids());
            let Some(cursor) = page.body["cursor"].as_str() else { break };
            assert_eq!(page.items().len(), 4);
            path = format!("/v1/accounts?limit=4&sort={sort}&cursor={cursor}");
        }
        seen.sort();
        assert_eq!(seen, all, "{sort}");
    }
    let page = lin.get("/v1/accounts?limit=4&sort=name").await;
    let cursor = page.text("/cursor");
    lin.get(&format!("/v1/accounts?sort=-name&cursor={cursor}")).await.expect(400);
    lin.get("/v1/accounts?cursor=AAAA").await.expect(400);
    // A cursor of the right form with a value that is no time.
    lin.get("/v1/accounts?cursor=eyJzb3J0IjoiLWNyZWF0ZWRBdCIsInZhbHVlIjoibm93aGVyZSIsImlkIjoiMDE5OGMwZGUtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMDAxIn0")
        .await
        .expect(400);
    assert_eq!(lin.get("/v1/accounts?sort=colour").await.expect(422).problem().1, ["sort"]);
    lin.get("/v1/accounts?limit=0").await.expect(400);
    lin.get("/v1/accounts?limit=201").await.expect(400);
}

#[tokio::test]
async fn filters_narrow_the_list() {
    let world = World::new().await;
    let lin = world.rep("Lin Wei").await;
    let body = json!({ "kind": "channel", "name": "Ample", "industry": "optics", "externalId": "A-1" });
    let channel = lin.post("/v1/accounts", body).await.expect(201).id();
    let below = json!({ "kind": "business", "name": "Below", "parentId": channel });
    let below = lin.post("/v1/accounts", below).await.expect(201).id();
    for (filter, found) in [
        ("kind=channel".to_owned(), vec![channel]),
        ("industry=optics".to_owned(), vec![channel]),
        ("externalId=A-1".to_owned(), vec![channel]),
        (format!("parentId={channel}"), vec![below]),
        (format!("ownerId={}&sort=name", lin.id), vec![channel, below]),
        (format!("ownerId={}", Uuid::now_v7()), vec![]),
        ("kind=channel&industry=steel".to_owned(), vec![]),
    ] {
        assert_eq!(lin.get(&format!("/v1/accounts?{filter}")).await.expect(200).ids(), found, "{filter}");
    }
    lin.get("/v1/accounts?kind=planet").await.expect(400);
}

#[tokio::test]
async fn refusals_name_the_field() {
    let world = World::new().await;
    let lin = world.rep("Lin Wei").await;
    for (body, status, fields) in [
        (json!({}), 422, vec!["/kind", "/name"]),
        (json!({ "name": "Acme" }), 422, vec!["/kind"]),
        (json!({ "kind": "planet", "name": "Acme" }), 400, vec!["/kind"]),
        (json!({ "kind": "business", "name": " " }), 400, vec!["/name"]),
        (json!({ "kind": "business", "name": "two\nlines" }), 400, vec!["/name"]),
        (json!({ "kind": "business", "name": "Acme", "employees": -1 }), 400, vec!["/employees"]),
        (json!({ "kind": "business", "name": "Acme", "annualRevenue": "1e9" }), 400, vec!["/annualRevenue"]),
        (json!({ "kind": "business", "name": "Acme", "parentId": Uuid::now_v7() }), 422, vec!["/parentId"]),
        (json!({ "id": "7", "kind": "business", "name": "Acme" }), 400, vec!["/id"]),
    ] {
        let refused = lin.post("/v1/accounts", body.clone()).await.expect(status);
        assert_eq!(refused.problem().1, fields, "{body}: {:#}", refused.body);
    }
    lin.post("/v1/accounts", json!({ "kind": "business", "name": "A", "externalId": "7" })).await.expect(201);
    let twice = lin.post("/v1/accounts", json!({ "kind": "business", "name": "B", "externalId": "7" })).await;
    assert_eq!(twice.expect(409).problem(), ("duplicate".to_owned(), vec!["/externalId".to_owned()]));
}

#[tokio::test]
async fn an_account_in_use_stays() {
    let world = World::new().await;
    let lin = world.rep("Lin Wei").await;
    let account = lin.account("Acme").await;
    let path = format!("/v1/accounts/{account}");
    let contact = lin.post("/v1/contacts", json!({ "accountId": account, "name": "Wang Fang" })).await.expect(201).id();

    let refused = lin.delete(&path).await.expect(409);
    assert!(refused.text("/detail").contains("1 of kind contact"), "{:#}", refused.body);
    lin.delete(&format!("/v1/contacts/{contact}")).await.expect(204);
    lin.delete(&path).await.expect(204);
    lin.get(&path).await.expect(404);
    let edited = lin.patch(&path, json!({ "name": "Back" })).await.expect(409);
    assert_eq!(edited.problem().0, "record_deleted");
    assert!(lin.get("/v1/accounts").await.items().is_empty());
}

/// What was typed into a misspelt field would be lost without a word.
#[tokio::test]
async fn a_field_that_does_not_exist_is_named() {
    let world = World::new().await;
    let lin = world.rep("Lin Wei").await;
    let made = json!({ "kind": "business", "name": "Acme", "adress": { "city": "Wuhan" } });
    assert_eq!(lin.post("/v1/accounts", made).await.expect(400).problem().1, ["/adress"]);
    let made = json!({ "kind": "business", "name": "Acme", "address": { "town": "Wuhan" } });
    assert_eq!(lin.post("/v1/accounts", made).await.expect(400).problem().1, ["/address/town"]);
    let path = format!("/v1/accounts/{}", lin.account("Acme").await);
    assert_eq!(lin.patch(&path, json!({ "indutsry": "Fibre" })).await.expect(400).problem().1, ["/indutsry"]);
}
