//! `POST /v1/rule-sets/{id}/simulation`: the past replayed under other rules, and exactly as it was under the same.

mod late;
mod year;

use std::time::Duration as Pause;

use chrono::{Duration, TimeDelta};
use entity::kind::{EntrySource, RuleSetStatus};
use entity::rule_set;
use entity::rules::Rules;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};
use uuid::Uuid;
use waypost::auth::Actor;
use waypost::lead::quota::renew_in;
use waypost::offence::book::of_tenant;
use waypost::points::rules::first_rule_set;
use waypost::simulation::replay::Entry;
use waypost::simulation::run::replayed;
use waypost::work::UnitOfWork;

use crate::sync::phone::Phone;
use crate::world::{Answer, Person, World};

/// The first rules with fines for what nobody enters, and a cap that bites.
fn strict() -> Value {
    let mut rules = serde_json::to_value(first_rule_set()).expect("JSON");
    rules["currency"] = json!("CNY");
    rules["penalties"] = json!([
        { "kind": "late_entry", "points": "-5.00", "money": "20.00" },
        { "kind": "missed_plan", "points": "-3.00" },
        { "kind": "idle_opportunity", "points": "-4.00", "afterDays": 3 },
    ]);
    rules["caps"] = json!({ "perDay": "24.00", "perAccountDay": "17.00" });
    rules
}

pub async fn rule(world: &World, rules: &Value) {
    let sql = "UPDATE rule_set SET rules = $2::jsonb WHERE tenant_id = $1";
    let values = [world.tenant_id.into(), rules.to_string().into()];
    world.state.db.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await.expect("sets");
}

async fn draft(world: &World, rules: &Value) -> Uuid {
    let rules: Rules = serde_json::from_value(rules.clone()).expect("rules");
    let mut work = UnitOfWork::begin(&world.state, &Actor::system(world.tenant_id)).await.expect("begins");
    let (id, now) = (Uuid::now_v7(), work.now);
    work.put(rule_set::Model {
        tenant_id: world.tenant_id,
        id,
        revision: 0,
        created_at: now,
        updated_at: now,
        deleted_at: None,
        version: 2,
        status: RuleSetStatus::Draft,
        starts_on: None,
        ended_on: None,
        rules,
        bundle: None,
    });
    work.commit().await.expect("commits");
    id
}

pub async fn active(who: &Person) -> Uuid {
    who.get("/v1/rule-sets?status=active").await.expect(200).ids()[0]
}

/// Starts one and waits for its end.
pub async fn simulate(admin: &Person, rule_set: Uuid, from: &str, to: &str) -> Answer {
    let path = format!("/v1/rule-sets/{rule_set}/simulation");
    let begun = admin.post(&path, json!({ "from": from, "to": to })).await.expect(202);
    let location = begun.header("location");
    for _ in 0..600 {
        let answer = admin.get(&location).await.expect(200);
        if answer.text("/status") != "running" {
            assert_eq!(answer.text("/status"), "finished", "{:#}", answer.body);
            assert_eq!(admin.get(&path).await.expect(200).body, answer.body, "it is the newest of its rule set");
            return answer;
        }
        tokio::time::sleep(Pause::from_millis(50)).await;
    }
    panic!("it does not end");
}

