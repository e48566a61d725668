//! Offences that nobody enters: each is fined once, on the day on which it fell due, whenever and wherever the job runs.

use chrono::Duration;
use serde_json::{Value, json};
use uuid::Uuid;
use waypost::clock::Clock;
use waypost::database::scratch::fresh_database;
use waypost::database::{connect, migrate};
use waypost::offence::book::{Booked, book, of_tenant};
use waypost::points::rules::first_rule_set;

use crate::sync::phone::Phone;
use crate::world::{Person, World, start};

/// Fines for everything, in points and in money.
async fn fine_everything(world: &World) {
    let mut rules = serde_json::to_value(first_rule_set()).expect("JSON");
    rules["currency"] = json!("CNY");
    rules["penalties"] = json!([
        { "kind": "late_entry", "points": "-5.00" },
        { "kind": "missed_plan", "points": "-3.00", "money": "50.00" },
        { "kind": "idle_opportunity", "points": "-4.00", "afterDays": 3 },
        { "kind": "stale_stage", "points": "-2.00" },
        { "kind": "incomplete_account", "points": "-1.00", "afterDays": 2, "belowPercent": 60 },
    ]);
    rules["customer"] = json!([{
        "on": "account", "base": "10.00", "brackets": [{ "withinHours": 48, "percent": 100 }],
        "weights": [{ "field": "phone", "weight": 60 }, { "field": "note", "weight": 40 }],
    }]);
    world.set_rules(rules).await;
}

async fn run(world: &World) -> Booked {
    let booked = of_tenant(&world.state, world.tenant_id).await.expect("books");
    world.audit().await;
    booked
}

/// Kind, day and points of the entries that are about offences, the oldest first.
async fn told(who: &Person) -> Vec<String> {
    let entries = who.get("/v1/points/entries?sort=createdAt&limit=200").await.expect(200);
    let about = |entry: &&Value| entry["explanation"]["offence"].is_string();
    let text = |entry: &Value| {
        let (offence, day) = (&entry["explanation"]["offence"], &entry["day"]);
        format!("{} {offence} {day} {}", entry["kind"], entry["points"]).replace('"', "")
    };
    let mut told: Vec<String> = entries.items().iter().filter(about).map(text).collect();
    told.sort();
    told
}

async fn complete_account(who: &Person, name: &str) -> Uuid {
    let body = json!({ "kind": "business", "name": name, "phone": "021-5555", "note": "Met at the fair" });
    who.post("/v1/accounts", body).await.expect(201).id()
}

async fn plan(who: &Person, account: Uuid, day: &str) -> String {
    who.post("/v1/plans", json!({ "accountId": account, "plannedOn": day })).await.expect(201).header("location")
}

#[tokio::test]
async fn a_missed_plan_is_fined_once_wherever_the_job_runs() {
    let world = World::new().await;
    fine_everything(&world).await;
    let lin = world.rep("Lin Wei").await;
    let account = complete_account(&lin, "Acme").await;
    let missed = plan(&lin, account, "2026-03-03").await;
    let cancelled = plan(&lin, account, "2026-03-03").await;
    lin.post(&format!("{cancelled}/cancel"), json!({ "reason": "Customer is ill" })).await.expect(200);
    let moved = plan(&lin, account, "2026-03-03").await;
    lin.patch(&moved, json!({ "plannedOn": "2026-03-20" })).await.expect(200);
    assert_eq!(run(&world).await, Booked::default(), "the day is not over");

    // Nobody was there to run it for four days; then two servers do at once.
    world.wait(Duration::days(5));
    let other = world.served_by(world.state.clone()).await;
    let (one, two) = tokio::join!(of_tenant(&world.state, world.tenant_id), of_tenant(&other.state, world.tenant_id));
    assert_eq!(one.expect("books").fines + two.expect("books").fines, 1);
    assert_eq!(run(&world).await, Booked::default());
    assert_eq!(told(&lin).await, ["fine missed_plan 2026-03-03 -3.00"]);

    let id = missed.rsplit('/').next().expect("an id");
    let entries = lin.get(&format!("/v1/points/entries?sourceId={id}")).await.expect(200);
    let entry = &entries.items()[0];
    assert_eq!(
        (&entry["money"], &entry["currency"], &entry["sourceKind"]),
        (&json!("50.00"), &json!("CNY"), &json!("plan"))
    );
    let words = &entry["explanation"];
    assert_eq!(
        words["en"],
        "The visit at \u{201c}Acme\u{201d} that was planned for 2026-03-03 was not made by the end of that day. By version 1 of the rules this \
         brings −3.00 points and a fine of 50.00 CNY."
    );
    assert!(
        words["zh"].as_str().is_some_and(|text| text.contains("2026-03-03") && text.contains("−3.00 分")),
        "{words}"
    );

    // Moved too late: that was an offence all the same, and the new day is another.
    lin.patch(&missed, json!({ "plannedOn": "2026-03-08" })).await.expect(200);
    world.wait(Duration::days(2));
    run(&world).await;
    assert_eq!(told(&lin).await, ["fine missed_plan 2026-03-03 -3.00", "fine missed_plan 2026-03-08 -3.00"]);
}

