//! `GET /v1/exports`: everything of a kind that the caller sees, from one snapshot, fit to be imported again. Exports of all
//! kinds are told of in `all_kinds`.

mod all_kinds;

use std::collections::BTreeMap;

use entity::kind::{Kind, Role};
use entity::product;
use reqwest::{Method, Response};
use sea_orm::Iterable;
use serde_json::{Value, json};
use uuid::Uuid;
use waypost::auth::Actor;
use waypost::import::field::fields;
use waypost::work::UnitOfWork;

use crate::import::jobs::{Part, counts, ended, send};
use crate::world::{Person, World};

struct Exported {
    text: String,
    cursor: String,
}

async fn export(person: &Person, query: &str) -> Exported {
    let answer = person.request(Method::GET, &format!("/v1/exports?{query}")).await.send().await.expect("an answer");
    assert_eq!(answer.status(), 200, "{query}");
    let cursor = answer.headers()["export-cursor"].to_str().expect("text").to_owned();
    Exported { cursor, text: answer.text().await.expect("a whole body") }
}

/// An export that has begun and is not read. What is compressed would be gone at once.
async fn begin(person: &Person, query: &str) -> Response {
    let request = person.request(Method::GET, &format!("/v1/exports?{query}")).await;
    let answer = request.header("accept-encoding", "identity").send().await.expect("an answer");
    assert_eq!(answer.status(), 200, "{query}");
    answer
}

