//! One story with everything that earns or costs something, and all of it replayed.

use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::Uuid;
use waypost::lead::quota::renew_in;
use waypost::offence::book::of_tenant;
use waypost::simulation::run::replayed;

use super::{active, rule, simulate, strict};
use crate::sync::phone::Phone;
use crate::world::{Person, World};

/// Rules that reward and fine everything that there is.
fn everything() -> Value {
    let mut rules = strict();
    let brackets = json!([{ "withinHours": 24, "percent": 100 }, { "withinHours": 72, "percent": 50 }]);
    let weight = |field: &str, weight: i32| json!({ "field": field, "weight": weight });
    let work = rules["work"].as_array_mut().expect("work");
    work.push(
        json!({ "on": "stage_move", "base": "8.00", "weights": [weight("amount", 50), weight("contactId", 50)] }),
    );
    work.push(json!({ "on": "plan", "base": "3.00", "weights": [weight("purpose", 1)] }));
    rules["customer"] = json!([
        { "on": "account", "base": "20.00", "brackets": brackets, "weights": [
            weight("phone", 50), weight("email", 30), { "field": "note", "weight": 20, "minCharacters": 20 } ] },
        { "on": "contact", "base": "5.00", "brackets": brackets, "weights": [weight("title", 2), weight("phone", 1)] },
    ]);
    let penalties = rules["penalties"].as_array_mut().expect("penalties");
    penalties.push(json!({ "kind": "incomplete_account", "points": "-2.00", "afterDays": 4, "belowPercent": 60 }));
    rules["leads"]["signingPoints"] = json!("100.01");
    rules["leads"]["contributorPercent"] = json!(15);
    rules
}

/// What the rules booked for the days from `from` on: source, kind, points, money and day. An offence that was taken back is
/// none.
async fn all_booked(who: &Person, from: &str) -> Vec<String> {
    let page = who.get("/v1/points/entries?limit=200&sort=ordinal").await.expect(200);
    assert!(page.body["cursor"].is_null(), "more than a page");
    let is_offence = |entry: &Value| entry["explanation"]["offence"].as_str().is_some_and(|kind| kind != "late_entry");
    let taken_back: Vec<&Value> = page.items().iter().map(|entry| &entry["entryId"]).collect();
    let counts = |entry: &&Value| {
        let of_work = !["user", "month", "lead"].contains(&entry["sourceKind"].as_str().expect("a kind"));
        let stands = if is_offence(entry) { !taken_back.contains(&&entry["id"]) } else { true };
        of_work && stands && entry["entryId"].is_null() && entry["day"].as_str() >= Some(from)
    };
    let told = |entry: &Value| {
        let money = entry["money"].as_str().unwrap_or("none");
        let (source, id) = (&entry["sourceKind"], &entry["sourceId"]);
        format!("{source} {id} {} {} {money} {}", entry["kind"], entry["points"], entry["day"]).replace('"', "")
    };
    let mut all: Vec<String> = page.items().iter().filter(counts).map(told).collect();
    all.sort();
    all
}