/// Two weeks: entries in time, late and capped, some corrected, moved or deleted; plans kept and missed; an opportunity
/// that nobody works.
async fn story(world: &World, reps: &[&Person]) {
    for who in reps {
        let account = who.account("Acme").await;
        who.post("/v1/opportunities", json!({ "name": "Fibre", "accountId": account })).await.expect(201);
        who.post("/v1/plans", json!({ "accountId": account, "plannedOn": "2026-03-04" })).await.expect(201);
    }
    let mut seed = 7u32;
    let mut dice = move |most: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 16) % most
    };
    for _ in 0..12 {
        for (index, who) in reps.iter().enumerate() {
            let account = who.get("/v1/accounts").await.expect(200).ids()[0];
            let mut paths = Vec::new();
            for _ in 0..1 + dice(4) as usize + index {
                let hours = [0, 1, 3, 20, 30, 80][dice(6) as usize];
                let occurred = (world.state.clock.now().0 - TimeDelta::hours(hours)).to_rfc3339();
                let kind = ["call", "note", "email"][dice(3) as usize];
                let mut body = json!({ "accountId": account, "kind": kind, "occurred": occurred });
                if dice(3) > 0 {
                    body["summary"] = json!("Talked about the offer");
                }
                paths.push(who.post("/v1/activities", body).await.expect(201).header("location"));
            }
            for path in paths {
                match dice(6) {
                    0 => drop(
                        who.patch(&path, json!({ "summary": "Wants the offer", "nextStep": "Call" })).await.expect(200),
                    ),
                    1 => {
                        let earlier = (world.state.clock.now().0 - TimeDelta::hours(26)).to_rfc3339();
                        drop(who.patch(&path, json!({ "occurred": earlier })).await.expect(200));
                    }
                    2 => drop(who.delete(&path).await.expect(204)),
                    _ => {}
                }
            }
        }
        world.wait(Duration::hours(20));
        of_tenant(&world.state, world.tenant_id).await.expect("books");
    }
}

/// What is booked about activities: source, number, kind, points, money and day.
pub async fn booked(who: &Person) -> Vec<String> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = who.get(&format!("/v1/points/entries?limit=200{cursor}")).await.expect(200);
        for entry in page.items().iter().filter(|entry| entry["sourceKind"] == "activity") {
            let money = entry["money"].as_str().unwrap_or("none");
            all.push(
                format!(
                    "{} {} {} {} {money} {}",
                    entry["sourceId"], entry["number"], entry["kind"], entry["points"], entry["day"]
                )
                .replace('"', ""),
            );
        }
        match page.body["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    all.sort();
    all
}

/// The same of an entry that a simulation made.
pub fn told(entry: &Entry) -> String {
    let money = entry.money.as_ref().map_or("none".to_owned(), |(money, _)| money.to_string());
    format!("{} {} {} {} {money} {}", entry.source.1, entry.number, entry.kind, entry.points, entry.day)
}

#[tokio::test]
async fn the_active_rules_reproduce_what_was_booked() {
    let world = World::new().await;
    rule(&world, &strict()).await;
    let (lin, zhao, admin) = (world.rep("Lin Wei").await, world.rep("Zhao Min").await, world.admin().await);
    renew_in(&world.state, world.tenant_id).await.expect("quotas");
    story(&world, &[&lin, &zhao]).await;
    world.audit().await;
    let (from, to) = ("2026-02-20", "2026-03-11");
    let answer = simulate(&admin, active(&admin).await, from, to).await;
    // Entry by entry.
    let id = answer.id();
    let entries = replayed(&world.state, world.tenant_id, id).await.expect("replays");
    for who in [&lin, &zhao] {
        let of = |entry: &&Entry| entry.user_id == who.id;
        let mut made: Vec<String> =
            entries.iter().filter(of).filter(|entry| entry.source.0 == EntrySource::Activity).map(told).collect();
        made.sort();
        let real = booked(who).await;
        assert!(real.len() > 30, "{} entries", real.len());
        assert_eq!(made, real);
    }
    // And in sum.
    let reps = answer.body["result"]["reps"].as_array().expect("reps");
    assert_eq!(reps.len(), 2);
    for rep in reps {
        assert_eq!((&rep["then"], &rep["difference"]), (&rep["now"], &json!("0.00")), "{rep}");
        assert_ne!(rep["then"]["fines"], "0.00", "the story has fines: {rep}");
    }
    assert_eq!(answer.body["result"]["then"], answer.body["result"]["now"]);
    let balance = lin.get("/v1/points/balance").await.expect(200);
    let of_lin = reps.iter().find(|rep| rep["userId"] == json!(lin.id)).expect("Lin");
    assert_eq!(of_lin["now"]["points"], balance.body["points"], "it is all that he has");
}

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

