//! `/v1/points/statements` and `/v1/points/payouts`.

use chrono::{DateTime, Duration, Utc};
use reqwest::Method;
use serde_json::{Value, json};
use waypost::statement::close::close;

use super::{balance, note, set_rules};
use crate::world::{Person, World, own_world};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

async fn csv(who: &Person, path: &str) -> Vec<Vec<String>> {
    let answer = who.request(Method::GET, path).await.header("accept", "text/csv").send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(answer.headers()["content-type"], "text/csv");
    let text = answer.text().await.expect("a text");
    let text = text.strip_prefix('\u{feff}').expect("a mark, by which spreadsheets know UTF-8").to_owned();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|row| row.expect("a row").iter().map(str::to_owned).collect()).collect()
}

/// A world in which Lin has 10 − 5 − 3 points in March, and it is the first hour of April in Shanghai.
async fn march() -> (World, Person, Person) {
    let world = own_world().await;
    let (lin, chen) = (world.rep("Lin Wei").await, world.manager("Chen Hua").await);
    let account = lin.account("Acme").await;
    note(&lin, account, Duration::zero()).await;
    note(&lin, account, Duration::hours(100)).await;
    let payout = json!({ "userId": lin.id, "points": "3.00", "note": "Wages of March" });
    world.admin().await.post("/v1/points/payouts", payout).await.expect(201);
    world.state.clock.set(at("2026-03-31T16:59:59Z"));
    (world, lin, chen)
}

#[tokio::test]
async fn a_month_is_closed_once_an_hour_after_its_end() {
    let (world, lin, chen) = march().await;
    let zhao = world.rep("Zhao Min").await;
    assert_eq!(close(&world.state).await.expect("a job"), 0, "its hour has not passed");
    world.wait(Duration::seconds(1));
    let (a, b) = tokio::join!(close(&world.state), close(&world.state));
    assert_eq!(a.expect("a job") + b.expect("a job"), 2, "Lin's and the team's");
    assert_eq!(close(&world.state).await.expect("a job"), 0);

    let mine = lin.get(&format!("/v1/points/statements?userId={}", lin.id)).await.expect(200);
    let march = mine.items()[0].clone();
    let expected = json!({ "number": 1, "userId": lin.id, "month": "2026-03-01", "opening": "0.00", "awarded": "10.00",
        "fined": "-5.00", "corrected": "0.00", "spent": "0.00", "paidOut": "-3.00", "closing": "2.00", "held": "0.00",
        "leadsOpening": 0, "leadsClosing": 0, "entries": 3, "firstEntry": 1, "lastEntry": 3 });
    for (name, value) in expected.as_object().expect("members") {
        assert_eq!(&march[name], value, "{name}: {march:#}");
    }
    assert_eq!(
        march["en"],
        "March 2026. Points: 0.00 at the beginning, earned +10.00, fines −5.00, paid out −3.00, 2.00 at the end."
    );
    assert_eq!(march["zh"], "2026 年 3 月。积分：期初 0.00，奖励 +10.00，扣分 −5.00，兑付 −3.00，期末 2.00。");

    let id = march["id"].as_str().expect("an id");
    zhao.get(&format!("/v1/points/statements/{id}")).await.expect(404);
    assert_eq!(chen.get(&format!("/v1/points/statements/{id}")).await.expect(200).body, march);
    let team = chen.get(&format!("/v1/points/statements?teamId={}&sort=number", world.top_team)).await.expect(200);
    assert_eq!(team.items().len(), 2);
    let team = &team.items()[1];
    assert_eq!((&team["userId"], &team["closing"], &team["number"]), (&Value::Null, &json!("2.00"), &json!(2)));
    assert!(team["en"].as_str().is_some_and(|text| text.contains("a team of 1 rep")), "{team:#}");
    let covered = lin.get(&format!("/v1/points/entries?statementId={id}&sort=ordinal")).await.expect(200);
    assert_eq!(covered.each("kind"), ["award", "fine", "payout"]);
    let whole = format!("/v1/points/entries?statementId={}", team["id"].as_str().expect("an id"));
    lin.get(&whole).await.expect(422);
    world.audit().await;
}

