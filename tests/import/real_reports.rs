//! The reports over the real pipeline, each against a count of the file's own rows.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::world::Person;

struct Sale {
    agent: String,
    won: Option<bool>,
    engaged: Option<NaiveDate>,
    closed: Option<NaiveDate>,
    value: Decimal,
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn sales(folder: &Path) -> Vec<Sale> {
    let day = |text: &str| NaiveDate::parse_from_str(text, "%m/%d/%Y").ok();
    let rows = csv::Reader::from_path(folder.join("sales_pipeline.csv")).unwrap().into_records();
    rows.map(|row| {
        let row = row.unwrap();
        let won = match &row[4] {
            "Won" => Some(true),
            "Lost" => Some(false),
            _ => None,
        };
        let value = row[7].parse().unwrap_or_default();
        Sale { agent: row[1].to_owned(), won, engaged: day(&row[5]), closed: day(&row[6]), value }
    })
    .collect()
}

/// Linear interpolation between the neighbours.
fn percentile(days: &mut [f64], share: f64) -> f64 {
    days.sort_by(f64::total_cmp);
    let place = share * (days.len() - 1) as f64;
    let (low, high) = (days[place.floor() as usize], days[place.ceil() as usize]);
    low + place.fract() * (high - low)
}

fn close(told: &Value, exact: f64, within: f64) -> bool {
    told.as_f64().is_some_and(|told| (told - exact).abs() <= within)
}

fn amount(told: &Value) -> Decimal {
    told.as_str().unwrap().parse().unwrap()
}

pub async fn agree(admin: &Person, folder: &Path) {
    let sales = sales(folder);
    let (from, to) = (day("2017-04-01"), day("2017-06-30"));
    let get = async |path: &str| admin.get(&format!("/v1/reports/{path}")).await.expect(200).body;
    let within = |sale: &&Sale, to: NaiveDate| sale.closed.is_some_and(|closed| (from..=to).contains(&closed));
    let closed: Vec<&Sale> = sales.iter().filter(|sale| within(sale, to)).collect();
    let wins = |of: &[&Sale]| of.iter().filter(|sale| sale.won == Some(true)).count();

    // Won and lost: of all, of each agent, and as of a day in between.
    let told = get("lost?from=2017-04-01&to=2017-06-30&splitBy=user").await;
    assert_eq!(
        (&told["total"]["won"], &told["total"]["lost"]),
        (&json!(wins(&closed)), &json!(closed.len() - wins(&closed)))
    );
    let (n, p, z) = (closed.len() as f64, wins(&closed) as f64 / closed.len() as f64, 1.959_963_984_540_054_f64);
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    for (end, sign) in [("low", -1.0), ("high", 1.0)] {
        let exact = (p + z * z / (2.0 * n) + sign * half) / (1.0 + z * z / n);
        assert!(close(&told["total"][end], exact, 0.000_06), "{end}: {exact}, {}", told["total"]);
    }
    let mut agents: BTreeMap<&str, Vec<&Sale>> = BTreeMap::new();
    for sale in &closed {
        agents.entry(&sale.agent).or_default().push(sale);
    }
    let groups = told["groups"].as_array().unwrap();
    assert_eq!(groups.len(), agents.len());
    for group in groups {
        let of = &agents[group["name"].as_str().unwrap()];
        assert_eq!((&group["won"], &group["lost"]), (&json!(wins(of)), &json!(of.len() - wins(of))), "{group}");
    }
    let early: Vec<&Sale> = sales.iter().filter(|sale| within(sale, day("2017-05-15"))).collect();
    let told = get("lost?from=2017-04-01&asOf=2017-05-15").await;
    assert_eq!(
        (&told["total"]["won"], &told["total"]["lost"]),
        (&json!(wins(&early)), &json!(early.len() - wins(&early)))
    );
    // Nobody had told the server of any of it in 2017.
    assert_eq!((&told["knownThen"]["won"], &told["knownThen"]["lost"]), (&json!(0), &json!(0)));

    // Velocity: one stay each, from the day of engagement to the day of closing.
    let told = get("velocity?from=2017-04-01&to=2017-06-30").await;
    let stage = &told["stages"][1];
    let mut took: Vec<f64> =
        closed.iter().map(|sale| (sale.closed.unwrap() - sale.engaged.unwrap()).num_days() as f64).collect();
    let stands = |sale: &&Sale, on: NaiveDate| {
        sale.engaged.is_some_and(|day| day <= on) && sale.closed.is_none_or(|closed| closed > on)
    };
    let standing = sales.iter().filter(|sale| stands(sale, to)).count();
    assert_eq!((&stage["ended"], &stage["standing"]), (&json!(took.len()), &json!(standing)), "{stage}");
    assert!(close(&stage["medianDays"], percentile(&mut took, 0.5), 0.006), "{stage}");
    assert!(close(&stage["p90Days"], percentile(&mut took, 0.9), 0.006), "{stage}");
    let moves: i64 = told["moves"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["to"] == "signed")
        .map(|row| row["count"].as_i64().unwrap())
        .sum();
    assert_eq!(moves, wins(&closed) as i64);

    // The cohort of the first quarter, followed until its end.
    let told = get("funnel?from=2017-01-01&asOf=2017-03-31").await;
    let (first, last) = (day("2017-01-01"), day("2017-03-31"));
    let came: Vec<&Sale> = sales.iter().filter(|s| s.engaged.is_some_and(|on| (first..=last).contains(&on))).collect();
    let done = |won: bool| came.iter().filter(|s| s.won == Some(won) && s.closed.is_some_and(|on| on <= last)).count();
    let stage = &told["cohort"]["stages"][1];
    assert_eq!(
        (&stage["entered"], &stage["advanced"], &stage["lost"]),
        (&json!(came.len()), &json!(done(true)), &json!(done(false))),
        "{stage}"
    );
    assert_eq!(told["cohort"]["knownThen"][1]["entered"], json!(0), "the import came later");

    // The forecast of a day: what had been signed in its month, and what stood open.
    let on = day("2017-06-15");
    let told = get("forecast?asOf=2017-06-15").await;
    let rows = told["rows"].as_array().unwrap();
    let row =
        |bucket: &str| rows.iter().find(|row| row["bucket"] == bucket).unwrap_or_else(|| panic!("{bucket}: {told:#}"));
    let signed: Decimal = sales
        .iter()
        .filter(|sale| {
            sale.won == Some(true) && sale.closed.is_some_and(|day| (self::day("2017-06-01")..=on).contains(&day))
        })
        .map(|sale| sale.value)
        .sum();
    assert_eq!(amount(&row("month")["signed"]), signed);
    let open: Vec<&Sale> = sales.iter().filter(|sale| stands(sale, on)).collect();
    let worth: Decimal = open.iter().map(|sale| sale.value).sum();
    assert_eq!((&row("undated")["open"], amount(&row("undated")["bestCase"])), (&json!(open.len()), worth));
    let decided: Vec<&Sale> = sales.iter().filter(|sale| sale.closed.is_some_and(|day| day <= on)).collect();
    let chance = &told["stages"][1];
    assert_eq!((&chance["decided"], &chance["signed"]), (&json!(decided.len()), &json!(wins(&decided))));
    assert_eq!(told["knownThen"], json!([]));

    // Brier's score of each agent: he said the chance of the stage, once for each opportunity.
    let stages = admin.get("/v1/stages").await.expect(200);
    let stage = stages.items().iter().find(|stage| stage["stage"] == "pre_sale").unwrap();
    let said = stage["probability"].as_f64().unwrap() / 100.0;
    let told = get("forecast/calibration?from=2017-04-01&to=2017-06-30").await;
    assert_eq!(told["reps"].as_array().unwrap().len(), agents.len());
    for rep in told["reps"].as_array().unwrap() {
        let of = &agents[rep["name"].as_str().unwrap()];
        let score: f64 =
            of.iter().map(|s| (said - f64::from(u8::from(s.won == Some(true)))).powi(2)).sum::<f64>() / of.len() as f64;
        assert_eq!(rep["opportunities"], json!(of.len()));
        assert!(close(&rep["brier"], score, 0.000_06), "{score}: {rep}");
    }

    // Goals of the best agent.
    let (agent, best) = agents.iter().max_by_key(|(_, of)| wins(of)).unwrap();
    let users = admin.get("/v1/users?limit=200").await.expect(200);
    let user = users.items().iter().find(|user| user["name"] == **agent).unwrap()["id"].clone();
    for (measure, target, currency) in [("signed_count", "50", None), ("amount", "100000", Some("USD"))] {
        let goal = json!({ "userId": user, "measure": measure, "target": target, "currency": currency, "from": "2017-04-01", "to": "2017-06-30" });
        admin.post("/v1/goals", goal).await.expect(201);
    }
    let told = get("quota?from=2017-04-01&to=2017-06-30").await;
    let reached = |measure: &str| {
        let goals = told["goals"].as_array().unwrap();
        amount(&goals.iter().find(|goal| goal["measure"] == measure).unwrap()["actual"])
    };
    assert_eq!(reached("signed_count"), Decimal::from(wins(best)));
    assert_eq!(reached("amount"), best.iter().map(|sale| sale.value).sum::<Decimal>());

    // The file has no activities: nobody was ever spoken to.
    let told = get("coverage?").await;
    assert_eq!(
        (&told["total"]["accounts"], &told["total"]["never"], &told["total"]["covered"]),
        (&json!(85), &json!(85), &json!(0))
    );
    let told = get("activity?from=2017-01-01&to=2017-12-31").await;
    assert_eq!((told["reps"].as_array().unwrap().len(), told["spans"].as_array().unwrap().len()), (0, 0));
}