/// Everything that earns or costs something: cards on REST and offline, stages reached in time, late and given up,
/// signatures, shared and taken back, plans kept, moved and missed, leads that become customers.
async fn whole_story(world: &World, lin: &Person, bo: &Person, admin: &Person) {
    let day = |days: i64| (world.state.clock.now().0 + TimeDelta::hours(8) + TimeDelta::days(days)).date_naive();
    let ago = |hours: i64| (world.state.clock.now().0 - TimeDelta::hours(hours)).to_rfc3339();
    let visit = async |who: &Person, account: Uuid, hours: i64, plan: Option<Uuid>| {
        let body = json!({ "accountId": account, "kind": "visit", "occurred": ago(hours), "planId": plan, "summary": "Talked" });
        who.post("/v1/activities", body).await.expect(201).header("location")
    };
    let plan = async |who: &Person, account: Uuid, days: i64| {
        let body = json!({ "accountId": account, "plannedOn": day(days), "purpose": "Show the samples" });
        who.post("/v1/plans", body).await.expect(201).id()
    };
    let book = async || of_tenant(&world.state, world.tenant_id).await.map(|_| ()).expect("books");
    let card = json!({ "kind": "business", "name": "Acme", "phone": "+86 21 5555 0100", "note": "Call them early in the day" });
    let made = lin.post("/v1/accounts", card).await.expect(201);
    let (acme, acme_path) = (made.id(), made.header("location"));
    let bare = lin.account("Bare").await;
    plan(lin, bare, 1).await;
    let kept = plan(lin, acme, 0).await;
    let moved = plan(lin, acme, 0).await;
    world.wait(TimeDelta::hours(1));
    let first = visit(lin, acme, 0, Some(kept)).await;
    visit(lin, acme, 0, Some(moved)).await;
    let contact = json!({ "accountId": acme, "name": "王芳", "title": "Head of purchasing" });
    let contact = lin.post("/v1/contacts", contact).await.expect(201);
    // Off its day and back; the fibre moves in time and late, and to and fro.
    lin.patch(&first, json!({ "occurred": ago(30) })).await.expect(200);
    lin.patch(&first, json!({ "occurred": ago(0) })).await.expect(200);
    let opportunity = async |who: &Person, account: Uuid| {
        let body = json!({ "name": "Fibre", "accountId": account, "amount": "500000", "currency": "CNY" });
        who.post("/v1/opportunities", body).await.expect(201).header("location")
    };
    let advance = async |who: &Person, path: &str, body: Value| {
        who.post(&format!("{path}/advance"), body).await.expect(200);
    };
    let fibre = opportunity(lin, acme).await;
    advance(lin, &fibre, json!({ "stage": "pre_sale" })).await;
    advance(lin, &fibre, json!({ "stage": "intent", "reason": "Too early" })).await;
    advance(lin, &fibre, json!({ "stage": "pre_sale" })).await;
    lin.patch(&fibre, json!({ "contactId": contact.id() })).await.expect(200);
    world.wait(TimeDelta::hours(26));
    book().await;
    advance(lin, &fibre, json!({ "stage": "negotiation", "occurred": ago(25) })).await;
    let given_up = opportunity(lin, acme).await;
    advance(lin, &given_up, json!({ "stage": "pre_sale" })).await;
    let late = opportunity(lin, bare).await;
    // A colleague comes to the account, fills, empties and refills.
    let member = |role: &str| (format!("/v1/accounts/{acme}/members/{}", bo.id), json!({ "role": role }));
    let (path, body) = member("member");
    admin.put(&path, body).await.expect(200);
    bo.patch(&acme_path, json!({ "email": "info@acme.example", "clear": ["phone"] })).await.expect(200);
    bo.patch(&acme_path, json!({ "phone": "+86 21 5555 0100" })).await.expect(200);
    admin.patch(&acme_path, json!({ "website": "https://acme.example", "clear": ["note"] })).await.expect(200);
    lin.patch(&contact.header("location"), json!({ "phone": "+86 21 5555 0101" })).await.expect(200);
    lin.delete(&given_up).await.expect(204);
    world.wait(TimeDelta::hours(60));
    book().await;
    advance(lin, &late, json!({ "stage": "pre_sale", "occurred": ago(59) })).await;
    advance(lin, &late, json!({ "stage": "negotiation", "occurred": ago(0) })).await;
    // Offline: two days of cards, plans and visits at once.
    let phone = Phone::new(world, world.person(lin.id));
    let typed = |hours: i64, kind: &str, op: &str, id: Uuid, fields: Value| {
        phone.mutation_typed(TimeDelta::hours(hours), kind, op, id, json!({ "baseRevision": 1, kind: fields }))
    };
    let (planned, visited, noted) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    let batch = [
        typed(40, "account", "update", bare, json!({ "phone": "+86 21 5555 0200" })),
        typed(30, "plan", "create", planned, json!({ "accountId": bare, "plannedOn": day(-1), "purpose": "Samples" })),
        typed(
            20,
            "activity",
            "create",
            visited,
            json!({ "accountId": bare, "kind": "visit", "occurred": ago(21), "planId": planned, "summary": "Talked" }),
        ),
        typed(19, "account", "update", bare, json!({ "email": "info@bare.example" })),
        typed(
            18,
            "activity",
            "create",
            noted,
            json!({ "accountId": bare, "kind": "note", "occurred": ago(18), "summary": "x" }),
        ),
        typed(2, "account", "update", bare, json!({ "note": "Prefers to be called early in the morning" })),
    ];
    for result in phone.push(&batch).await {
        assert_eq!(result["status"], "applied", "{result:#}");
    }
    lin.delete(&format!("/v1/activities/{noted}")).await.expect(204);
    // Signed by its owner; handed over, signed by the next, taken back and signed again.
    advance(lin, &fibre, json!({ "stage": "signed", "signedOn": day(0) })).await;
    let (path, body) = member("owner");
    admin.put(&path, body).await.expect(200);
    world.wait(TimeDelta::hours(1));
    let cable = opportunity(bo, acme).await;
    advance(bo, &cable, json!({ "stage": "signed", "signedOn": day(0) })).await;
    advance(admin, &cable, json!({ "stage": "negotiation", "reason": "The paper was wrong" })).await;
    world.wait(TimeDelta::hours(20));
    advance(bo, &cable, json!({ "stage": "signed", "signedOn": day(0) })).await;
    // Nobody earns by what a lead brings along, but by what comes to it.
    let lead = json!({ "name": "Northwind", "source": "fair", "phone": "+86 10 5555 0300", "contactName": "Li Na", "title": "CEO" });
    let lead = admin.post("/v1/leads", lead).await.expect(201).header("location");
    admin.post(&format!("{lead}/assign"), json!({ "userId": bo.id })).await.expect(200);
    let became = bo.post(&format!("{lead}/convert"), json!({})).await.expect(200);
    let northwind = format!("/v1/accounts/{}", became.text("/accountId"));
    bo.patch(&northwind, json!({ "email": "li@northwind.example", "clear": ["phone"] })).await.expect(200);
    bo.patch(&northwind, json!({ "phone": "+86 10 5555 0301" })).await.expect(200);
    lin.delete(&late).await.expect(204);
    world.wait(TimeDelta::days(4));
    book().await;
    world.wait(TimeDelta::hours(4));
}

