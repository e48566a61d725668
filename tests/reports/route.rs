//! The route of a day: its order, its distances, what the map shows, and to whom.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{Person, World, start};

/// As far as on a globe, by the law of cosines: the report goes by another formula.
fn kilometres((north, east): (f64, f64), (other_north, other_east): (f64, f64)) -> f64 {
    let (a, b, turn) = (north.to_radians(), other_north.to_radians(), (other_east - east).to_radians());
    6_371.008_8 * (a.sin() * b.sin() + a.cos() * b.cos() * turn.cos()).min(1.0).acos()
}

async fn account(who: &Person, name: &str, at: Option<(f64, f64)>) -> Uuid {
    let mut body = json!({ "kind": "business", "name": name });
    if let Some((latitude, longitude)) = at {
        body["position"] = json!({ "latitude": latitude, "longitude": longitude });
    }
    who.post("/v1/accounts", body).await.expect(201).id()
}

async fn visit(who: &Person, account: Uuid, at: DateTime<Utc>, checked: Option<(f64, f64)>) {
    let mut body = json!({ "accountId": account, "kind": "visit", "occurred": at.to_rfc3339(), "durationMinutes": 40 });
    if let Some((latitude, longitude)) = checked {
        body["checkIn"] =
            json!({ "at": at.to_rfc3339(), "latitude": latitude, "longitude": longitude, "accuracy": 15 });
    }
    who.post("/v1/activities", body).await.expect(201);
}

async fn text(who: &Person, path: &str, accept: &str) -> (String, Vec<u8>) {
    let request = who.request(reqwest::Method::GET, path).await.header("accept", accept);
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 200, "{path}");
    (
        answer.headers()["content-type"].to_str().expect("text").to_owned(),
        answer.bytes().await.expect("a body").to_vec(),
    )
}

#[tokio::test]
async fn a_day_on_a_map_is_for_himself_and_those_who_lead_him() {
    let world = World::new().await;
    let admin = world.admin().await;
    let (north, south) = (world.team(&admin, "North").await, world.team(&admin, "South").await);
    let rui = world.user(entity::kind::Role::Rep, "Rui", north).await;
    let nina = world.user(entity::kind::Role::Manager, "Nina", north).await;
    let sam = world.user(entity::kind::Role::Rep, "Sam", south).await;
    let mei = world.user(entity::kind::Role::Manager, "Mei", south).await;
    let (bund, tower, far, nowhere) = ((31.2397, 121.4900), (31.2397, 121.4998), (31.2800, 121.5300), None);
    let places = [
        account(&rui, "霍普光通信", Some(bund)).await,
        account(&rui, "<b>Tower</b>", Some(tower)).await,
        account(&rui, "Far & Co", Some(far)).await,
        account(&rui, "Somewhere", nowhere).await,
    ];
    // Typed in another order than they took place: on site, elsewhere, by the account's address, and unknown.
    visit(&rui, places[2], start() - TimeDelta::hours(1), None).await;
    visit(&rui, places[0], start() - TimeDelta::hours(5), Some(bund)).await;
    visit(&rui, places[3], start() - TimeDelta::hours(2), None).await;
    visit(&rui, places[1], start() - TimeDelta::hours(3), Some((31.2450, 121.4998))).await;
    // Neither a call nor a visit of the day before is on the way.
    let call = json!({ "accountId": places[0], "kind": "call", "occurred": start().to_rfc3339() });
    rui.post("/v1/activities", call).await.expect(201);
    visit(&rui, places[0], start() - TimeDelta::hours(20), None).await;

    let path = format!("/v1/reports/route?userId={}&day=2026-03-02", rui.id);
    let told = nina.get(&path).await.expect(200).body;
    let stops = told["stops"].as_array().expect("stops");
    let names: Vec<&Value> = stops.iter().map(|stop| &stop["account"]).collect();
    assert_eq!(names, ["霍普光通信", "<b>Tower</b>", "Somewhere", "Far & Co"]);
    let checked: Vec<&Value> = stops.iter().map(|stop| &stop["isCheckedIn"]).collect();
    assert_eq!(checked, [true, true, false, false]);
    let ways = [kilometres(bund, (31.2450, 121.4998)), kilometres((31.2450, 121.4998), far)];
    for (stop, way) in [&stops[1], &stops[3]].into_iter().zip(ways) {
        assert!((stop["kilometres"].as_f64().expect("a way") - way).abs() < 0.006, "{way}: {stop}");
    }
    assert_eq!((stops[0].get("kilometres"), stops[2].get("latitude")), (None, None));
    assert!((told["kilometres"].as_f64().expect("a sum") - ways.iter().sum::<f64>()).abs() < 0.011);

    let (kind, svg) = text(&nina, &path, "image/svg+xml").await;
    let svg = String::from_utf8(svg).expect("UTF-8").replace('\n', "");
    assert_eq!(kind, "image/svg+xml");
    for said in [
        "12:00 霍普光通信",
        "14:00 &lt;b&gt;Tower",
        "16:00 Far &amp; Co",
        "n=4",
        "1 without a place",
        "on site",
        "checked in elsewhere",
        " km",
        ">N<",
    ] {
        assert!(svg.contains(said), "{said}: {svg}");
    }
    // The numbers of those that are on the map; the third has no place.
    for (number, is_there) in [("1", true), ("2", true), ("3", false), ("4", true)] {
        assert_eq!(svg.contains(&format!(">{number}</text>")), is_there, "{number}: {svg}");
    }
    assert!(!svg.contains("Somewhere") && !svg.contains("<b>") && !svg.contains("href="), "{svg}");
    let chinese = String::from_utf8(text(&nina, &format!("{path}&format=svg&locale=zh&theme=dark"), "*/*").await.1);
    assert!(chinese.expect("UTF-8").contains("签到地点不符"));
    let (kind, png) = text(&nina, &path, "image/png").await;
    assert!(kind == "image/png" && png.starts_with(b"\x89PNG") && png.len() > 5_000);
    let (_, csv) = text(&nina, &path, "text/csv").await;
    assert_eq!(String::from_utf8(csv).expect("UTF-8").trim().lines().count(), 5);

    for (who, status) in [(&rui, 200), (&admin, 200), (&sam, 404), (&mei, 404)] {
        who.get(&path).await.expect(status);
    }
    assert_eq!(rui.get("/v1/reports/route?day=2026-03-02").await.expect(200).body, told, "his own without a name");
    let empty = text(&rui, "/v1/reports/route?day=2026-02-01&format=svg", "*/*").await.1;
    assert!(String::from_utf8(empty).expect("UTF-8").contains("No visits on this day."));
}
