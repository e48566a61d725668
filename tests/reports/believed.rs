//! What past forecasts are held against: what was believed at the first of a month, deleted since or not.

use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::sync::phone::Phone;
use crate::world::{Person, World};

#[tokio::test]
async fn a_forecast_of_what_was_deleted_since_was_made_all_the_same() {
    let world = World::new().await;
    let admin = world.admin().await;
    let north = world.team(&admin, "North").await;
    let nina = world.user(entity::kind::Role::Manager, "Nina", north).await;
    let rui = world.user(entity::kind::Role::Rep, "Rui", north).await;
    let sam = world.rep("Sam").await;
    let account = rui.account("Acme").await;
    let sale = async |name: &str, account: Option<Uuid>| {
        let sale = json!({ "accountId": account, "name": name, "amount": "1000", "currency": "CNY", "expectedOn": "2026-04-20" });
        rui.post("/v1/opportunities", sale).await.expect(201).id()
    };
    let kept = sale("Fibre", Some(account)).await;
    let early = sale("Entered twice", Some(account)).await;
    let late = sale("Cable", Some(account)).await;
    let own = sale("Without an account", None).await;
    let delete = async |id: Uuid| admin.delete(&format!("/v1/opportunities/{id}?reason=A+slip")).await.expect(204);
    let april = async |who: &Person| -> Value {
        let told = who.get("/v1/reports/forecast/accuracy?months=3").await.expect(200).body;
        let months = told["months"].as_array().expect("months").iter();
        months.clone().find(|row| row["month"] == "2026-04").cloned().unwrap_or(Value::Null)
    };
    // Before the first of April one is deleted; nobody believed in it on that day.
    world.wait(TimeDelta::days(20));
    delete(early).await;
    // Within April two more, and one is signed.
    world.wait(TimeDelta::days(20));
    delete(late).await;
    delete(own).await;
    let signed = json!({ "stage": "signed", "signedOn": rui.now().date_naive() });
    rui.post(&format!("/v1/opportunities/{kept}/advance"), signed).await.expect(200);
    world.wait(TimeDelta::days(30));
    let chance = admin.get("/v1/stages").await.expect(200).body["items"]
        .as_array()
        .expect("stages")
        .iter()
        .find(|stage| stage["stage"] == "intent")
        .and_then(|stage| stage["probability"].as_i64())
        .expect("a chance");
    for who in [&rui, &nina, &admin] {
        let told = april(who).await;
        assert_eq!(told["opportunities"], 3, "{told:#}");
        assert_eq!(told["forecast"], format!("{}.00", 30 * chance), "{told:#}");
        assert_eq!(told["actual"], "1000.00", "{told:#}");
    }
    assert_eq!(april(&sam).await, Value::Null, "a stranger learns nothing of what was deleted");
}

#[tokio::test]
async fn what_was_signed_offline_is_of_its_month_and_it_is_said_that_nobody_knew() {
    let world = World::new().await;
    let rui = world.rep("Rui").await;
    let account = rui.account("Acme").await;
    let sale = json!({ "accountId": account, "name": "Fibre", "amount": "1000", "currency": "CNY", "expectedOn": "2026-04-20" });
    let fibre = rui.post("/v1/opportunities", sale).await.expect(201).id();
    let phone = Phone::new(&world, rui);
    // On the 26th of April the phone is offline; it is online again on the 6th of May.
    world.wait(TimeDelta::days(55));
    let signed = json!({ "stage": "signed", "signedOn": "2026-04-26", "occurred": phone.person.now().to_rfc3339() });
    let signed = phone.mutation("opportunity", "advance", fibre, json!({ "advance": signed }));
    world.wait(TimeDelta::days(10));
    let of = async |query: &str| {
        let path = format!("/v1/reports/forecast/accuracy?months=1&{query}");
        phone.person.get(&path).await.expect(200).body
    };
    let before = of("").await;
    let result = &phone.push(&[signed]).await[0];
    assert!(result["status"] != "rejected", "{result:#}");
    let now = of("asOf=2026-04-30").await;
    let month = |told: &Value| (told["months"][0]["month"].clone(), told["months"][0]["actual"].clone());
    assert_eq!((&now["asOf"], month(&now)), (&json!("2026-04-30"), (json!("2026-04"), json!("1000.00"))));
    assert_eq!(month(&now["knownThen"]), (json!("2026-04"), json!("0.00")));
    assert_eq!(
        (&now["knownThen"]["months"], &now["knownThen"]["currencies"]),
        (&before["months"], &before["currencies"])
    );
    let then = of("asOf=2026-04-30&known=then").await;
    assert_eq!((&then["months"], then.get("knownThen")), (&before["months"], None));
    // Told of a day of April, April has not ended.
    assert_eq!(of("asOf=2026-04-29").await["months"], json!([]));
    assert_eq!(of("asOf=2026-05-06").await.get("knownThen"), None, "all of it is known by the end of that day");
    phone.person.get("/v1/reports/forecast/accuracy?asOf=2027-01-01").await.expect(422);
}
