//! `/v1/goals` and what is reached of them; who sees whose figures; an account with everything around it.

use chrono::TimeDelta;
use entity::kind::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{Person, World, start};

/// Two teams with a manager and a rep each.
struct House {
    world: World,
    admin: Person,
    north: Uuid,
    nina: Person,
    rui: Person,
    mei: Person,
    sam: Person,
}

async fn house() -> House {
    let world = World::new().await;
    let admin = world.admin().await;
    let (north, south) = (world.team(&admin, "North").await, world.team(&admin, "South").await);
    House {
        nina: world.user(Role::Manager, "Nina", north).await,
        rui: world.user(Role::Rep, "Rui", north).await,
        mei: world.user(Role::Manager, "Mei", south).await,
        sam: world.user(Role::Rep, "Sam", south).await,
        north,
        admin,
        world,
    }
}

async fn sign(who: &Person, account: Uuid, amount: &str, currency: &str) {
    let body = json!({ "accountId": account, "name": "Fibre", "amount": amount, "currency": currency });
    let path = who.post("/v1/opportunities", body).await.expect(201).header("location");
    let to = json!({ "stage": "signed", "signedOn": "2026-03-02" });
    who.post(&format!("{path}/advance"), to).await.expect(200);
}

async fn visit(who: &Person, account: Uuid) {
    let body =
        json!({ "accountId": account, "kind": "visit", "occurred": start().to_rfc3339(), "durationMinutes": 30 });
    who.post("/v1/activities", body).await.expect(201);
}

fn goal(whose: (&str, Uuid), measure: &str, target: &str) -> Value {
    let mut goal = json!({ "measure": measure, "target": target, "from": "2026-03-01", "to": "2026-03-31" });
    goal[whose.0] = json!(whose.1);
    if measure == "amount" {
        goal["currency"] = json!("CNY");
    }
    goal
}

/// Name, measure, what was reached and which share that is.
async fn reached(who: &Person) -> Vec<(String, String, String, f64)> {
    let body = who.get("/v1/reports/quota").await.expect(200).body;
    let goals = body["goals"].as_array().expect("goals").iter();
    let text = |goal: &Value, member: &str| goal[member].as_str().expect("text").to_owned();
    let row = |goal| {
        let attainment = Value::as_f64(&Value::clone(goal)["attainment"]).expect("a share");
        (text(goal, "name"), text(goal, "measure"), text(goal, "actual"), attainment)
    };
    goals.map(row).collect()
}

fn row(name: &str, measure: &str, actual: &str, attainment: f64) -> (String, String, String, f64) {
    (name.into(), measure.into(), actual.into(), attainment)
}