#[tokio::test]
async fn the_shadow_is_compared_with_what_was_booked() {
    let world = World::new().await;
    let (lin, bo, admin) = (world.rep("Lin Wei").await, world.rep("Bo Chen").await, world.admin().await);
    let chen = world.manager("Chen Hua").await;
    let account = lin.account("Acme").await;
    let note = |days: i64| {
        let occurred = (world.state.clock.now().0 - TimeDelta::days(days)).to_rfc3339();
        json!({ "accountId": account, "kind": "note", "occurred": occurred, "summary": "Talked" })
    };
    lin.post("/v1/activities", note(0)).await.expect(201);
    world.wait(TimeDelta::days(2));
    let mut rules = serde_json::to_value(first_rule_set()).expect("JSON");
    rules["work"][4]["base"] = json!("12.00");
    rules["penalties"] = json!([{ "kind": "late_entry", "points": "-7.00" }]);
    let id = draft(&world, &rules).await;
    let path = format!("/v1/rule-sets/{id}/shadow-scores");
    assert_eq!(admin.get(&path).await.expect(409).problem().0, "locked", "a draft is simulated");
    lin.get(&path).await.expect(404);
    admin.post(&format!("/v1/rule-sets/{id}/shadow"), json!({})).await.expect(200);
    world.wait(TimeDelta::days(4));
    lin.post("/v1/activities", note(0)).await.expect(201);
    lin.post("/v1/activities", note(4)).await.expect(201);
    let before = lin.get("/v1/points/balance").await.expect(200).body;
    for (who, names) in [(&admin, 3), (&chen, 3), (&lin, 1)] {
        let told = who.get(&path).await.expect(200);
        assert_eq!((told.text("/from"), told.text("/to")), ("2026-03-04".into(), "2026-03-08".into()));
        let reps = told.body["result"]["reps"].as_array().expect("reps");
        assert_eq!(reps.len(), names, "{:#}", told.body);
        let of_lin = reps.iter().find(|rep| rep["userId"] == json!(lin.id)).expect("Lin");
        assert_eq!((&of_lin["then"]["points"], &of_lin["then"]["fines"]), (&json!("5.00"), &json!("-5.00")));
        assert_eq!((&of_lin["now"]["points"], &of_lin["now"]["fines"]), (&json!("5.00"), &json!("-7.00")));
    }
    assert_eq!(bo.get(&path).await.expect(200).body["result"]["reps"][0]["userId"], json!(bo.id));
    assert_eq!(lin.get("/v1/points/balance").await.expect(200).body, before, "it pays nothing");
    World::new().await.admin().await.get(&path).await.expect(404);
}

