//! What rules in force do: conditions, working hours, caps, fines in money, and how far an unproven clock is believed.

use chrono::{Duration, TimeDelta};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ago, entries, points, rule};
use crate::sync::phone::Phone;
use crate::world::{Person, World};

async fn note(who: &Person, account: Uuid, occurred: String, summary: &str) -> String {
    let body = json!({ "accountId": account, "kind": "note", "occurred": occurred, "summary": summary });
    who.post("/v1/activities", body).await.expect(201).header("location")
}

#[tokio::test]
async fn a_text_counts_when_it_is_long_enough_and_a_step_with_its_day() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    rule(&world, &admin, |rules| {
        rules["work"][4]["weights"] = json!([
            { "field": "summary", "weight": 60, "minCharacters": 20 },
            { "field": "nextStep", "weight": 40, "with": "nextStepOn" },
        ]);
    })
    .await;
    let account = lin.account("Acme").await;
    let path = note(&lin, account, ago(&world, 0), "Too short").await;
    assert_eq!(points(&lin).await, "0.00");
    lin.patch(&path, json!({ "summary": "样品已展示，客户采购主管希望下周收到完整报价单" })).await.expect(200);
    assert_eq!(points(&lin).await, "6.00");
    lin.patch(&path, json!({ "nextStep": "Send the quote" })).await.expect(200);
    assert_eq!(points(&lin).await, "6.00");
    lin.patch(&path, json!({ "nextStepOn": "2026-03-09" })).await.expect(200);
    assert_eq!(points(&lin).await, "10.00");
}

#[tokio::test]
async fn nights_and_holidays_are_no_delay_in_working_hours() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    rule(&world, &admin, |rules| rules["hours"] = json!("working")).await;
    let mut calendar = lin.get("/v1/calendar").await.body;
    calendar["holidays"]["days"] = json!([{ "day": "2026-03-03", "name": "Founder's day" }]);
    calendar["workingDays"]["days"] = json!([]);
    admin.put("/v1/calendar", calendar.clone()).await.expect(200);
    let account = lin.account("Acme").await;
    // Monday, 17:00 in Shanghai; entered on Wednesday at 10:00, for Tuesday is free: two working hours.
    let occurred = ago(&world, 0);
    world.wait(Duration::hours(41));
    let path = note(&lin, account, occurred, "Talked").await;
    assert_eq!(points(&lin).await, "10.00");
    let explanation = entries(&lin).await[0]["explanation"].clone();
    assert_eq!((&explanation["delayMinutes"], &explanation["hours"]), (&json!(120), &json!("working")));

    // What is judged stays judged, whatever the calendar says later.
    calendar["holidays"]["days"] = json!([]);
    admin.put("/v1/calendar", calendar).await.expect(200);
    lin.patch(&path, json!({ "clear": ["summary"] })).await.expect(200);
    lin.patch(&path, json!({ "summary": "Talked" })).await.expect(200);
    assert_eq!(points(&lin).await, "10.00");
}

#[tokio::test]
async fn a_day_pays_no_more_than_its_caps() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    rule(&world, &admin, |rules| rules["caps"] = json!({ "perDay": "25.00", "perAccountDay": "15.00" })).await;
    let (acme, bolt, coil) = (lin.account("Acme").await, lin.account("Bolt").await, lin.account("Coil").await);
    let first = note(&lin, acme, ago(&world, 0), "Talked").await;
    note(&lin, acme, ago(&world, 0), "Talked again").await;
    assert_eq!(points(&lin).await, "15.00");
    note(&lin, bolt, ago(&world, 0), "Talked").await;
    note(&lin, coil, ago(&world, 0), "Talked").await;
    assert_eq!(points(&lin).await, "25.00");
    let last = entries(&lin).await.pop().expect("an entry");
    assert_eq!((&last["points"], &last["explanation"]["capped"]), (&json!("0.00"), &json!("10.00")));
    // Yesterday has room of its own, and a colleague his.
    note(&lin, acme, ago(&world, 18), "Talked").await;
    assert_eq!(points(&lin).await, "31.00");
    // What is deleted makes room for what is entered later.
    lin.delete(&first).await.expect(204);
    note(&lin, coil, ago(&world, 0), "Talked on").await;
    assert_eq!(points(&lin).await, "31.00");
}

