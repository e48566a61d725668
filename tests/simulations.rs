//! `POST /v1/rule-sets/{id}/simulation`: the past replayed under other rules, and exactly as it was under the same.

mod kinds;
mod late;
mod year;

use std::time::Duration as Pause;

use chrono::{Duration, TimeDelta};
use entity::kind::{EntrySource, RuleSetStatus};
use entity::rule_set;
use entity::rules::Rules;
use serde_json::{Value, json};
use uuid::Uuid;
use waypost::auth::Actor;
use waypost::lead::quota::renew_in;
use waypost::offence::book::of_tenant;
use waypost::points::rules::first_rule_set;
use waypost::simulation::replay::Entry;
use waypost::simulation::run::replayed;
use waypost::work::UnitOfWork;

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
    world.set_rules(rules.clone()).await;
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
    // A year of a hundred thousand activities takes long where many tests run.
    for _ in 0..3000 {
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
