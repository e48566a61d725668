//! What past forecasts are held against: what was believed at the first of a month, deleted since or not.

use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::Uuid;

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
