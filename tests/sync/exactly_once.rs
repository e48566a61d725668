//! However often a push is sent, each mutation counts once; whatever is wrong with one is no other's fault.

use chrono::TimeDelta;
use futures_util::future::join_all;
use reqwest::Method;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};
use uuid::Uuid;

use super::phone::{Phone, slug};
use crate::world::World;

async fn phone(world: &World) -> Phone {
    Phone::new(world, world.rep("Lin Wei").await)
}

fn call(phone: &Phone, account: Uuid) -> (Uuid, Value) {
    let id = Uuid::now_v7();
    let occurred = phone.reading(TimeDelta::minutes(30))["wall"].clone();
    let fields = json!({ "accountId": account, "kind": "call", "occurred": occurred, "summary": "Called" });
    (id, phone.mutation("activity", "create", id, json!({ "activity": fields })))
}

fn new_account(phone: &Phone, fields: Value) -> (Uuid, Value) {
    let id = Uuid::now_v7();
    let mut account = json!({ "kind": "business", "name": "Hopton" });
    account.as_object_mut().expect("an object").extend(fields.as_object().cloned().unwrap_or_default());
    (id, phone.mutation("account", "create", id, json!({ "account": account })))
}

async fn count(world: &World, what: &str, id: Uuid) -> i64 {
    let sql = format!("SELECT count(*) FROM {what} WHERE tenant_id = $1 AND $2 IN (id, source_id)");
    let sql =
        if what == "activity" { "SELECT count(*) FROM activity WHERE tenant_id = $1 AND id = $2".into() } else { sql };
    let values = [world.tenant_id.into(), id.into()];
    let row = world.state.db.query_one_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await;
    row.expect("reads").expect("a count").try_get_by_index(0).expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_times_at_once_is_once() {
    let world = World::new().await;
    let phone = phone(&world).await;
    let account = phone.account("Hopton").await;
    let (id, create) = call(&phone, account);
    let edit = phone.mutation("account", "update", account, json!({ "baseRevision": 1, "account": { "phone": "1" } }));
    let push = [create, edit];
    // From one connection pool and from ten that share nothing.
    let strangers: Vec<Phone> = (0..10)
        .map(|_| Phone {
            device: phone.device,
            boot: phone.boot.clone(),
            ..Phone::new(&world, world.person(phone.person.id))
        })
        .collect();
    let answers =
        join_all((0..10).map(|_| phone.push(&push)).chain(strangers.iter().map(|phone| phone.push(&push)))).await;
    assert_eq!(answers[0][0]["status"], "applied", "{:#?}", answers[0]);
    assert!(answers.iter().all(|results| *results == answers[0]), "{answers:#?}");
    assert_eq!((count(&world, "activity", id).await, count(&world, "points_entry", id).await), (1, 1));
    let balance = phone.person.get("/v1/points/balance").await.expect(200);
    assert_eq!(balance.body["entries"], 1, "{:#}", balance.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn overlapping_parts_sent_at_once_agree() {
    let world = World::new().await;
    let phone = phone(&world).await;
    let account = phone.account("Hopton").await;
    let calls: Vec<(Uuid, Value)> = (0..12).map(|_| call(&phone, account)).collect();
    let mutations: Vec<Value> = calls.iter().map(|(_, mutation)| mutation.clone()).collect();
    let answers = join_all((0..9).map(|from| phone.push(&mutations[from..from + 4]))).await;
    for results in &answers {
        assert!(results.iter().all(|result| result["status"] == "applied"), "{results:#?}");
    }
    for (id, _) in calls {
        assert_eq!((count(&world, "activity", id).await, count(&world, "points_entry", id).await), (1, 1));
    }
}

#[tokio::test]
async fn an_id_means_one_thing() {
    let world = World::new().await;
    let mut phone = phone(&world).await;
    let account = phone.account("Hopton").await;
    let first = phone.mutation("account", "update", account, json!({ "baseRevision": 1, "account": { "phone": "1" } }));
    let result = phone.applies(first.clone()).await;
    let mut other = first.clone();
    other["account"]["phone"] = json!("2");
    for _ in 0..2 {
        assert_eq!(phone.refused(other.clone()).await, "mutation_reused");
    }
    assert_eq!(phone.push(&[first]).await, [result]);
    phone.pull(100).await;
    assert_eq!(phone.document("account", account)["phone"], "1");
    // What was typed under the wrong id is kept, once.
    let kept: Vec<&Value> = phone.all("rejected_write").map(|write| &write["fields"]).collect();
    assert_eq!(kept, [&json!(r#"{"phone":"2"}"#)]);
}

#[tokio::test]
async fn a_refusal_names_the_request_that_it_answers() {
    let world = World::new().await;
    let phone = phone(&world).await;
    let (_, refused) = new_account(&phone, json!({ "name": "" }));
    let push = json!({ "deviceId": phone.device, "mutations": [refused] });
    for request in ["first-try", "second-try"] {
        let headers = [("x-request-id", request)];
        let answer =
            phone.person.send(Method::POST, "/v1/sync/mutations", Some(push.clone()), &headers).await.expect(200);
        let named = (answer.header("x-request-id"), answer.text("/results/0/problem/requestId"));
        assert_eq!(named, (request.into(), request.into()), "{:#}", answer.body);
    }
}

#[tokio::test]
async fn the_same_id_twice_in_one_push() {
    let world = World::new().await;
    let phone = phone(&world).await;
    let account = phone.account("Hopton").await;
    let (_, create) = call(&phone, account);
    let mut other = create.clone();
    other["activity"]["summary"] = json!("Something else");
    let results = phone.push(&[create.clone(), create, other]).await;
    assert_eq!(results[0], results[1]);
    assert_eq!((&results[0]["status"], slug(&results[2]).as_str()), (&json!("applied"), "mutation_reused"));
}

/// A rep's file typed twice: half of what comes has the external ids of what is there or of what came just before. No search for
/// the guilty by trying again: that would take longer than a request may.
#[tokio::test]
async fn external_ids_that_are_taken_are_refused_in_one_go() {
    let world = World::new().await;
    let phone = phone(&world).await;
    let known = |code: usize| json!({ "name": "Hopton", "externalId": format!("C-{code}") });
    let there: Vec<Value> = (0..125).map(|code| new_account(&phone, known(code)).1).collect();
    assert!(phone.push(&there).await.iter().all(|result| result["status"] == "applied"));
    // 0 to 124 are there, 125 to 374 are new, and of these 125 to 249 come twice.
    let codes = (0..375).chain(125..250);
    let push: Vec<Value> = codes.map(|code| new_account(&phone, known(code)).1).collect();
    for (at, result) in phone.push(&push).await.iter().enumerate() {
        let is_taken = !(125..375).contains(&at);
        assert_eq!(result["status"], if is_taken { "rejected" } else { "applied" }, "{at}: {result:#}");
        if is_taken {
            let problem = &result["problem"];
            assert_eq!((slug(result).as_str(), &problem["errors"][0]["pointer"]), ("duplicate", &json!("/externalId")));
        }
    }
}

/// Whoever asks first has it, and gives it up for the next.
#[tokio::test]
async fn an_external_id_that_was_given_up_is_free() {
    let world = World::new().await;
    let phone = phone(&world).await;
    let known = json!({ "name": "Hopton", "externalId": "C-1" });
    let (first, create) = new_account(&phone, known.clone());
    phone.applies(create).await;
    assert_eq!(phone.refused(new_account(&phone, known.clone()).1).await, "duplicate");
    let again = phone.mutation("account", "update", first, json!({ "account": { "externalId": "C-1" } }));
    phone.applies(again).await;
    let give_up = phone.mutation("account", "update", first, json!({ "baseRevision": 1, "clear": ["externalId"] }));
    phone.applies(give_up).await;
    let (_, takes) = new_account(&phone, known.clone());
    let (_, too_late) = new_account(&phone, known);
    let results = phone.push(&[takes, too_late]).await;
    assert_eq!(results[0]["status"], "applied", "{results:#?}");
    assert_eq!(slug(&results[1]), "duplicate");
}

#[tokio::test]
async fn one_bad_mutation_in_five_hundred_spoils_itself_and_what_builds_on_it() {
    let world = World::new().await;
    let phone = phone(&world).await;
    let account = phone.account("Hopton").await;
    let mut push: Vec<Value> = (0..496).map(|_| call(&phone, account).1).collect();
    let (bad, create) = new_account(&phone, json!({ "parentId": Uuid::now_v7() }));
    let (child, contact) = (Uuid::now_v7(), json!({ "contact": { "accountId": bad, "name": "Zhao" } }));
    push.insert(100, create);
    push.insert(200, phone.mutation("contact", "create", child, contact));
    push.insert(300, phone.mutation("contact", "update", child, json!({ "contact": { "title": "Head" } })));
    push.insert(400, phone.mutation("account", "update", bad, json!({ "account": { "note": "n" } })));
    assert_eq!(push.len(), 500);
    let results = phone.push(&push).await;
    for (at, result) in results.iter().enumerate() {
        let expected = match at {
            100 => "validation",
            200 | 300 | 400 => "dependency_refused",
            _ => "",
        };
        assert_eq!(slug(result), expected, "{at}: {result:#}");
        assert_eq!(result["status"], if expected.is_empty() { "applied" } else { "rejected" }, "{at}");
    }
}

#[tokio::test]
async fn a_constraint_that_stops_the_flush_refuses_the_guilty_alone() {
    let world = World::new().await;
    let (phone, other) = (phone(&world).await, phone(&world).await);
    // Somebody else's account, which this phone cannot know of, has the number.
    other.applies(new_account(&other, json!({ "externalId": "ERP-1" })).1).await;
    let (first, good) = new_account(&phone, json!({}));
    let (guilty, clash) = new_account(&phone, json!({ "externalId": "ERP-1" }));
    let contact = |account: Uuid| {
        let fields = json!({ "contact": { "accountId": account, "name": "Zhao" } });
        phone.mutation("contact", "create", Uuid::now_v7(), fields)
    };
    let push = [good, clash, contact(first), contact(guilty)];
    let results = phone.push(&push).await;
    let slugs: Vec<String> = results.iter().map(slug).collect();
    assert_eq!(slugs, ["", "duplicate", "", "dependency_refused"], "{results:#?}");
    assert_eq!(phone.push(&push).await, results, "sent again, the same");
}

#[tokio::test]
async fn garbage_among_good_ones() {
    let world = World::new().await;
    let mut phone = phone(&world).await;
    let account = phone.account("Hopton").await;
    let contact = |name: Value| {
        phone.mutation(
            "contact",
            "create",
            Uuid::now_v7(),
            json!({ "contact": { "accountId": account, "name": name } }),
        )
    };
    let with = |member: &str, value: Value| {
        let mut mutation = contact(json!("Zhao"));
        mutation[member] = value;
        mutation
    };
    let garbage = [
        ("an unknown kind", with("kind", json!("spaceship"))),
        ("a kind that phones do not write", with("kind", json!("points_entry"))),
        ("a kind that is no text", with("kind", json!({ "a": [1] }))),
        ("an unknown op", with("op", json!("explode"))),
        ("NUL in the kind", with("kind", json!("acc\0ount"))),
        ("NUL in the op", with("op", json!("\0"))),
        ("NUL in a line", contact(json!("Zh\0ao"))),
        ("NUL in what is to be emptied", {
            phone.mutation("account", "update", account, json!({ "baseRevision": 1, "clear": ["no\0te"] }))
        }),
        ("a name that is too long", contact(json!("长".repeat(201)))),
        ("a number for a name", contact(json!(12))),
        ("a field misspelt", new_account(&phone, json!({ "indutsry": "Fibre" })).1),
        ("a member misspelt", with("capturd", json!({}))),
        ("no fields", with("contact", Value::Null)),
        ("fields that are a list", with("contact", json!([1, 2]))),
        ("a record that is no id", with("recordId", json!("42"))),
        ("no record", with("recordId", Value::Null)),
        ("a huge revision", with("baseRevision", json!(i64::MAX))),
        ("a fraction of a revision", with("baseRevision", json!(1.5))),
        ("a huge number", new_account(&phone, json!({ "employees": 1e300 })).1),
        ("a number below zero", new_account(&phone, json!({ "employees": -1 })).1),
        ("money beyond the column", new_account(&phone, json!({ "annualRevenue": "1234567890123.00" })).1),
        ("money as a number", new_account(&phone, json!({ "annualRevenue": 12.5 })).1),
        ("a place off the globe", new_account(&phone, json!({ "position": { "latitude": 91, "longitude": 0 } })).1),
        ("a day that never was", {
            let fields = json!({ "plan": { "accountId": account, "plannedOn": "2026-02-30" } });
            phone.mutation("plan", "create", Uuid::now_v7(), fields)
        }),
        ("a clock beyond its range", with("captured", json!({ "wall": "0000-01-01T00:00:00Z" }))),
        ("an advance of a contact", with("op", json!("advance"))),
        ("a rejected write made by hand", with("kind", json!("rejected_write"))),
        ("a field that cannot be emptied", {
            phone.mutation("account", "update", account, json!({ "baseRevision": 1, "clear": ["name"] }))
        }),
    ];
    let good = contact(json!("Qian"));
    let mut push: Vec<Value> = garbage.iter().map(|(_, mutation)| mutation.clone()).collect();
    push.insert(10, good.clone());
    let results = phone.push(&push).await;
    assert_eq!(results[10]["status"], "applied", "{:#}", results[10]);
    let refused: Vec<&Value> = results.iter().filter(|result| result["mutationId"] != good["mutationId"]).collect();
    for ((what, _), result) in garbage.iter().zip(&refused) {
        assert_eq!(
            (slug(result).as_str(), &result["status"]),
            ("validation", &json!("rejected")),
            "{what}: {result:#}"
        );
    }
    phone.pull(100).await;
    assert_eq!(phone.all("rejected_write").count(), garbage.len(), "each comes back to its author");
    phone.agrees(&world, "after garbage").await;
}

#[tokio::test]
async fn strange_values_that_are_right() {
    let world = World::new().await;
    let mut phone = phone(&world).await;
    let account = phone.account("Hopton").await;
    let clocks = [
        json!(null),
        json!({ "wall": "1900-01-01T00:00:00Z" }),
        json!({ "wall": "9999-12-31T23:59:59Z", "monotonic": i64::MIN, "bootId": phone.boot }),
        json!({ "wall": "2026-03-02T09:00:00+08:00", "monotonic": i64::MAX, "bootId": phone.boot }),
    ];
    for captured in clocks {
        let mut mutation = phone.mutation("account", "update", account, json!({ "account": { "note": "n" } }));
        mutation["captured"] = captured;
        phone.applies(mutation).await;
    }
    let fields = json!({
        "annualRevenue": "-999999999999.9999",
        "note": "\u{1}\u{feff}🤷 ' \" \\ \r\n ; DROP TABLE account",
        "position": { "latitude": 1e-7, "longitude": -180 },
        "address": {},
    });
    let base = json!({ "baseRevision": 2, "account": fields });
    phone.applies(phone.mutation("account", "update", account, base)).await;
    phone.pull(100).await;
    assert_eq!(phone.document("account", account)["note"], "\u{1}\u{feff}🤷 ' \" \\ \r\n ; DROP TABLE account");
    phone.agrees(&world, "after strange values").await;
}

#[tokio::test]
async fn what_is_no_push_is_refused_as_a_whole() {
    let world = World::new().await;
    let phone = phone(&world).await;
    let account = phone.account("Hopton").await;
    let many: Vec<Value> = (0..501).map(|_| call(&phone, account).1).collect();
    assert_eq!(phone.send(&many).await.expect(413).problem().0, "too_large");

    let long = "x".repeat(1024 * 1024);
    let large: Vec<Value> =
        (0..6).map(|_| phone.mutation("account", "update", account, json!({ "reason": long }))).collect();
    assert_eq!(phone.send(&large).await.expect(413).problem().0, "too_large");

    for (what, body) in [
        ("no JSON", "{\"deviceId\": ".to_owned()),
        ("a list", "[]".to_owned()),
        ("no device", r#"{"mutations": []}"#.to_owned()),
        ("a device that is no id", r#"{"deviceId": "phone", "mutations": []}"#.to_owned()),
        ("no mutations", format!(r#"{{"deviceId": "{}"}}"#, phone.device)),
        ("mutations that are none", format!(r#"{{"deviceId": "{}", "mutations": {{}}}}"#, phone.device)),
        ("a number in a push", format!(r#"{{"deviceId": "{}", "mutations": [7]}}"#, phone.device)),
        ("an infinite number", format!(r#"{{"deviceId": "{}", "mutations": [{{"a": 1e999}}]}}"#, phone.device)),
        (
            "a tower",
            format!(r#"{{"deviceId": "{}", "mutations": {}1{}}}"#, phone.device, "[".repeat(500), "]".repeat(500)),
        ),
    ] {
        let request = phone.person.request(Method::POST, "/v1/sync/mutations").await;
        let request = request.header("content-type", "application/json").body(body);
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 400, "{what}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{what}");
    }

    // A mutation without an id cannot have a result: the answer says which, and nothing was applied.
    let (id, good) = call(&phone, account);
    let mut nameless = call(&phone, account).1;
    nameless["mutationId"] = json!("first");
    let answer = phone.send(&[good, nameless]).await.expect(400);
    assert!(answer.text("/detail").contains("/mutations/1/mutationId"), "{:#}", answer.body);
    assert_eq!(count(&world, "activity", id).await, 0);
    phone.push(&[]).await;
}

#[tokio::test]
async fn many_guilty_ones_are_told_in_time() {
    let world = World::new().await;
    let (phone, other) = (phone(&world).await, phone(&world).await);
    let number = |at: usize| json!({ "externalId": format!("ERP-{at}") });
    let theirs: Vec<Value> = (0..100).map(|at| new_account(&other, number(at)).1).collect();
    other.push(&theirs).await.iter().for_each(|result| assert_eq!(result["status"], "applied"));
    let mine: Vec<Value> = (0..200).map(|at| new_account(&phone, number(at * 2)).1).collect();
    let results = phone.push(&mine).await;
    for (at, result) in results.iter().enumerate() {
        assert_eq!(slug(result), if at < 50 { "duplicate" } else { "" }, "{at}: {result:#}");
    }
}