impl Exported {
    fn lines(&self) -> Vec<Value> {
        self.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// By column.
    fn rows(&self) -> Vec<BTreeMap<String, String>> {
        let mut reader = csv::Reader::from_reader(self.text.as_bytes());
        reader.deserialize().map(|row| row.expect("a row")).collect()
    }
}

/// Customers, people, sales and visits of two reps, with texts that would break a table or run in it.
async fn company(world: &World) -> (Person, Person, Person) {
    let (admin, lin, zhao) = (world.admin().await, world.rep("Lin Wei").await, world.rep("Zhao Yun").await);
    admin.post("/v1/products", json!({ "name": "=HYPERLINK(\"http://evil\")", "listPrice": "12.50", "currency": "CNY", "externalId": "P1" })).await.expect(201);
    for (rep, name) in [(&lin, "霍普, \"光\"通信"), (&zhao, "-1+2")] {
        let account = json!({
            "kind": "business", "name": name, "note": "two\nlines, \"quoted\"", "phone": "+86 21 5555", "tier": "key", "annualRevenue": "1250000.50",
            "address": { "city": "Shanghai", "country": "China" }, "position": { "latitude": 31.23, "longitude": 121.47 },
        });
        let account = rep.post("/v1/accounts", account).await.expect(201).id();
        rep.post("/v1/contacts", json!({ "accountId": account, "name": "'=王芳", "email": "w@hopton.example" }))
            .await
            .expect(201);
        let lead =
            json!({ "name": name, "source": "fair", "phone": "+86 21 5555", "contactName": "-王芳", "employees": 12 });
        admin.post("/v1/leads", lead).await.expect(201);
        let here = json!({ "at": rep.now().to_rfc3339(), "latitude": 31.23, "longitude": 121.47, "accuracy": 12.0 });
        let note = json!({
            "accountId": account, "kind": "visit", "occurred": rep.now().to_rfc3339(), "summary": "@risk", "checkIn": here,
        });
        rep.post("/v1/activities", note).await.expect(201);
        let deal = async |name: &str| {
            let body = json!({ "accountId": account, "name": name, "amount": "12.50", "currency": "CNY" });
            rep.post("/v1/opportunities", body).await.expect(201).id()
        };
        deal("Open").await;
        let lost = deal("Lost").await;
        let advance = json!({ "stage": "lost", "lostReason": "price", "lostNote": "too dear" });
        rep.post(&format!("/v1/opportunities/{lost}/advance"), advance).await.expect(200);
        let signed = deal("Signed").await;
        rep.post(
            &format!("/v1/opportunities/{signed}/advance"),
            json!({ "stage": "signed", "signedOn": "2026-03-02" }),
        )
        .await
        .expect(200);
        rep.post("/v1/plans", json!({ "accountId": account, "plannedOn": "2026-03-09" })).await.expect(201);
    }
    (admin, lin, zhao)
}

const PATHS: [(&str, &str); 6] = [
    ("account", "accounts"),
    ("contact", "contacts"),
    ("opportunity", "opportunities"),
    ("activity", "activities"),
    ("plan", "plans"),
    ("product", "products"),
];

#[tokio::test]
async fn an_export_shows_what_rest_shows() {
    let world = World::new().await;
    let (admin, lin, _) = company(&world).await;
    let stranger = World::new().await;
    let others = stranger.manager("Mallory").await;
    for (kind, path) in PATHS {
        for person in [&admin, &lin] {
            let listed = person.get(&format!("/v1/{path}?limit=200")).await.expect(200);
            let sorted = |mut records: Vec<Value>| {
                records.sort_by_key(|record| record["id"].as_str().map(str::to_owned));
                records
            };
            let exported = export(person, &format!("kind={kind}&format=ndjson")).await.lines();
            assert!(!exported.is_empty(), "{kind}");
            assert_eq!(exported, sorted(listed.items().to_vec()), "{kind}");
            let rows = export(person, &format!("kind={kind}")).await.rows();
            let ids: Vec<&str> = rows.iter().map(|row| row["id"].as_str()).collect();
            assert_eq!(ids, exported.iter().map(|record| record["id"].as_str().expect("an id")).collect::<Vec<_>>());
        }
        assert!(export(&others, &format!("kind={kind}")).await.rows().is_empty(), "{kind}");
    }
    // Every kind can be had, by everybody, in both forms; a rep gets what his phone should hold.
    let mut kinds = 0;
    for kind in Kind::iter() {
        let held = lin.get(&format!("/v1/sync/digest?kind={kind}")).await.expect(200);
        let exported = export(&lin, &format!("kind={kind}&format=ndjson")).await.lines();
        let exported: Vec<Value> =
            exported.iter().map(|record| json!({ "id": record["id"], "revision": record["revision"] })).collect();
        assert_eq!(held.body["records"], json!(exported), "{kind}");
        kinds += usize::from(!exported.is_empty());
        for person in [&admin, &lin] {
            let lines = export(person, &format!("kind={kind}&format=ndjson")).await.lines();
            let rows = export(person, &format!("kind={kind}&bom=true")).await;
            assert!(rows.text.starts_with("\u{feff}id,"), "{kind}");
            let rows = Exported { text: rows.text[3..].to_owned(), cursor: rows.cursor }.rows();
            assert_eq!(rows.len(), lines.len(), "{kind}");
        }
    }
    assert!(kinds > PATHS.len(), "{kinds}");
    // By header too; a kind that is none is refused.
    let answer = admin.request(Method::GET, "/v1/exports?kind=account").await.header("accept", "application/x-ndjson");
    let answer = answer.send().await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], "application/x-ndjson");
    admin.get("/v1/exports?kind=tenant").await.expect(400);
}

#[tokio::test]
async fn a_spreadsheet_finds_no_formula() {
    let world = World::new().await;
    let (admin, ..) = company(&world).await;
    let accounts = export(&admin, "kind=account").await.rows();
    assert_eq!((accounts[0]["name"].as_str(), accounts[1]["name"].as_str()), ("霍普, \"光\"通信", "'-1+2"));
    assert_eq!(accounts[0]["note"], "two\nlines, \"quoted\"");
    assert_eq!((accounts[0]["phone"].as_str(), accounts[0]["annualRevenue"].as_str()), ("'+86 21 5555", "1250000.50"));
    assert_eq!(
        (accounts[0]["address.city"].as_str(), accounts[0]["position.latitude"].as_str()),
        ("Shanghai", "31.23")
    );
    assert_eq!(export(&admin, "kind=product").await.rows()[0]["name"], "'=HYPERLINK(\"http://evil\")");
    assert_eq!(export(&admin, "kind=contact").await.rows()[0]["name"], "''=王芳");
    assert_eq!(export(&admin, "kind=activity").await.rows()[0]["summary"], "'@risk");
}

