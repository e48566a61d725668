//! `/v1/imports`: files sent by HTTP become records in the background, exactly once, whatever happens to the server.

use std::time::{Duration, Instant};

use entity::kind::Role;
use futures_util::StreamExt;
use reqwest::Method;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};
use uuid::Uuid;
use waypost::database::connect;
use waypost::import::job::{due, serve};
use waypost::state::State;

use super::{ACCOUNTS, DEALS, PEOPLE, SMALL, TRACES, ask};
use crate::world::{Answer, Person, World, database};

/// A part of a form.
pub enum Part<'a> {
    File(&'a str, &'a [u8]),
    Text(&'a str, &'a str),
}

/// Sends a form as browsers do.
pub async fn send(person: &Person, parts: &[Part<'_>], headers: &[(&str, &str)]) -> Answer {
    let boundary = format!("b{}", Uuid::now_v7().simple());
    let mut body = Vec::new();
    for part in parts {
        let (disposition, content): (String, &[u8]) = match part {
            Part::File(name, content) => (format!("name=\"file\"; filename=\"{name}\""), content),
            Part::Text(name, text) => (format!("name=\"{name}\""), text.as_bytes()),
        };
        body.extend_from_slice(
            format!("--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n").as_bytes(),
        );
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let mut request = person.request(Method::POST, "/v1/imports").await;
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.header("content-type", format!("multipart/form-data; boundary={boundary}")).body(body);
    let response = request.send().await.expect("the server answers");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.expect("a whole body");
    Answer { status, headers, body: serde_json::from_str(&text).expect("JSON") }
}

/// Runs what waits in this tenant, as a server does every second, until nothing is left. A server of another test may have
/// taken up something of it: that is waited for.
pub async fn work(world: &World) {
    let sql = "SELECT count(*) FROM import WHERE tenant_id = $1 AND status IN ('queued', 'running')";
    let left = Statement::from_sql_and_values(DbBackend::Postgres, sql, [world.tenant_id.into()]);
    let patience = Instant::now() + Duration::from_secs(30);
    while Instant::now() < patience {
        let waiting = due(&world.state).await.expect("what is due");
        if let Some(key) = waiting.into_iter().find(|key| key.0 == world.tenant_id) {
            serve(&world.state, key).await.expect("an import");
            continue;
        }
        let row = world.state.db.query_one_raw(left.clone()).await.expect("an answer").expect("a row");
        if row.try_get_by_index::<i64>(0).expect("a number") == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The import as it ended.
pub async fn ended(world: &World, person: &Person, id: Uuid) -> Answer {
    work(world).await;
    person.get(&format!("/v1/imports/{id}")).await.expect(200)
}

/// Created, updated, unchanged, repeated, refused.
pub fn counts(import: &Value) -> [i64; 5] {
    ["created", "updated", "unchanged", "repeated", "refused"].map(|name| import[name].as_i64().expect("a number"))
}

pub async fn refused(person: &Person, id: Uuid, query: &str) -> String {
    let answer = person.request(Method::GET, &format!("/v1/imports/{id}/refused{query}")).await.send().await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/csv");
    answer.text().await.expect("text")
}

/// So many products.
pub fn products(number: usize) -> String {
    let rows: String = (0..number).map(|n| format!("P-{n},Product {n},{n}.50,CNY\n")).collect();
    format!("externalId,name,listPrice,currency\n{rows}")
}

#[tokio::test]
async fn several_files_with_a_mapping_are_tried_first_and_then_done() {
    let world = World::new().await;
    let admin = world.admin().await;
    let deals = DEALS.replace("70.50", "many");
    let parts = [
        Part::Text("mapping", SMALL),
        Part::Text("dryRun", "true"),
        Part::File("people.csv", PEOPLE.as_bytes()),
        Part::File("accounts.csv", ACCOUNTS.as_bytes()),
        Part::File("C:\\data\\deals.csv", deals.as_bytes()),
    ];
    let before = ask(&world, TRACES).await;
    let sent = send(&admin, &parts, &[]).await.expect(202);
    assert_eq!(
        (sent.text("/status"), sent.header("location")),
        ("queued".into(), format!("/v1/imports/{}", sent.id()))
    );
    let tried = ended(&world, &admin, sent.id()).await;
    assert_eq!((tried.text("/status"), &tried.body["dryRun"]), ("done".into(), &json!(true)), "{:#}", tried.body);
    assert_eq!(counts(&tried.body), [9, 0, 0, 1, 1], "{:#}", tried.body);
    assert_eq!(ask(&world, TRACES).await, before, "a dry run writes nothing");
    let told = refused(&admin, sent.id(), "").await;
    assert!(
        told.contains("4,opportunity,\"amount `many`: expected a decimal such as 12.50")
            && told.contains(",3,Lin Wei,,Angebot,"),
        "{told}"
    );
    assert!(told.starts_with("\u{feff}refused_line,refused_as,refused_because,id,rep,account,"), "{told}");
    assert_eq!(refused(&admin, sent.id(), "?file=people.csv").await.lines().count(), 1);

    let path = format!("/v1/imports/{}", sent.id());
    admin.post(&format!("{path}/apply"), json!({})).await.expect(202);
    let done = ended(&world, &admin, sent.id()).await;
    assert_eq!((done.text("/status"), &done.body["dryRun"]), ("done".into(), &json!(false)));
    assert_eq!(counts(&done.body), [9, 0, 0, 1, 1]);
    assert_eq!(done.body["percent"], 100);
    let parts_of = |import: &Value| import["parts"].as_array().expect("parts").len();
    assert_eq!((parts_of(&done.body), parts_of(&tried.body)), (4, 4));
    assert_eq!(admin.get("/v1/opportunities?externalId=1").await.expect(200).items()[0]["stage"], "signed");
    // Who asked for it is who did it.
    let made = "SELECT DISTINCT actor_id::text FROM record_history WHERE tenant_id = $1 AND kind = 'opportunity'";
    assert_eq!(ask(&world, made).await, admin.id.to_string());
    // The files are not kept; it is done once.
    let chunks = "SELECT count(*)::text FROM import_chunk WHERE tenant_id = $1";
    assert_eq!(ask(&world, chunks).await, "0");
    assert_eq!(admin.post(&format!("{path}/apply"), json!({})).await.expect(409).problem().0, "conflict");

    // The same mapping once more: nothing differs.
    let again = [
        Part::Text("mappingOf", &sent.id().to_string()),
        Part::File("people.csv", PEOPLE.as_bytes()),
        Part::File("accounts.csv", ACCOUNTS.as_bytes()),
        Part::File("deals.csv", DEALS.as_bytes()),
    ];
    let again = send(&admin, &again, &[]).await.expect(202).id();
    assert_eq!(counts(&ended(&world, &admin, again).await.body), [1, 0, 9, 1, 0]);
    let list = admin.get("/v1/imports?limit=1").await.expect(200);
    assert_eq!(list.ids(), [again]);
    let rest = admin.get(&format!("/v1/imports?cursor={}", list.text("/cursor"))).await.expect(200);
    assert_eq!((rest.ids(), &rest.body["cursor"]), (vec![sent.id()], &Value::Null));
    world.audit().await;
}

#[tokio::test]
async fn a_mapping_reaches_no_file_but_those_that_were_sent() {
    let world = World::new().await;
    let admin = world.admin().await;
    for path in ["/etc/passwd", "../../../etc/passwd"] {
        let mapping = format!(
            "[[file]]\npath = \"a.csv\"\nkind = \"product\"\n[file.fields]\nexternalId = \"a\"\nname = \"a\"\n\
             [[file]]\npath = {path:?}\nkind = \"product\"\n[file.fields]\nexternalId = \"root\"\nname = \"root\"\n"
        );
        let parts = [Part::Text("mapping", &mapping), Part::File("a.csv", b"a\n1\n"), Part::File("b.csv", b"a\n1\n")];
        let sent = send(&admin, &parts, &[]).await.expect(202).id();
        let failed = ended(&world, &admin, sent).await;
        assert_eq!(failed.text("/status"), "failed");
        assert!(failed.text("/error").contains("no file of this name was sent, but a.csv, b.csv"), "{:#}", failed.body);
    }
}

#[tokio::test]
async fn a_request_that_is_repeated_is_one_import() {
    let world = World::new().await;
    let admin = world.admin().await;
    let file = products(3);
    let form = |kind| [Part::Text("kind", kind), Part::File("p.csv", file.as_bytes())];
    let key = [("Idempotency-Key", "import-1")];
    let first = send(&admin, &form("product"), &key).await.expect(202).id();
    assert_eq!(send(&admin, &form("product"), &key).await.expect(202).id(), first);
    let other = send(&admin, &form("account"), &key).await.expect(409);
    assert_eq!(other.problem().0, "idempotency_key_reused");
    assert_eq!(admin.get("/v1/imports").await.expect(200).ids(), [first]);
    assert_eq!(counts(&ended(&world, &admin, first).await.body), [3, 0, 0, 0, 0]);
    assert_eq!(send(&admin, &form("product"), &key).await.expect(202).text("/status"), "done");
    assert_eq!(ask(&world, "SELECT count(*)::text FROM import_chunk WHERE tenant_id = $1").await, "0");
}

#[tokio::test]
async fn only_admins_and_integrations_import() {
    let world = World::new().await;
    let admin = world.admin().await;
    let file = products(1);
    let form = [Part::Text("kind", "product"), Part::File("p.csv", file.as_bytes())];
    let id = send(&admin, &form, &[]).await.expect(202).id();
    for person in [world.manager("Ma Na").await, world.rep("Lin Wei").await] {
        assert_eq!(send(&person, &form, &[]).await.expect(403).problem().0, "forbidden");
        person.get("/v1/imports").await.expect(403);
        person.get(&format!("/v1/imports/{id}")).await.expect(404);
        person.get(&format!("/v1/imports/{id}/events")).await.expect(404);
        person.post(&format!("/v1/imports/{id}/cancel"), json!({})).await.expect(404);
    }
    World::new().await.admin().await.get(&format!("/v1/imports/{id}")).await.expect(404);
    let program = world.user(Role::Integration, "ERP", world.top_team).await;
    send(&program, &form, &[]).await.expect(202);
    let people = [Part::Text("kind", "user"), Part::File("u.csv", b"externalId,name\n1,A\n")];
    assert!(send(&program, &people, &[]).await.expect(403).text("/detail").contains("teams and users"));
    // Nor does it do for good what an admin has tried.
    let teams = b"externalId,name\nT-1,North\n";
    let teams = [Part::Text("kind", "team"), Part::Text("dryRun", "true"), Part::File("t.csv", teams)];
    let tried = send(&admin, &teams, &[]).await.expect(202).id();
    assert_eq!(counts(&ended(&world, &admin, tried).await.body), [1, 0, 0, 0, 0]);
    let apply = format!("/v1/imports/{tried}/apply");
    assert!(program.post(&apply, json!({})).await.expect(403).text("/detail").contains("teams and users"));
    admin.post(&apply, json!({})).await.expect(202);
}

#[tokio::test]
async fn who_asked_first_is_first_whatever_the_company() {
    let (older, newer) = (World::new().await, World::new().await);
    assert!(older.tenant_id < newer.tenant_id);
    let file = products(1);
    let form = [Part::Text("kind", "product"), Part::File("p.csv", file.as_bytes())];
    let first = send(&newer.admin().await, &form, &[]).await.expect(202).id();
    let second = send(&older.admin().await, &form, &[]).await.expect(202).id();
    let due = due(&older.state).await.expect("what is due");
    let ours: Vec<Uuid> = due.into_iter().map(|(_, id)| id).filter(|id| [first, second].contains(id)).collect();
    assert_eq!(ours, [first, second]);
}

#[tokio::test]
async fn an_import_is_cancelled_and_followed() {
    let world = World::new().await;
    let admin = world.admin().await;
    let file = products(1_200);
    let form = [Part::Text("kind", "product"), Part::File("p.csv", file.as_bytes())];
    let waiting = send(&admin, &form, &[]).await.expect(202).id();
    let cancelled = admin.post(&format!("/v1/imports/{waiting}/cancel"), json!({})).await.expect(200);
    assert_eq!(cancelled.text("/status"), "cancelled");
    work(&world).await;
    assert!(admin.get("/v1/products").await.expect(200).items().is_empty());

    // Its progress comes as events, and the last one says how it ended.
    let id = send(&admin, &form, &[]).await.expect(202).id();
    let events = admin.request(Method::GET, &format!("/v1/imports/{id}/events")).await.send().await.expect("a stream");
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    let (text, ()) = tokio::join!(
        async {
            let chunks: Vec<_> = events.bytes_stream().collect().await;
            chunks
                .into_iter()
                .map(|chunk| String::from_utf8_lossy(&chunk.expect("a chunk")).into_owned())
                .collect::<String>()
        },
        async {
            tokio::time::sleep(Duration::from_millis(700)).await;
            work(&world).await;
        }
    );
    let told: Vec<Value> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data:"))
        .map(|data| serde_json::from_str(data.trim()).expect("JSON"))
        .collect();
    assert!(told.len() >= 2 && (text.contains("event: import") || text.contains("event:import")), "{text}");
    assert_eq!((&told[0]["status"], &told[told.len() - 1]["status"]), (&json!("queued"), &json!("done")));
    assert_eq!(told[told.len() - 1]["created"], 1_200);

    // One that is over is told at once, and is not cancelled any more.
    let after = admin.post(&format!("/v1/imports/{id}/cancel"), json!({})).await.expect(200);
    assert_eq!(after.text("/status"), "done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_import_once_and_one_goes_on_where_the_other_died() {
    let world = World::new().await;
    let admin = world.admin().await;
    // Half of them belong to one that stands further down, so that rows wait.
    let lin = world.rep("Lin Wei").await;
    let parent = |n: usize| if n.is_multiple_of(2) { format!("A-{}", n + 1) } else { String::new() };
    let rows: String = (0..1_600).map(|n| format!("A-{n},Account {n},business,{},{}\n", lin.id, parent(n))).collect();
    let file = format!("externalId,name,kind,ownerId,parentId\n{rows}bad,,business,{},\n", lin.id);
    let form = [Part::Text("kind", "account"), Part::File("a.csv", file.as_bytes())];
    let id = send(&admin, &form, &[]).await.expect(202).id();
    let key = (world.tenant_id, id);

    // Dies again and again, in the middle of a chunk or between two.
    let reached = async || {
        let sql = format!("SELECT (counts->0->>'created')::text FROM import WHERE tenant_id = $1 AND id = '{id}'");
        ask(&world, &sql).await.parse::<i64>().unwrap_or_default()
    };
    let identity =
        || waypost::auth::Identity::new(waypost::auth::token::Keys::generate().unwrap(), "x", "x", Vec::new());
    for goal in [1, 500, 900] {
        // Connections of its own, which die with it.
        let db = connect(database().await, 3).await.expect("a pool");
        let state = State::new(db, world.state.clock.clone(), identity());
        let victim = tokio::spawn(async move { serve_alone(&state, key).await });
        while reached().await < goal && !victim.is_finished() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        victim.abort();
        let _ = victim.await;
        assert!(!serve(&world.state, key).await.expect("held by the dead one"), "its lease still runs");
        world.wait(chrono::TimeDelta::minutes(1));
    }
    let (one, two) = tokio::join!(serve(&world.state, key), serve(&world.state, key));
    assert!(one.expect("an answer") != two.expect("an answer"), "one of them has it");
    let done = admin.get(&format!("/v1/imports/{id}")).await.expect(200);
    assert_eq!((done.text("/status"), counts(&done.body)), ("done".into(), [1_600, 0, 0, 0, 1]), "{:#}", done.body);
    assert_eq!(done.body["rowsRead"], 1_601);
    let there = "SELECT count(*)::text || ' ' || count(parent_id)::text FROM account WHERE tenant_id = $1";
    assert_eq!(ask(&world, there).await, "1600 800");
    let once = "SELECT max(revision)::text FROM account WHERE tenant_id = $1";
    assert_eq!(ask(&world, once).await, "1");
    assert_eq!(refused(&admin, id, "").await.lines().count(), 2);
}

/// Like `serve`, but all of it ends when its caller does, as with a process.
async fn serve_alone(state: &State, key: (Uuid, Uuid)) {
    waypost::import::job::serve_here(state, key).await.expect("an import");
}