/// The job of all tenants has a database of its own: it would book for other stories too, whose clocks differ.
#[tokio::test]
async fn every_tenant_is_looked_after() {
    let url = fresh_database(None).await;
    migrate(&url).await.expect("migrates");
    let db = connect(&url, 5).await.expect("the scratch database answers");
    let (one, other) = (World::on(db.clone(), Clock::fixed(start())).await, World::on(db, Clock::fixed(start())).await);
    for world in [&one, &other] {
        fine_everything(world).await;
        let lin = world.rep("Lin Wei").await;
        let account = complete_account(&lin, "Acme").await;
        plan(&lin, account, "2026-03-03").await;
    }
    one.wait(Duration::days(2));
    assert_eq!(book(&one.state).await.expect("books"), Booked { fines: 2, taken_back: 0 });
    assert_eq!(book(&one.state).await.expect("books"), Booked::default());
    one.audit().await;
    other.audit().await;
}

#[tokio::test]
async fn a_visit_that_arrives_late_clears_the_fine() {
    let world = World::new().await;
    fine_everything(&world).await;
    let lin = world.rep("Lin Wei").await;
    let account = complete_account(&lin, "Acme").await;
    let path = plan(&lin, account, "2026-03-03").await;
    world.wait(Duration::days(3));
    assert_eq!(run(&world).await.fines, 1);
    let body = json!({ "accountId": account, "kind": "visit", "occurred": "2026-03-03T02:00:00Z", "summary": "Was there",
                       "planId": path.rsplit('/').next() });
    lin.post("/v1/activities", body).await.expect(201);
    assert_eq!(run(&world).await, Booked { fines: 0, taken_back: 1 });
    assert_eq!(run(&world).await, Booked::default());
    assert_eq!(told(&lin).await, ["fine missed_plan 2026-03-03 -3.00", "reversal missed_plan 2026-03-03 3.00"]);
}

#[tokio::test]
async fn what_arrives_after_its_day_was_judged_is_an_offence_all_the_same() {
    let world = World::new().await;
    fine_everything(&world).await;
    let lin = world.rep("Lin Wei").await;
    let account = complete_account(&lin, "Acme").await;
    let made = plan(&lin, account, "2026-03-03").await;
    world.wait(Duration::hours(18));
    let body = json!({ "accountId": account, "kind": "visit", "occurred": world.state.clock.now(), "summary": "Was there",
                       "planId": made.rsplit('/').next() });
    let visit = lin.post("/v1/activities", body).await.expect(201).header("location");
    world.wait(Duration::days(7));
    assert_eq!(run(&world).await, Booked::default());
    // A phone that was offline for a week: a plan that nobody kept, and an opportunity that nobody worked, typed in time.
    let phone = Phone::new(&world, world.person(lin.id));
    let plan = json!({ "accountId": account, "plannedOn": "2026-03-04", "purpose": "Samples" });
    let opportunity = json!({ "accountId": account, "name": "Fibre" });
    let typed = |kind: &str, fields: Value| {
        phone.mutation_typed(Duration::days(7), kind, "create", Uuid::now_v7(), json!({ kind: fields }))
    };
    for result in phone.push(&[typed("plan", plan), typed("opportunity", opportunity)]).await {
        assert_eq!(result["status"], "applied", "{result:#}");
    }
    assert_eq!(run(&world).await, Booked { fines: 2, taken_back: 0 });
    assert_eq!(run(&world).await, Booked::default());
    // And the visit that had kept a plan was none.
    lin.delete(&visit).await.expect(204);
    assert_eq!(run(&world).await, Booked { fines: 1, taken_back: 0 });
    assert_eq!(
        told(&lin).await,
        [
            "fine idle_opportunity 2026-03-06 -4.00",
            "fine missed_plan 2026-03-03 -3.00",
            "fine missed_plan 2026-03-04 -3.00",
        ]
    );
    let entries = lin.get("/v1/points/entries?limit=200").await.expect(200);
    let words =
        entries.items().iter().find(|entry| entry["day"] == "2026-03-04").expect("a fine")["explanation"].clone();
    assert!(
        words["en"]
            .as_str()
            .is_some_and(|text| text.contains("at \u{201c}Acme\u{201d}") && text.contains("(\u{201c}Samples\u{201d})")),
        "{words}"
    );
    assert!(
        words["zh"]
            .as_str()
            .is_some_and(|text| text.contains("对客户\u{201c}Acme\u{201d}的拜访（\u{201c}Samples\u{201d}）")),
        "{words}"
    );
}