#[tokio::test]
async fn every_kind_of_entry_is_reproduced() {
    let world = World::new().await;
    rule(&world, &everything()).await;
    let (lin, bo, admin) = (world.rep("Lin Wei").await, world.rep("Bo Chen").await, world.admin().await);
    renew_in(&world.state, world.tenant_id).await.expect("quotas");
    whole_story(&world, &lin, &bo, &admin).await;
    world.audit().await;
    for from in ["2026-03-01", "2026-03-04"] {
        let answer = simulate(&admin, active(&admin).await, from, "2026-03-10").await;
        let entries = replayed(&world.state, world.tenant_id, answer.id()).await.expect("replays");
        for who in [&lin, &bo] {
            let mut made: Vec<String> = entries
                .iter()
                .filter(|entry| entry.user_id == who.id)
                .map(|entry| {
                    let money = entry.money.as_ref().map_or("none".to_owned(), |(money, _)| money.to_string());
                    let (kind, id) = entry.source;
                    format!("{kind} {id} {} {} {money} {}", entry.kind, entry.points, entry.day)
                })
                .collect();
            made.sort();
            let real = all_booked(who, from).await;
            assert_eq!(made, real, "from {from}");
            if from == "2026-03-01" && who.id == lin.id {
                for kind in ["activity", "stage_move", "plan", "account", "contact", "opportunity"] {
                    assert!(real.iter().any(|entry| entry.starts_with(kind)), "the story has no {kind}: {real:#?}");
                }
                for kind in ["award", "fine", "correction", "reversal", "share"] {
                    assert!(real.iter().any(|entry| entry.contains(&format!(" {kind} "))), "no {kind}: {real:#?}");
                }
            }
        }
        for rep in answer.body["result"]["reps"].as_array().expect("reps") {
            assert_eq!((&rep["then"], &rep["difference"]), (&rep["now"], &json!("0.00")), "{rep}");
        }
    }
}
