//! `/v1/calendar`: when a tenant works.

use serde_json::{Value, json};

use crate::world::World;

fn office(holidays: Value) -> Value {
    json!({
        "week": { "shifts": [
            { "weekday": 1, "from": "09:00", "to": "12:00" },
            { "weekday": 1, "from": "13:00", "to": "18:00" },
            { "weekday": 2, "from": "09:00", "to": "18:00" },
        ] },
        "holidays": { "days": holidays },
        "workingDays": { "days": [{ "day": "2026-10-10", "name": "调休" }] },
    })
}

#[tokio::test]
async fn everybody_reads_it_and_an_admin_sets_it() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    let first = lin.get("/v1/calendar").await.expect(200);
    assert_eq!(first.body["week"]["shifts"].as_array().map(Vec::len), Some(5), "Monday to Friday, nine to six");

    let holidays =
        json!([{ "day": "2026-10-02", "name": "National Day" }, { "day": "2026-10-01", "name": "National Day" }]);
    lin.put("/v1/calendar", office(holidays.clone())).await.expect(403);
    let set = admin.put("/v1/calendar", office(holidays)).await.expect(200);
    assert_eq!(set.text("/holidays/days/0/day"), "2026-10-01");
    assert_eq!(lin.get("/v1/calendar").await.expect(200).body, set.body);

    let etag = [("If-Match", "\"1\"")];
    let late = admin.send(reqwest::Method::PUT, "/v1/calendar", Some(office(json!([]))), &etag).await;
    assert_eq!(late.expect(412).problem().0, "revision_mismatch");
}

#[tokio::test]
async fn what_is_no_calendar_is_refused_with_its_place() {
    let world = World::new().await;
    let admin = world.admin().await;
    let refused = async |spoil: fn(&mut Value)| {
        let mut body = office(json!([{ "day": "2026-10-01", "name": "National Day" }]));
        spoil(&mut body);
        admin.put("/v1/calendar", body).await.expect(422).problem().1
    };
    assert_eq!(refused(|b| b["week"]["shifts"][0]["to"] = json!("08:00")).await, ["/week/shifts/0/to"]);
    assert_eq!(refused(|b| b["week"]["shifts"][1]["from"] = json!("11:59")).await, ["/week/shifts/1/from"]);
    assert_eq!(refused(|b| b["week"]["shifts"] = json!([])).await, ["/week/shifts", "/workingDays/days"]);
    assert_eq!(
        refused(|b| b["workingDays"]["days"][0]["day"] = json!("2026-10-01")).await,
        ["/workingDays/days/0/day"]
    );
}