#[tokio::test]
async fn one_push_is_capped_like_one_after_the_other() {
    let world = World::new().await;
    let admin = world.admin().await;
    rule(&world, &admin, |rules| rules["caps"] = json!({ "perDay": "25.00" })).await;
    let lin = Phone::new(&world, world.rep("Lin Wei").await);
    let account = lin.account("Acme").await;
    let notes: Vec<Value> = (0..5)
        .map(|_| {
            let fields =
                json!({ "accountId": account, "kind": "note", "occurred": ago(&world, 0), "summary": "Talked" });
            lin.mutation("activity", "create", Uuid::now_v7(), json!({ "activity": fields }))
        })
        .collect();
    lin.push(&notes[..1]).await;
    lin.push(&notes).await;
    assert_eq!(points(&lin.person).await, "25.00");
}

#[tokio::test]
async fn a_fine_may_cost_money_and_is_taken_back_with_it() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    rule(&world, &admin, |rules| {
        rules["currency"] = json!("CNY");
        rules["penalties"][0]["money"] = json!("50");
    })
    .await;
    let account = lin.account("Acme").await;
    let path = note(&lin, account, ago(&world, 73), "Talked").await;
    let fine = entries(&lin).await.remove(0);
    assert_eq!((&fine["kind"], &fine["points"], &fine["currency"]), (&json!("fine"), &json!("-5.00"), &json!("CNY")));
    assert_eq!(fine["money"].as_str().and_then(|money| money.parse::<f64>().ok()), Some(50.0));
    assert_eq!(fine["explanation"]["offence"], "late_entry");
    lin.patch(&path, json!({ "occurred": ago(&world, 0) })).await.expect(200);
    let money: f64 = entries(&lin).await.iter().filter_map(|e| e["money"].as_str()?.parse::<f64>().ok()).sum();
    assert_eq!((points(&lin).await.as_str(), money), ("10.00", 0.0));
}

#[tokio::test]
async fn a_month_believes_an_unproven_clock_only_so_far() {
    let world = World::new().await;
    let admin = world.admin().await;
    rule(&world, &admin, |rules| rules["unproven"] = json!({ "hoursPerEntry": 30, "hoursPerMonth": 50 })).await;
    let mut lin = Phone::new(&world, world.rep("Lin Wei").await);
    let account = lin.account("Acme").await;
    world.wait(TimeDelta::days(4));
    let typed = |hours: i64| {
        let id = Uuid::now_v7();
        let occurred = lin.reading(TimeDelta::hours(hours))["wall"].clone();
        let fields = json!({ "accountId": account, "kind": "note", "occurred": occurred, "summary": "Talked" });
        let mut mutation =
            lin.mutation_typed(TimeDelta::hours(hours), "activity", "create", id, json!({ "activity": fields }));
        mutation["captured"]["bootId"] = json!("before the restart");
        (id, mutation)
    };
    // Thirty hours an entry, and twenty are left of the month's fifty for the second; then none.
    let (one, two, three) = (typed(40), typed(40), typed(10));
    lin.push(&[one.1, two.1]).await;
    lin.push(&[three.1]).await;
    lin.pull(100).await;
    let age = |id| {
        let activity = lin.document("activity", id);
        let time = |name: &str| activity[name].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
        (time("received") - time("captured")).num_hours()
    };
    assert_eq!([age(one.0), age(two.0), age(three.0)], [30, 20, 0]);
    // Nobody is fined for what he cannot prove.
    assert!(lin.all("points_entry").all(|entry| entry["kind"] == "award"));
    // A new month believes anew.
    world.wait(TimeDelta::days(30));
    let four = {
        let id = Uuid::now_v7();
        let fields = json!({ "accountId": account, "kind": "note", "occurred": ago(&world, 0), "summary": "Talked" });
        let mut mutation =
            lin.mutation_typed(TimeDelta::hours(25), "activity", "create", id, json!({ "activity": fields }));
        mutation["captured"]["bootId"] = json!("before the restart");
        mutation["activity"]["occurred"] = lin.reading(TimeDelta::hours(26))["wall"].clone();
        lin.push(&[mutation]).await;
        id
    };
    lin.pull(100).await;
    let captured = lin.document("activity", four)["captured"].as_str().unwrap().to_owned();
    let age = world.state.clock.now().0 - captured.parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert_eq!(age.num_hours(), 25);
}