#[tokio::test]
async fn what_is_exported_can_be_imported_again() {
    let world = World::new().await;
    let (admin, ..) = company(&world).await;
    // What an import does not bring: the server's own stamps, and what it finds itself when a lead comes in.
    let stable = |mut record: Value| {
        for name in [
            "createdAt",
            "updatedAt",
            "revision",
            "stageSince",
            "captured",
            "capturedProven",
            "received",
            "verdict",
            "checkIn",
            "distance",
            "contributorId",
            "likenesses",
        ] {
            record.as_object_mut().expect("an object").remove(name);
        }
        record
    };
    for form in ["csv", "ndjson"] {
        let elsewhere = World::new().await;
        let newcomer = elsewhere.admin().await;
        for kind in Kind::iter().filter(|kind| !fields(*kind).is_empty()) {
            let exported = export(&admin, &format!("kind={kind}&format={form}")).await;
            let import = async |world: &World, person: &Person| {
                let form = [Part::Text("kind", kind.as_str()), Part::File("export", exported.text.as_bytes())];
                let sent = send(person, &form, &[]).await.expect(202).id();
                ended(world, person, sent).await.body
            };
            // Where it came from, nothing differs; admins themselves are not imported.
            let again = import(&world, &admin).await;
            let all = again["rowsRead"].as_i64().expect("a number");
            let admins = if kind == Kind::User { 1 } else { 0 };
            assert!(all > admins, "{kind} in {form}");
            assert_eq!(
                (again["status"].as_str(), counts(&again)),
                (Some("done"), [0, 0, all - admins, 0, admins]),
                "{kind} in {form}: {again:#}"
            );
            // In an empty company it makes the same records, under the same ids.
            let made = import(&elsewhere, &newcomer).await;
            assert_eq!(
                (made["status"].as_str(), counts(&made)),
                (Some("done"), [all - admins, 0, 0, 0, admins]),
                "{kind} in {form}: {made:#}"
            );
            if [Kind::Team, Kind::User].contains(&kind) {
                continue;
            }
            let of = async |person: &Person| -> Vec<Value> {
                let lines = export(person, &format!("kind={kind}&format=ndjson")).await.lines();
                lines.into_iter().map(stable).collect()
            };
            assert_eq!(of(&admin).await, of(&newcomer).await, "{kind} in {form}");
        }
    }
    world.audit().await;
}

#[tokio::test]
async fn an_export_goes_on_where_it_ended() {
    let world = World::new().await;
    let (admin, lin, _) = company(&world).await;
    // A phone that began with exports goes on by pull.
    let exported = export(&lin, "kind=account&format=ndjson").await;
    let own = lin.account("Later").await;
    let pulled = lin.get(&format!("/v1/sync/changes?cursor={}", exported.cursor)).await.expect(200);
    let accounts: Vec<&str> = pulled.body["changes"]
        .as_array()
        .expect("changes")
        .iter()
        .filter(|c| c["kind"] == "account")
        .filter_map(|c| c["id"].as_str())
        .collect();
    assert_eq!(accounts, [own.to_string()]);
    let told = lin.get(&format!("/v1/exports?kind=account&since={}", exported.cursor)).await.expect(403);
    assert!(told.text("/detail").contains("/v1/sync/changes"));

    // A program goes on by export: changed ones, new ones, and what was deleted.
    let program = world.user(Role::Integration, "ERP", world.top_team).await;
    let before = export(&program, "kind=account&format=ndjson").await;
    let ids: Vec<Uuid> = before.lines().iter().map(|line| line["id"].as_str().unwrap().parse().unwrap()).collect();
    assert_eq!(ids.len(), 3);
    lin.patch(&format!("/v1/accounts/{own}"), json!({ "industry": "optics" })).await.expect(200);
    let newer = lin.account("Newer").await;
    let gone = lin.account("Gone").await;
    lin.delete(&format!("/v1/accounts/{gone}")).await.expect(204);
    let query = format!("kind=account&since={}", before.cursor);
    let after = export(&program, &format!("{query}&format=ndjson")).await;
    let told: Vec<(String, bool)> =
        after.lines().iter().map(|line| (line["id"].as_str().unwrap().to_owned(), line["deleted"] == true)).collect();
    assert_eq!(told, [(own.to_string(), false), (newer.to_string(), false), (gone.to_string(), true)]);
    let rows = export(&program, &query).await.rows();
    assert_eq!(rows.iter().map(|row| row["deleted"].as_str()).collect::<Vec<_>>(), ["", "", "true"]);
    assert_eq!(export(&program, &format!("kind=account&since={}", after.cursor)).await.rows().len(), 0);
    // Somebody else's cursor is none.
    let expired = admin.get(&format!("/v1/exports?{query}")).await.expect(410);
    assert!(expired.problem().0 == "cursor_expired" && expired.text("/detail").contains("without `since`"));
    let none = admin.get("/v1/exports?kind=account&since=yesterday").await.expect(400);
    assert!(none.text("/detail").starts_with("since: must be the Export-Cursor"), "{:#}", none.body);
}