#[tokio::test]
async fn days_that_were_judged_by_another_calendar_stay_judged() {
    let world = World::new().await;
    fine_everything(&world).await;
    let (lin, admin) = (world.rep("Lin Wei").await, world.admin().await);
    let account = complete_account(&lin, "Acme").await;
    let open = json!({ "name": "Fibre", "accountId": account });
    let path = lin.post("/v1/opportunities", open).await.expect(201).header("location");
    for _ in 0..3 {
        world.wait(Duration::days(3));
        let call = json!({ "accountId": account, "kind": "call", "occurred": world.state.clock.now() });
        lin.post("/v1/activities", call).await.expect(201);
        assert_eq!(run(&world).await, Booked::default());
    }
    // Somebody limits the time that an opportunity may stand in this stage: from now on, not for what was.
    let stages = lin.get("/v1/stages").await.expect(200);
    let intent = stages.items().iter().find(|stage| stage["stage"] == "intent").expect("a stage")["id"].clone();
    admin
        .patch(&format!("/v1/stages/{}", intent.as_str().expect("an id")), json!({ "staleDays": 2 }))
        .await
        .expect(200);
    lin.patch(&path, json!({ "note": "Asked for the price" })).await.expect(200);
    assert_eq!(run(&world).await, Booked::default());
    world.wait(Duration::days(1));
    assert_eq!(run(&world).await, Booked::default());
}

#[tokio::test]
async fn fines_speak_of_fields_and_stages_as_people_do() {
    let world = World::new().await;
    fine_everything(&world).await;
    let lin = world.rep("Lin Wei").await;
    story(&world, &lin, async |_| ()).await;
    run(&world).await;
    let entries = lin.get("/v1/points/entries?limit=200").await.expect(200);
    let words = |offence: &str| {
        let entry = entries.items().iter().find(|entry| entry["explanation"]["offence"] == offence).expect(offence);
        let text = |name: &str| entry["explanation"][name].as_str().expect("text").to_owned();
        (text("en"), text("zh"))
    };
    let (en, zh) = words("stale_stage");
    assert!(en.contains(" at \u{201c}Acme\u{201d} has stood in stage Intent since"), "{en}");
    assert!(zh.contains("一直处于\u{201c}意向\u{201d}阶段") && !zh.contains("intent"), "{zh}");
    let (en, zh) = words("incomplete_account");
    assert!(en.contains("Missing: phone, note.") && zh.contains("未填写：电话、备注。"), "{en} {zh}");
}

/// One opportunity that nobody works, one that is worked, one that is signed; cards with and without.
async fn story(world: &World, lin: &Person, mut each_day: impl AsyncFnMut(&World)) {
    let account = complete_account(lin, "Acme").await;
    lin.account("Bare").await;
    let stages = lin.get("/v1/stages").await.expect(200);
    let admin = world.admin().await;
    let intent = stages.items().iter().find(|stage| stage["stage"] == "intent").expect("a stage")["id"].clone();
    let path = format!("/v1/stages/{}", intent.as_str().expect("an id"));
    admin.patch(&path, json!({ "staleDays": 6 })).await.expect(200);
    let open = async |name: &str| {
        lin.post("/v1/opportunities", json!({ "name": name, "accountId": account })).await.expect(201).id()
    };
    let (_idle, busy, lost) = (open("Idle").await, open("Busy").await, open("Lost").await);
    let to = json!({ "stage": "lost", "lostReason": "price" });
    lin.post(&format!("/v1/opportunities/{lost}/advance"), to).await.expect(200);
    for day in 0..9 {
        if day % 2 == 0 {
            let occurred = world.state.clock.now().to_string();
            let body = json!({ "accountId": account, "kind": "call", "occurred": occurred, "opportunityId": busy });
            lin.post("/v1/activities", body).await.expect(201);
        }
        world.wait(Duration::days(1));
        each_day(world).await;
    }
}

#[tokio::test]
async fn a_job_that_was_down_books_what_a_daily_one_books() {
    let (daily, late) = (World::new().await, World::new().await);
    let mut books = Vec::new();
    for (world, is_daily) in [(&daily, true), (&late, false)] {
        fine_everything(world).await;
        let lin = world.rep("Lin Wei").await;
        story(world, &lin, async |world| {
            if is_daily {
                run(world).await;
            }
        })
        .await;
        run(world).await;
        assert_eq!(run(world).await, Booked::default());
        books.push(told(&lin).await);
    }
    assert_eq!(books[0], books[1]);
    assert_eq!(
        books[0],
        [
            "fine idle_opportunity 2026-03-05 -4.00",
            "fine incomplete_account 2026-03-04 -1.00",
            "fine stale_stage 2026-03-08 -2.00",
            "fine stale_stage 2026-03-08 -2.00",
        ]
    );
}
