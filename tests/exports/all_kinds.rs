//! Exports of all kinds: what a pull sends, by the same lines, from one snapshot that a pull goes on from.

use std::collections::{BTreeMap, BTreeSet};

use entity::kind::{Kind, Role};
use reqwest::Method;
use sea_orm::Iterable;
use serde_json::{Value, json};
use uuid::Uuid;
use waypost::change::camel;

use super::{Exported, PATHS, begin, company, export, stock};
use crate::world::{Person, World};

const ALL: &str = "format=ndjson";

/// What a client holds: kind and id → the change that brought it.
type Held = BTreeMap<(String, String), Value>;

fn key(change: &Value) -> (String, String) {
    let text = |name: &str| change[name].as_str().expect("text").to_owned();
    (text("kind"), text("id"))
}

/// Reads changes, whether a pull or an export sent them.
fn apply(held: &mut Held, changes: &[Value]) {
    for change in changes {
        if change["deleted"] == true {
            held.remove(&key(change));
        } else {
            held.insert(key(change), change.clone());
        }
    }
}

/// What only one of them holds, or the other holds otherwise.
fn difference<'a>(one: &'a Held, other: &'a Held) -> BTreeSet<&'a (String, String)> {
    one.keys().chain(other.keys()).filter(|key| one.get(*key) != other.get(*key)).collect()
}

/// A whole pull, and the cursor at its end.
async fn pulled(person: &Person, cursor: Option<&str>) -> (Vec<Value>, String) {
    let query = cursor.map(|cursor| format!("?cursor={cursor}")).unwrap_or_default();
    let request = person.request(Method::GET, &format!("/v1/sync/changes{query}")).await;
    let answer = request.header("accept", "application/x-ndjson").send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let text = answer.text().await.expect("a whole body");
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let last = lines.pop().expect("a last line");
    (lines, last["cursor"].as_str().expect("a cursor").to_owned())
}

/// What a phone holds that has just been set up.
async fn fresh(person: &Person) -> Held {
    let mut held = Held::new();
    apply(&mut held, &pulled(person, None).await.0);
    held
}

/// The lines of an export of this kind as a pull would send them.
fn as_changes(kind: Kind, records: Vec<Value>) -> Vec<Value> {
    let change = |record: Value| {
        let is_gone = record["deleted"] == true;
        let mut change =
            json!({ "kind": kind, "id": record["id"], "revision": record["revision"], "deleted": is_gone });
        if !is_gone {
            change[camel(kind.as_str())] = record;
        }
        change
    };
    records.into_iter().map(change).collect()
}