/// All figures of a report, each with what it is called.
fn figures_of(report: &Value) -> Vec<(String, f64)> {
    let of = |(name, value): (&String, &Value)| -> Vec<(String, f64)> {
        match value {
            Value::Number(number) => vec![(name.clone(), number.as_f64().expect("a figure"))],
            Value::String(text) => text.parse().map(|figure| (name.clone(), figure)).into_iter().collect(),
            Value::Array(_) | Value::Object(_) => figures_of(value),
            _ => Vec::new(),
        }
    };
    match report {
        Value::Array(items) => items.iter().flat_map(figures_of).collect(),
        Value::Object(members) => members.iter().flat_map(of).collect(),
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn goals_are_set_by_those_who_lead_and_reached_by_those_who_work() {
    let House { admin, north, nina, rui, mei, sam, world } = house().await;
    let of_rui = ("userId", rui.id);
    for (measure, target) in [("amount", "2000"), ("signed_count", "4"), ("visits", "8"), ("new_accounts", "2")] {
        nina.post("/v1/goals", goal(of_rui, measure, target)).await.expect(201);
    }
    admin.post("/v1/goals", goal(("teamId", north), "visits", "10")).await.expect(201);

    let account = rui.account("Acme").await;
    sign(&rui, account, "500", "CNY").await;
    sign(&rui, account, "999", "USD").await;
    visit(&rui, account).await;
    visit(&rui, account).await;
    let hers = nina.account("Bolt").await;
    visit(&nina, hers).await;
    let elsewhere = sam.account("Elsewhere").await;
    visit(&sam, elsewhere).await;
    sign(&sam, elsewhere, "700", "CNY").await;

    let all = [
        row("North", "visits", "3.00", 0.3),
        row("Rui", "amount", "500.00", 0.25),
        row("Rui", "new_accounts", "1.00", 0.5),
        row("Rui", "signed_count", "2.00", 0.5),
        row("Rui", "visits", "2.00", 0.25),
    ];
    for who in [&admin, &nina, &rui] {
        assert_eq!(reached(who).await, all);
    }
    for stranger in [&mei, &sam] {
        assert_eq!(reached(stranger).await, []);
        assert_eq!(stranger.get("/v1/goals").await.expect(200).items().len(), 0);
    }
    let quota = rui.get("/v1/reports/quota").await.expect(200).body;
    assert_eq!(quota["goals"][0]["elapsed"], json!(0.0645), "two of 31 days");

    // Nobody sets or takes back what he does not lead.
    rui.post("/v1/goals", goal(of_rui, "visits", "9")).await.expect(403);
    assert_eq!(mei.post("/v1/goals", goal(of_rui, "visits", "9")).await.expect(422).problem().1, ["/userId"]);
    assert_eq!(
        mei.post("/v1/goals", goal(("teamId", north), "visits", "9")).await.expect(422).problem().1,
        ["/teamId"]
    );
    nina.post("/v1/goals", goal(of_rui, "visits", "9")).await.expect(409);
    let first = nina.get("/v1/goals").await.expect(200).ids()[0];
    mei.delete(&format!("/v1/goals/{first}")).await.expect(404);
    rui.delete(&format!("/v1/goals/{first}")).await.expect(403);
    let path = format!("/v1/goals/{first}");
    rui.patch(&path, json!({ "target": "70" })).await.expect(403);
    mei.patch(&path, json!({ "target": "70" })).await.expect(404);
    let changed = nina.patch(&path, json!({ "target": "70" })).await.expect(200);
    assert_eq!((changed.header("etag").as_str(), changed.text("/target")), ("\"2\"", "70.00".to_owned()));
    let stale = [("if-match", "\"1\"")];
    nina.send(reqwest::Method::PATCH, &path, Some(json!({ "target": "80" })), &stale).await.expect(412);
    nina.send(reqwest::Method::DELETE, &path, None, &stale).await.expect(412);
    assert_eq!(nina.patch(&path, json!({ "to": "2026-02-01" })).await.expect(422).problem().1, ["/from"]);
    nina.delete(&path).await.expect(204);
    assert_eq!(reached(&rui).await.len(), 4);

    // A month later none of them runs any more.
    world.wait(TimeDelta::days(30));
    assert_eq!(reached(&nina).await, []);
}

#[tokio::test]
async fn a_persons_figures_are_for_him_and_those_who_lead_him() {
    let House { world, admin, nina, rui, mei, sam, .. } = house().await;
    let account = rui.account("Acme").await;
    visit(&rui, account).await;
    sign(&rui, account, "500", "CNY").await;
    // Sam works the account too, and so sees its records; but not how Rui does.
    rui.put(&format!("/v1/accounts/{account}/members/{}", sam.id), json!({ "role": "member" })).await.expect(200);
    for (reader, named) in [(&admin, 1), (&nina, 1), (&rui, 1), (&mei, 0), (&sam, 0)] {
        for path in ["/v1/reports/activity", "/v1/reports/forecast/calibration"] {
            let body = reader.get(path).await.expect(200).body;
            assert_eq!(body["reps"].as_array().expect("reps").len(), named, "{path}: {body}");
            let named_him = reader.get(&format!("{path}?userId={}", rui.id)).await.expect(200).body;
            assert_eq!(named_him["reps"].as_array().expect("reps").len(), named, "{path}");
        }
    }
    // What is counted by records goes by who sees them; a rep is told his own, unless he asks for somebody's.
    for (reader, won) in [(&admin, 1), (&nina, 1), (&rui, 1), (&mei, 1), (&sam, 0)] {
        assert_eq!(reader.get("/v1/reports/lost").await.expect(200).body["total"]["won"], json!(won));
        let signed = reader.get("/v1/reports/funnel").await.expect(200).body["cohort"]["stages"][3]["entered"].clone();
        assert_eq!(signed, json!(won));
        let of_rui = reader.get(&format!("/v1/reports/lost?userId={}", rui.id)).await.expect(200).body;
        assert_eq!(of_rui["total"]["won"], json!(1));
    }
    // A program that reads the whole company does not read what is between a rep and those who lead him.
    let made = admin.post("/v1/api-keys", json!({ "name": "Warehouse", "scopes": ["read"] })).await.expect(201);
    let asked = async |report: &str| {
        let url = format!("{}/v1/reports/{report}", world.url);
        let request = reqwest::Client::new().get(url).bearer_auth(made.text("/key"));
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!((asked("lost").await, asked("forecast/calibration").await), (200, 403));
    rui.delete(&format!("/v1/accounts/{account}/members/{}", sam.id)).await.expect(204);
    for stranger in [&mei, &sam] {
        for path in ["lost", "velocity", "coverage", "forecast", "forecast/accuracy"] {
            let body = stranger.get(&format!("/v1/reports/{path}")).await.expect(200).body.to_string();
            assert!(!body.contains("Rui") && !body.contains("Acme"), "{path}: {body}");
        }
        let body = stranger.get("/v1/reports/lost").await.expect(200).body;
        assert_eq!((&body["total"]["won"], &body["total"]["rate"]), (&json!(0), &Value::Null));
        let body = stranger.get("/v1/reports/coverage").await.expect(200).body;
        assert_eq!(body["total"]["accounts"], json!(0));
    }
}

#[tokio::test]
async fn every_report_has_all_its_forms() {
    let House { world, nina, rui, .. } = house().await;
    let account = rui.account("Acme").await;
    visit(&rui, account).await;
    sign(&rui, account, "500", "CNY").await;
    let open =
        json!({ "accountId": account, "name": "Cable", "amount": "70", "currency": "CNY", "expectedOn": "2026-04-10" });
    rui.post("/v1/opportunities", open).await.expect(201);
    nina.post("/v1/goals", goal(("userId", rui.id), "visits", "8")).await.expect(201);
    world.wait(TimeDelta::days(40));
    for path in [
        "funnel?view=snapshot",
        "funnel?splitBy=month",
        "velocity",
        "velocity?chart=weeks",
        "velocity?chart=moves",
        "forecast",
        "forecast?asOf=2026-03-05",
        "forecast/accuracy",
        "forecast/accuracy?asOf=2026-03-31",
        "forecast/calibration",
        "activity?from=2026-03-01",
        "activity?from=2026-03-01&chart=reps",
        "activity?from=2026-03-01&chart=time",
        "coverage",
        "lost?splitBy=team",
        "lost?splitBy=team&chart=win_rate",
        "quota?from=2026-03-01",
        "funnel?asOf=2026-03-02",
        "velocity?asOf=2026-03-02",
        "forecast/calibration?asOf=2026-03-02",
        "activity?asOf=2026-03-02",
        "coverage?asOf=2026-03-02",
        "lost?asOf=2026-03-02",
        "quota?asOf=2026-03-02&known=then",
        &format!("route?day=2026-03-02&userId={}", rui.id),
    ] {
        let path = format!("/v1/reports/{path}{}", if path.contains('?') { "&" } else { "?" });
        let ask = async |format: &str, locale: &str| {
            let request = nina.request(reqwest::Method::GET, &format!("{path}format={format}&locale={locale}")).await;
            let response = request.send().await.expect("an answer");
            assert_eq!(response.status().as_u16(), 200, "{path}{format}");
            let kind = response.headers()["content-type"].to_str().expect("text").to_owned();
            (kind, response.bytes().await.expect("a body").to_vec())
        };
        let (kind, body) = ask("json", "en").await;
        assert_eq!(kind, "application/json");
        let report = serde_json::from_slice::<Value>(&body).expect("JSON");
        let (kind, body) = ask("csv", "en").await;
        assert_eq!(kind, "text/csv");
        let table = String::from_utf8(body).expect("UTF-8");
        let mut reader = csv::Reader::from_reader(table.trim_start_matches('\u{feff}').as_bytes());
        let rows: Vec<_> = reader.records().map(|row| row.expect("rows of one length")).collect();
        assert!(!rows.is_empty() || path.contains("accuracy"), "{path}");
        let cells = rows.iter().flatten().flat_map(|cell| cell.split([' ', ';']));
        let told: Vec<f64> = cells.filter_map(|cell| cell.parse().ok()).collect();
        // The whole way of a route is the sum of the legs that its table has.
        for (member, figure) in figures_of(&report).into_iter().filter(|(member, _)| member != "kilometres") {
            assert!(told.contains(&figure), "{path} tells no {member} of {figure}:\n{table}");
        }
        for (locale, said) in [("en", "n="), ("zh", "n=")] {
            let (kind, body) = ask("svg", locale).await;
            assert_eq!(kind, "image/svg+xml");
            let svg = String::from_utf8(body).expect("UTF-8");
            assert!(svg.contains(said) && svg.contains("<title>") && !svg.contains("<script"), "{path}: {svg}");
        }
        let (kind, body) = ask("png", "en").await;
        assert!(kind == "image/png" && body.starts_with(b"\x89PNG"), "{path}");
        if let Some(folder) = std::env::var_os("WAYPOST_TEST_PICTURES") {
            let name: String = path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
            std::fs::write(std::path::Path::new(&folder).join(format!("{name}.png")), body).expect("writes");
        }
    }
}

#[tokio::test]
async fn an_account_with_everything_around_it() {
    let House { world, rui, nina, sam, .. } = house().await;
    let account = rui.account("Acme").await;
    rui.post("/v1/contacts", json!({ "accountId": account, "name": "Li Na" })).await.expect(201);
    visit(&rui, account).await;
    sign(&rui, account, "500", "CNY").await;
    let open = json!({ "accountId": account, "name": "Cable", "expectedOn": "2026-03-20" });
    let open = rui.post("/v1/opportunities", open).await.expect(201).id();
    let plan = rui.post("/v1/plans", json!({ "accountId": account, "plannedOn": "2026-03-10" })).await.expect(201).id();

    let path = format!("/v1/accounts/{account}/overview");
    let seen = nina.get(&path).await.expect(200).body;
    assert_eq!(seen["account"]["name"], "Acme");
    assert_eq!(seen["contacts"][0]["name"], "Li Na");
    assert_eq!(
        (&seen["openOpportunities"][0]["id"], &seen["pastOpportunities"][0]["stage"]),
        (&json!(open), &json!("signed"))
    );
    assert_eq!(seen["plans"][0]["id"], json!(plan));
    let kinds: Vec<&str> = seen["timeline"]
        .as_array()
        .expect("a timeline")
        .iter()
        .map(|entry| entry["kind"].as_str().expect("a kind"))
        .collect();
    assert_eq!((kinds.len(), kinds.iter().filter(|kind| **kind == "activity").count()), (4, 1), "{kinds:?}");
    let points = |body: &Value| -> Vec<String> {
        let points = body["attention"].as_array().expect("points").iter();
        points.map(|point| point["kind"].as_str().expect("a kind").to_owned()).collect()
    };
    assert_eq!(points(&seen), ["no_amount"]);

    world.wait(TimeDelta::days(40));
    let later = rui.get(&path).await.expect(200).body;
    assert_eq!(points(&later), ["overdue_plan", "overdue_signature", "stale_stage", "no_amount", "no_contact"]);
    assert_eq!(later["attention"][0], json!({ "kind": "overdue_plan", "recordId": plan, "since": "2026-03-10" }));
    sam.get(&path).await.expect(404);
}