/// Products that everybody sees, with ids before all others. Thousands of them are far more than the sockets in between hold.
async fn stock(world: &World, count: usize) {
    let mut work = UnitOfWork::begin(&world.state, &Actor::system(world.tenant_id)).await.expect("begins");
    let now = work.now;
    for n in 1..=count {
        work.put(product::Model {
            tenant_id: world.tenant_id,
            id: Uuid::from_u128(n as u128),
            revision: 0,
            created_at: now,
            updated_at: now,
            deleted_at: None,
            name: format!("Product {n}"),
            series: Some("x".repeat(4_000)),
            list_price: None,
            currency: None,
            external_id: None,
        });
    }
    work.commit().await.expect("commits");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_snapshot_whatever_is_written_meanwhile() {
    let world = World::new().await;
    let admin = world.admin().await;
    let last = admin.post("/v1/products", json!({ "name": "Last" })).await.expect(201).id();
    stock(&world, 5_000).await;
    let query = "kind=product&format=ndjson";
    let mut answer = begin(&admin, query).await;
    let cursor = answer.headers()["export-cursor"].to_str().expect("text").to_owned();
    let mut bytes = answer.chunk().await.expect("a chunk").expect("its beginning").to_vec();
    // The stream waits for who reads it; meanwhile somebody renames what comes last, and adds more.
    admin.patch(&format!("/v1/products/{last}"), json!({ "name": "Renamed" })).await.expect(200);
    admin.post("/v1/products", json!({ "name": "Added" })).await.expect(201);
    // It goes on: with another one, the company has as many as it may have.
    let other = begin(&admin, query).await;
    let refused = admin.get("/v1/exports?kind=product").await.expect(429);
    assert_eq!((refused.problem().0.as_str(), refused.header("retry-after")), ("too_many_requests", "10".to_owned()));
    drop(other);
    bytes.extend_from_slice(&answer.bytes().await.expect("a whole body"));
    let text = String::from_utf8(bytes).expect("UTF-8");
    assert_eq!((text.lines().count(), text.contains("Renamed"), text.contains("Added")), (5_001, false, false));
    let rest = export(&admin, &format!("{query}&since={cursor}")).await;
    assert_eq!(rest.lines().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rep_has_one_export_at_a_time_and_a_colleague_the_other() {
    let world = World::new().await;
    let admin = world.admin().await;
    let (lin, mei) = (world.rep("Lin Wei").await, world.manager("Mei").await);
    stock(&world, 5_000).await;
    for (first, second) in [(&lin, &mei), (&mei, &lin)] {
        let unread = begin(first, "format=ndjson").await;
        let refused = first.get("/v1/exports?kind=account").await.expect(429);
        assert_eq!(
            (refused.problem().0.as_str(), refused.header("retry-after")),
            ("too_many_requests", "10".to_owned())
        );
        assert!(refused.text("/detail").contains("Read it to its end"), "{:#}", refused.body);
        let other = begin(second, "format=ndjson").await;
        let full = admin.get("/v1/exports?kind=account").await.expect(429);
        assert!(full.text("/detail").starts_with("Your company has 2 exports"), "{:#}", full.body);
        // Whoever has read his to its end may begin another at once.
        unread.bytes().await.expect("a whole body");
        export(first, "kind=account").await;
        other.bytes().await.expect("a whole body");
    }
}