/// Every kind by itself, one after the other.
async fn one_by_one(person: &Person, query: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for kind in Kind::iter() {
        all.extend(as_changes(kind, export(person, &format!("kind={kind}&{query}")).await.lines()));
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_what_a_phone_pulls_and_a_pull_brings_exactly_the_rest() {
    let world = World::new().await;
    let (admin, lin, _) = company(&world).await;
    stock(&world, 5_000).await;
    let (first, place) = pulled(&lin, None).await;
    let mut phone = Held::new();
    apply(&mut phone, &first);
    let mut answer = begin(&lin, ALL).await;
    let cursor = answer.headers()["export-cursor"].to_str().expect("text").to_owned();
    let mut bytes = answer.chunk().await.expect("a chunk").expect("its beginning").to_vec();

    // The stream waits among the products; meanwhile they write, most of all to kinds that come later.
    let of = |kind: &str| -> Uuid {
        let found = first.iter().find(|change| change["kind"] == kind).expect("one of this kind");
        found["id"].as_str().and_then(|id| id.parse().ok()).expect("an id")
    };
    let (account, contact) = (of("account"), of("contact"));
    lin.patch(&format!("/v1/accounts/{account}"), json!({ "industry": "optics" })).await.expect(200);
    lin.delete(&format!("/v1/contacts/{contact}")).await.expect(204);
    let added = lin.account("Added").await;
    lin.post("/v1/plans", json!({ "accountId": added, "plannedOn": "2026-03-09" })).await.expect(201);
    admin.post("/v1/products", json!({ "name": "Added" })).await.expect(201);
    bytes.extend_from_slice(&answer.bytes().await.expect("a whole body"));
    let text = String::from_utf8(bytes).expect("UTF-8");
    let exported = Exported { text, cursor: cursor.clone() }.lines();
    let mut held = Held::new();
    apply(&mut held, &exported);
    assert_eq!(held.len(), exported.len(), "each record comes once, and none as a tombstone");
    assert_eq!(difference(&held, &phone), BTreeSet::new());

    let (rest, _) = pulled(&lin, Some(&cursor)).await;
    assert_eq!(rest, pulled(&lin, Some(&place)).await.0, "as to the phone");
    let buried = |id: Uuid| -> Vec<bool> {
        rest.iter().filter(|change| change["id"] == json!(id)).map(|change| change["deleted"] == true).collect()
    };
    assert_eq!((buried(account), buried(contact), buried(added)), (vec![false], vec![true], vec![false]));
    apply(&mut held, &rest);
    assert_eq!(difference(&held, &fresh(&lin).await), BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wherever_in_the_writes_it_falls_a_pull_goes_on_from_it() {
    let world = World::new().await;
    let (_, lin, _) = company(&world).await;
    let writing = async {
        for n in 0..40 {
            let account = lin.account(&format!("Account {n}")).await;
            let contact = json!({ "accountId": account, "name": "Zhao" });
            let contact = lin.post("/v1/contacts", contact).await.expect(201).id();
            lin.patch(&format!("/v1/accounts/{account}"), json!({ "industry": "optics" })).await.expect(200);
            lin.delete(&format!("/v1/contacts/{contact}")).await.expect(204);
        }
    };
    let exporting = async {
        let mut all = Vec::new();
        for _ in 0..20 {
            all.push(export(&lin, ALL).await);
        }
        all
    };
    let ((), all) = tokio::join!(writing, exporting);
    let now = fresh(&lin).await;
    for (number, exported) in all.iter().enumerate() {
        let mut held = Held::new();
        apply(&mut held, &exported.lines());
        let (rest, _) = pulled(&lin, Some(&exported.cursor)).await;
        for change in &rest {
            assert_ne!(held.get(&key(change)), Some(change), "export {number}: it was there already");
        }
        apply(&mut held, &rest);
        assert_eq!(difference(&held, &now), BTreeSet::new(), "export {number}");
    }
}

#[tokio::test]
async fn it_has_the_lines_of_each_kinds_own_export() {
    let world = World::new().await;
    let (admin, ..) = company(&world).await;
    // Of these kinds there are as many as a page takes, so that one ends where a kind ends.
    let mut filled = 0;
    for kind in [Kind::Team, Kind::User, Kind::Product] {
        filled += export(&admin, &format!("kind={kind}&{ALL}")).await.lines().len();
    }
    stock(&world, 500 - filled).await;
    let (all, expected) = (export(&admin, ALL).await.lines(), one_by_one(&admin, ALL).await);
    let differs = all.iter().zip(&expected).find(|(one, other)| one != other);
    assert_eq!((all.len(), differs), (expected.len(), None));
    let kinds: BTreeSet<&str> = all.iter().filter_map(|change| change["kind"].as_str()).collect();
    assert!(all.len() > 500 && kinds.len() > PATHS.len(), "{kinds:?}");
}

#[tokio::test]
async fn it_goes_on_where_another_ended() {
    let world = World::new().await;
    let (admin, lin, _) = company(&world).await;
    let account = lin.account("Hopton").await;
    let contact = json!({ "accountId": account, "name": "Zhao" });
    let contact = lin.post("/v1/contacts", contact).await.expect(201).id();
    let program = world.user(Role::Integration, "ERP", world.top_team).await;
    let before = export(&program, ALL).await;
    lin.patch(&format!("/v1/accounts/{account}"), json!({ "industry": "optics" })).await.expect(200);
    lin.delete(&format!("/v1/contacts/{contact}")).await.expect(204);
    let product = admin.post("/v1/products", json!({ "name": "Added" })).await.expect(201).id();

    let query = format!("{ALL}&since={}", before.cursor);
    let after = export(&program, &query).await;
    let changes = after.lines();
    assert_eq!(changes, one_by_one(&program, &query).await);
    let told: Vec<(&Value, &Value, bool)> =
        changes.iter().map(|change| (&change["kind"], &change["id"], change["deleted"] == true)).collect();
    let expected = [
        (json!("product"), json!(product), false),
        (json!("account"), json!(account), false),
        (json!("contact"), json!(contact), true),
    ];
    assert_eq!(told, expected.iter().map(|(kind, id, gone)| (kind, id, *gone)).collect::<Vec<_>>());
    assert_eq!(changes[1]["account"]["industry"], "optics");
    assert_eq!(changes[2], json!({ "kind": "contact", "id": contact, "revision": 2, "deleted": true }));
    assert_eq!(export(&program, &format!("{ALL}&since={}", after.cursor)).await.text, "");

    // What it held, with what came, is what it would hold now.
    let (mut held, mut now) = (Held::new(), Held::new());
    apply(&mut held, &before.lines());
    apply(&mut held, &changes);
    apply(&mut now, &export(&program, ALL).await.lines());
    assert_eq!(difference(&held, &now), BTreeSet::new());
    lin.get(&format!("/v1/exports?since={}", before.cursor)).await.expect(403);
}

#[tokio::test]
async fn a_table_has_one_kind() {
    let world = World::new().await;
    let lin = world.rep("Lin Wei").await;
    for (path, accept) in [
        ("/v1/exports?format=csv", "*/*"),
        ("/v1/exports?format=csv&bom=true", "application/x-ndjson"),
        ("/v1/exports", "text/csv"),
    ] {
        let refused = lin.send(Method::GET, path, None, &[("accept", accept)]).await.expect(400);
        assert_eq!(refused.problem(), ("malformed".to_owned(), vec!["kind".to_owned()]), "{path}");
        assert!(refused.text("/detail").contains("name it, or ask for all kinds as NDJSON with `format=ndjson`"));
    }
    for accept in ["*/*", "application/x-ndjson", "application/problem+json, application/x-ndjson, text/csv"] {
        let request = lin.request(Method::GET, "/v1/exports").await.header("accept", accept);
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{accept}");
        let headers = answer.headers();
        assert_eq!(headers["content-type"], "application/x-ndjson", "{accept}");
        assert_eq!(headers["content-disposition"], "attachment; filename=\"waypost.ndjson\"");
        assert!(answer.text().await.expect("a whole body").starts_with("{\"kind\":\"team\","), "{accept}");
    }
}