#[tokio::test]
async fn a_correction_goes_to_the_next_statement_and_a_server_may_be_down_for_months() {
    let (world, lin, chen) = march().await;
    world.wait(Duration::hours(2));
    assert_eq!(close(&world.state).await.expect("a job"), 2);
    let late = lin.get("/v1/points/entries?sort=ordinal").await.items()[1]["sourceId"].clone();
    chen.delete(&format!("/v1/activities/{}", late.as_str().expect("an id"))).await.expect(204);
    // April and May are closed in June.
    world.state.clock.set(at("2026-06-15T00:00:00Z"));
    assert_eq!(close(&world.state).await.expect("a job"), 4);
    let all = lin.get(&format!("/v1/points/statements?userId={}&sort=month", lin.id)).await.expect(200);
    let told: Vec<[&Value; 5]> = all
        .items()
        .iter()
        .map(|s| [&s["month"], &s["opening"], &s["corrected"], &s["closing"], &s["entries"]])
        .collect();
    assert_eq!(
        json!(told),
        json!([
            ["2026-03-01", "0.00", "0.00", "2.00", 3],
            ["2026-04-01", "2.00", "5.00", "7.00", 1],
            ["2026-05-01", "7.00", "0.00", "7.00", 0],
        ])
    );
    assert_eq!(all.items()[2]["en"], "May 2026. Nothing moved: 7.00 points.");
    world.audit().await;
}

#[tokio::test]
async fn each_currency_is_summed_for_itself() {
    let world = own_world().await;
    let (lin, bo, chen) = (world.rep("Lin Wei").await, world.rep("Bo Chen").await, world.manager("Chen Hua").await);
    let account = lin.account("Acme").await;
    let other = bo.account("Acme").await;
    for (currency, money) in [("CNY", "20.00"), ("USD", "3.50"), ("USD", "3.50")] {
        let late = json!([{ "kind": "late_entry", "points": "-5.00", "money": money }]);
        set_rules(&world, json!({ "currency": currency, "penalties": late })).await;
        note(&lin, account, Duration::hours(100)).await;
    }
    note(&bo, other, Duration::hours(100)).await;
    world.state.clock.set(at("2026-03-31T17:00:00Z"));
    close(&world.state).await.expect("a job");
    let mine = lin.get(&format!("/v1/points/statements?userId={}", lin.id)).await.expect(200).items()[0].clone();
    let others = json!({ "sums": [{ "money": "20.00", "currency": "CNY" }] });
    assert_eq!((&mine["money"], &mine["currency"]), (&json!("7.00"), &json!("USD")), "{mine:#}");
    assert_eq!(mine["otherMoney"], others);
    assert!(mine["en"].as_str().is_some_and(|text| text.ends_with("Fines in money: 7.00 USD, 20.00 CNY.")), "{mine:#}");
    assert!(mine["zh"].as_str().is_some_and(|text| text.ends_with("罚款：7.00 USD，20.00 CNY。")), "{mine:#}");
    let rows = csv(&chen, "/v1/points/statements?month=2026-03-01").await;
    let column = |name: &str| rows[0].iter().position(|header| header == name).expect(name);
    let told: Vec<_> = rows[1..].iter().map(|row| row[column("currency")].as_str()).collect();
    assert_eq!(told, ["USD", "USD; CNY", "USD; CNY"], "{rows:?}");
    world.audit().await;
}

