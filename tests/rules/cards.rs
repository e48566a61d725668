//! Customer cards earn field by field, the sooner after the first visit the more.

use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ago, entries, points, rule};
use crate::sync::phone::Phone;
use crate::world::{Person, World};

/// 20 points for an account: phone 50, e-mail 30, note of twenty characters 20; within a day all of it, within three half.
fn rewards_cards(rules: &mut Value) {
    rules["work"] = json!([]);
    let brackets = json!([{ "withinHours": 24, "percent": 100 }, { "withinHours": 72, "percent": 50 }]);
    rules["customer"] = json!([
        { "on": "account", "base": "20.00", "brackets": brackets, "weights": [
            { "field": "phone", "weight": 50 }, { "field": "email", "weight": 30 },
            { "field": "note", "weight": 20, "minCharacters": 20 },
        ] },
        { "on": "contact", "base": "5.00", "brackets": brackets, "weights": [{ "field": "title", "weight": 1 }] },
    ]);
}

async fn visit(who: &Person, account: Uuid, occurred: String) {
    let body = json!({ "accountId": account, "kind": "visit", "occurred": occurred });
    who.post("/v1/activities", body).await.expect(201);
}

#[tokio::test]
async fn each_field_earns_when_it_is_filled() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    rule(&world, &admin, rewards_cards).await;
    let body = json!({ "kind": "business", "name": "Acme", "phone": "+86 21 5555 0100" });
    let made = lin.post("/v1/accounts", body).await.expect(201);
    let (account, path) = (made.id(), made.header("location"));
    assert_eq!(points(&lin).await, "10.00", "before any visit nothing is late");
    visit(&lin, account, ago(&world, 0)).await;
    world.wait(TimeDelta::hours(25));
    lin.patch(&path, json!({ "email": "info@acme.example" })).await.expect(200);
    assert_eq!(points(&lin).await, "13.00");
    let entry = entries(&lin).await.pop().expect("an entry");
    let explanation = &entry["explanation"];
    assert_eq!((&entry["sourceKind"], &explanation["percent"]), (&json!("account"), &json!(50)));
    assert_eq!(
        explanation["en"],
        "Account card: e-mail filled 2026-03-03 18:00, 1 d 1 h after the first visit of 2026-03-02 17:00. Each earns 50 % \
         of its share of 20 points: 3.00."
    );
    // A contact of the same account, and another value of what is filled.
    let contact = json!({ "accountId": account, "name": "王芳", "title": "Head of purchasing" });
    let contact = lin.post("/v1/contacts", contact).await.expect(201).header("location");
    assert_eq!(points(&lin).await, "15.50");
    lin.patch(&path, json!({ "phone": "+86 21 5555 0199", "note": "short" })).await.expect(200);
    assert_eq!(points(&lin).await, "15.50");
    world.wait(TimeDelta::days(3));
    lin.patch(&path, json!({ "note": "Prefers to be called early in the morning" })).await.expect(200);
    assert_eq!(points(&lin).await, "15.50", "later than every bracket");
    lin.delete(&contact).await.expect(204);
    assert_eq!(points(&lin).await, "13.00");
}

#[tokio::test]
async fn what_is_emptied_is_taken_back_from_who_earned_it() {
    let world = World::new().await;
    let (admin, lin, bo) = (world.admin().await, world.rep("Lin Wei").await, world.rep("Bo Chen").await);
    rule(&world, &admin, rewards_cards).await;
    let body = json!({ "kind": "business", "name": "Acme", "phone": "+86 21 5555 0100" });
    let made = lin.post("/v1/accounts", body).await.expect(201);
    let path = made.header("location");
    admin.put(&format!("{path}/members/{}", bo.id), json!({ "role": "member" })).await.expect(200);
    bo.patch(&path, json!({ "email": "info@acme.example" })).await.expect(200);
    assert_eq!((points(&lin).await, points(&bo).await), ("10.00".into(), "6.00".into()));
    // Nobody takes over a colleague's points by emptying and refilling.
    bo.patch(&path, json!({ "clear": ["phone"] })).await.expect(200);
    assert_eq!((points(&lin).await, points(&bo).await), ("0.00".into(), "6.00".into()));
    bo.patch(&path, json!({ "phone": "+86 21 5555 0100" })).await.expect(200);
    assert_eq!((points(&lin).await, points(&bo).await), ("10.00".into(), "6.00".into()));
    // An admin's hand earns nothing, and takes as well.
    admin
        .patch(&path, json!({ "note": "Prefers to be called early in the morning", "clear": ["email"] }))
        .await
        .expect(200);
    assert_eq!((points(&lin).await, points(&bo).await), ("10.00".into(), "0.00".into()));
    let kinds: Vec<Value> = entries(&bo).await.iter().map(|entry| entry["kind"].clone()).collect();
    assert_eq!(kinds, [json!("award"), json!("reversal")]);
    // What nobody earned by is not earned by emptying and refilling it.
    lin.patch(&path, json!({ "clear": ["note"] })).await.expect(200);
    lin.patch(&path, json!({ "note": "Prefers to be called early in the morning" })).await.expect(200);
    assert_eq!(points(&lin).await, "10.00");
}

#[tokio::test]
async fn phones_earn_by_cards_as_timely_as_they_were_typed() {
    let world = World::new().await;
    let admin = world.admin().await;
    rule(&world, &admin, |rules| {
        rewards_cards(rules);
        rules["caps"] = json!({ "perDay": "12.00" });
    })
    .await;
    let mut lin = Phone::new(&world, world.rep("Lin Wei").await);
    let account = lin.account("Acme").await;
    visit(&lin.person, account, ago(&world, 0)).await;
    world.wait(TimeDelta::hours(40));
    let typed = |hours: i64, fields: Value| {
        lin.mutation_typed(
            TimeDelta::hours(hours),
            "account",
            "update",
            account,
            json!({ "baseRevision": 1, "account": fields }),
        )
    };
    // Typed 20 and 10 hours after the visit, on two days; received two days after it.
    let batch = [
        typed(39, json!({ "phone": "+86 21 5555 0100" })),
        typed(38, json!({ "email": "info@acme.example" })),
        typed(20, json!({ "note": "Prefers to be called early in the morning" })),
    ];
    for result in lin.push(&batch).await {
        assert_eq!(result["status"], "applied", "{result:#}");
    }
    lin.pull(100).await;
    let mut earned: Vec<_> =
        lin.all("points_entry").map(|entry| (entry["day"].clone(), entry["points"].clone())).collect();
    earned.sort_by_key(|(day, points)| (day.to_string(), points.to_string()));
    let told = |day: &str, points: &str| (json!(day), json!(points));
    assert_eq!(earned, [told("2026-03-02", "10.00"), told("2026-03-02", "2.00"), told("2026-03-03", "4.00")]);
    assert_eq!(points(&lin.person).await, "16.00");
}
