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
    let told = entries(&lin).await[0]["explanation"].clone();
    assert!(told["en"].as_str().is_some_and(|text| text.contains(", \u{201c}Acme\u{201d}, entered")), "{told}");
    assert!(told["en"].as_str().is_some_and(|text| text.contains("missing: summary (20 characters asked)")), "{told}");
    assert!(told["zh"].as_str().is_some_and(|text| text.starts_with("\u{201c}Acme\u{201d}的记录发生于")), "{told}");
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
async fn a_fine_may_cost_money_and_comes_back_with_it_when_a_review_agrees() {
    let world = World::new().await;
    let (admin, lin, chen) = (world.admin().await, world.rep("Lin Wei").await, world.manager("Chen Hua").await);
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
    let money = async || -> f64 {
        entries(&lin).await.iter().filter_map(|entry| entry["money"].as_str()?.parse::<f64>().ok()).sum()
    };
    // Its author says that it was later: that waits for somebody to look at it. Nobody believes it.
    let redate = async |path: &str| {
        lin.patch(path, json!({ "occurred": ago(&world, 0) })).await.expect(200);
        assert_eq!((points(&lin).await.as_str(), money().await), ("-5.00", 0.0));
        let holds = chen.get("/v1/holds?status=open").await.expect(200);
        let hold = &holds.items()[0];
        assert_eq!((&hold["points"], &hold["evidence"]["findings"][0]["reason"]), (&json!("15.00"), &json!("redated")));
        format!("/v1/holds/{}", hold["id"].as_str().expect("an id"))
    };
    let hold = redate(&path).await;
    chen.post(&format!("{hold}/deny"), json!({ "reason": "The customer says otherwise" })).await.expect(200);
    assert_eq!((points(&lin).await.as_str(), money().await), ("-5.00", 50.0));
    // No other correction brings it, nor does deleting.
    lin.patch(&path, json!({ "clear": ["summary"] })).await.expect(200);
    lin.patch(&path, json!({ "summary": "Talked again" })).await.expect(200);
    assert_eq!((points(&lin).await.as_str(), money().await), ("-5.00", 50.0));
    lin.delete(&path).await.expect(204);
    assert_eq!((points(&lin).await.as_str(), money().await), ("-5.00", 50.0));
    world.audit().await;
    // What a manager corrects counts at once.
    let path = note(&lin, account, ago(&world, 73), "Talked").await;
    chen.patch(&path, json!({ "occurred": ago(&world, 0) })).await.expect(200);
    assert_eq!((points(&lin).await.as_str(), money().await), ("5.00", 50.0));
    // Moved and deleted before anybody looked: the fine stays. Moved and believed: it is gone.
    let path = note(&lin, account, ago(&world, 73), "Talked").await;
    lin.patch(&path, json!({ "occurred": ago(&world, 0) })).await.expect(200);
    lin.delete(&path).await.expect(204);
    assert_eq!((points(&lin).await.as_str(), money().await), ("0.00", 100.0));
    assert_eq!(chen.get("/v1/holds?status=open").await.items().len(), 0);
    let path = note(&lin, account, ago(&world, 73), "Talked").await;
    lin.patch(&path, json!({ "occurred": ago(&world, 0) })).await.expect(200);
    let hold = chen.get("/v1/holds?status=open").await.items()[0]["id"].as_str().expect("an id").to_owned();
    chen.post(&format!("/v1/holds/{hold}/release"), json!({ "reason": "A slip of the finger" })).await.expect(200);
    assert_eq!((points(&lin).await.as_str(), money().await), ("10.00", 100.0));
    world.audit().await;
}

#[tokio::test]
async fn a_check_in_tells_when_a_visit_began() {
    let world = World::new().await;
    let lin = world.rep("Lin Wei").await;
    let account = lin.account("Acme").await;
    let visit = |hours: i64, check_in: i64| {
        json!({ "accountId": account, "kind": "visit", "occurred": ago(&world, hours), "summary": "Talked",
                "checkIn": { "at": ago(&world, check_in) } })
    };
    // Said to be of now, with the check-in of a week ago; and a check-in after it counts for nothing.
    lin.post("/v1/activities", visit(0, 24 * 7)).await.expect(201);
    assert_eq!(points(&lin).await, "-5.00");
    let late = lin.post("/v1/activities", visit(80, 0)).await.expect(201).header("location");
    assert_eq!(points(&lin).await, "-10.00");
    // Whatever time is typed, it stays with the check-in; one that is taken away moves it to a later time.
    let path = lin.post("/v1/activities", visit(80, 80)).await.expect(201).header("location");
    lin.patch(&path, json!({ "occurred": ago(&world, 0) })).await.expect(200);
    assert_eq!(points(&lin).await, "-15.00");
    lin.patch(&path, json!({ "clear": ["checkIn"] })).await.expect(200);
    lin.patch(&late, json!({ "occurred": ago(&world, 1) })).await.expect(200);
    assert_eq!(points(&lin).await, "-15.00", "both wait");
    assert_eq!(lin.get("/v1/holds?status=open").await.expect(200).items().len(), 2);
    world.audit().await;
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