#[tokio::test]
async fn payroll_gets_tables() {
    let (world, lin, chen) = march().await;
    world.wait(Duration::hours(2));
    close(&world.state).await.expect("a job");
    let rows = csv(&chen, "/v1/points/statements?month=2026-03-01").await;
    let column = |name: &str| rows[0].iter().position(|header| header == name).expect(name);
    assert_eq!(rows.len(), 3);
    assert_eq!((&rows[1][column("user")], &rows[1][column("closing")]), (&"Lin Wei".into(), &"2.00".into()));
    assert_eq!((&rows[2][column("team")], &rows[2][column("user")]), (&"Hopton".into(), &String::new()));
    assert_eq!(csv(&chen, "/v1/points/statements?month=2026-04-01").await.len(), 1);

    let id = lin.get(&format!("/v1/points/statements?userId={}", lin.id)).await.ids()[0];
    let rows = csv(&lin, &format!("/v1/points/statements/{id}")).await;
    let column = |name: &str| rows[0].iter().position(|header| header == name).expect(name);
    let balances: Vec<&str> = rows[1..].iter().map(|row| row[column("balance")].as_str()).collect();
    assert_eq!(balances, ["10.00", "5.00", "2.00"]);
    assert!(rows[3][column("explanation")].contains("Wages of March"), "{rows:?}");
    let about: Vec<_> = ["user", "account", "record"].map(|name| rows[1][column(name)].as_str()).into();
    assert_eq!(about, ["Lin Wei", "Acme", "Note"]);
    assert!(rows[1][column("booked")].ends_with("+08:00"), "the tenant's time, as in the explanations: {rows:?}");
    assert_eq!(
        (rows[3][column("account")].as_str(), rows[3][column("record")].as_str()),
        ("", ""),
        "a payout is about nobody"
    );

    // A team's are those of its reps.
    let teams =
        chen.get(&format!("/v1/points/statements?month=2026-03-01&teamId={}", world.top_team)).await.expect(200);
    let team = teams.items().iter().find(|statement| statement["userId"].is_null()).expect("the team's");
    let of_team = csv(&chen, &format!("/v1/points/statements/{}", team["id"].as_str().expect("an id"))).await;
    assert_eq!(of_team, rows);
}

#[tokio::test]
async fn a_payout_takes_nothing_that_is_not_there() {
    let world = World::new().await;
    let (lin, chen, ada) = (world.rep("Lin Wei").await, world.manager("Chen Hua").await, world.admin().await);
    note(&lin, lin.account("Acme").await, Duration::zero()).await;
    let payout = |points: &str| json!({ "userId": lin.id, "points": points });
    chen.post("/v1/points/payouts", payout("1.00")).await.expect(403);
    for points in ["0.00", "-1.00", "1.005"] {
        assert_eq!(ada.post("/v1/points/payouts", payout(points)).await.expect(422).problem().1, ["/points"]);
    }
    let refused = ada.post("/v1/points/payouts", payout("10.01")).await.expect(409);
    assert_eq!(refused.problem().0, "balance_too_low");
    let key = [("Idempotency-Key", "wages-3")];
    for _ in 0..2 {
        let paid = ada.send(Method::POST, "/v1/points/payouts", Some(payout("4.00")), &key).await.expect(201);
        assert_eq!((paid.text("/kind"), paid.text("/points")), ("payout".into(), "-4.00".into()));
        assert!(paid.text("/explanation/en").contains("10.00 − 4.00 = 6.00"), "{:#}", paid.body);
    }
    assert_eq!(balance(&lin).await, ("6.00".into(), "0.00".into(), 2));
    // Two at once for what is there once.
    let (a, b) =
        tokio::join!(ada.post("/v1/points/payouts", payout("6.00")), ada.post("/v1/points/payouts", payout("6.00")));
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    assert_eq!(balance(&lin).await.0, "0.00");
    let stranger = World::new().await.rep("Mo").await;
    let payout = json!({ "userId": stranger.id, "points": "1.00" });
    assert_eq!(ada.post("/v1/points/payouts", payout).await.expect(422).problem().1, ["/userId"]);
    world.audit().await;
}