#[tokio::test]
async fn a_draft_shows_who_would_lose_and_books_nothing() {
    let world = World::new().await;
    let (lin, zhao, admin) = (world.rep("Lin Wei").await, world.rep("=Zhao").await, world.admin().await);
    let account = lin.account("Acme").await;
    let note = |hours: i64| {
        let occurred = (world.state.clock.now().0 - TimeDelta::hours(hours)).to_rfc3339();
        json!({ "accountId": account, "kind": "note", "occurred": occurred, "summary": "Talked" })
    };
    // What was given is told as it was; nothing was in the month before.
    renew_in(&world.state, world.tenant_id).await.expect("quotas");
    let earlier = simulate(&admin, active(&admin).await, "2026-01-20", "2026-02-20").await;
    assert_eq!(
        (&earlier.body["result"]["then"]["leads"], &earlier.body["result"]["now"]["leads"]),
        (&json!(0), &json!(50))
    );
    // Lin: 10 and 6 in time. Zhao, who comes to the account: 2 and twice late.
    lin.put(&format!("/v1/accounts/{account}/members/{}", zhao.id), json!({ "role": "member" })).await.expect(200);
    for hours in [0, 20] {
        lin.post("/v1/activities", note(hours)).await.expect(201);
    }
    for hours in [0, 70] {
        zhao.post("/v1/activities", note(hours)).await.expect(201);
    }
    let mut rules = serde_json::to_value(first_rule_set()).expect("JSON");
    rules["brackets"] = json!([{ "withinHours": 24, "percent": 100 }]);
    rules["penalties"] = json!([{ "kind": "late_entry", "points": "-30.00", "money": "100.00" }]);
    rules["currency"] = json!("CNY");
    rules["leads"]["policies"] = json!(["quota", "purchase"]);
    rules["leads"]["monthlyQuota"] = json!(3);
    rules["leads"]["pointsPerLead"] = json!("8.00");
    let id = draft(&world, &rules).await;
    let before = (lin.get("/v1/points/balance").await.body, booked(&zhao).await);
    let answer = simulate(&admin, id, "2026-02-26", "2026-03-02").await;
    assert_eq!((lin.get("/v1/points/balance").await.body, booked(&zhao).await), before);

    let result = &answer.body["result"];
    let reps = result["reps"].as_array().expect("reps");
    let told: Vec<_> = reps.iter().map(|rep| (&rep["name"], &rep["then"]["points"], &rep["now"]["points"])).collect();
    assert_eq!(
        told,
        [(&json!("=Zhao"), &json!("12.00"), &json!("-20.00")), (&json!("Lin Wei"), &json!("16.00"), &json!("20.00"))],
        "who loses most comes first"
    );
    assert_eq!(
        (&reps[0]["newlyLoses"], &reps[1]["newlyLoses"], &result["newlyLosing"]),
        (&json!(true), &json!(false), &json!(1))
    );
    assert_eq!(
        (&reps[0]["earnsLess"], &reps[1]["earnsLess"], &result["earningLess"]),
        (&json!(true), &json!(false), &json!(1))
    );
    assert_eq!((&reps[0]["now"]["fines"], &reps[0]["now"]["money"]), (&json!("-30.00"), &json!("100.00")));
    // One month begins in the period; twenty points buy two leads more.
    assert_eq!(
        (&reps[1]["now"]["leads"], &reps[0]["now"]["leads"], &result["now"]["leads"]),
        (&json!(5), &json!(3), &json!(8))
    );
    assert_eq!((&reps[1]["then"]["leads"], &result["then"]["leads"]), (&json!(25), &json!(50)));
    assert_eq!((&result["then"]["gini"], &result["now"]["gini"]), (&json!(0.0714), &json!(0.5)));
    assert_eq!((&answer.body["done"], &answer.body["total"]), (&json!(4), &json!(4)));

    let path = format!("/v1/simulations/{}", answer.id());
    let request = admin.request(reqwest::Method::GET, &path).await.header("Accept", "text/csv");
    let response = request.send().await.expect("an answer");
    assert_eq!(response.headers()["content-type"], "text/csv");
    let table = response.text().await.expect("text");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].starts_with("userId,name,teamId,pointsThen,pointsNow,difference"), "{}", lines[0]);
    assert!(lines[1].contains(",'=Zhao,") && lines[1].ends_with(",true,true"), "no formula: {}", lines[1]);
}

#[tokio::test]
async fn only_admins_simulate_and_only_the_past() {
    let world = World::new().await;
    let (lin, admin) = (world.rep("Lin Wei").await, world.admin().await);
    let rule_set = active(&admin).await;
    let path = format!("/v1/rule-sets/{rule_set}/simulation");
    let body = json!({ "from": "2026-02-01", "to": "2026-02-28" });
    lin.post(&path, body.clone()).await.expect(403);
    world.manager("Chen Hua").await.post(&path, body.clone()).await.expect(403);
    let elsewhere = World::new().await.admin().await;
    elsewhere.post(&path, body.clone()).await.expect(404);
    admin.get(&path).await.expect(404);
    for (from, to, field) in [
        ("2026-03-01", "2026-03-03", "/to"),
        ("2026-03-02", "2026-03-01", "/from"),
        ("2020-01-01", "2026-03-01", "/from"),
    ] {
        let refused = admin.post(&path, json!({ "from": from, "to": to })).await.expect(422);
        assert_eq!(refused.problem().1, [field]);
    }
    let done = simulate(&admin, rule_set, "2026-02-01", "2026-02-28").await;
    let found = format!("/v1/simulations/{}", done.id());
    lin.get(&found).await.expect(404);
    elsewhere.get(&found).await.expect(404);
    elsewhere.get(&path).await.expect(404);
}
