//! A report in its other forms: the table, and pictures that hold no script and say how many they are of.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use entity::kind::AccountKind;
use entity::kind::StageKey::{Intent, Lost, PreSale, Signed};
use poem::http::{HeaderMap, header};
use poem::{Endpoint, Request};
use reqwest::Method;
use serde_json::{Value, json};
use waypost::app::app;

use super::model::Opportunity;
use super::wire::log_in;
use super::{World, opportunity};
use crate::world;

const NOW: &str = "2026-03-31T09:00:00Z";
/// What nobody should ever be shown as more than a text.
const NASTY: &str = "<script>alert(1)</script>&\"'</svg>";

async fn send(world: &World, path: &str, headers: &[(header::HeaderName, &str)]) -> (u16, HeaderMap, Vec<u8>) {
    let token = log_in(world).await;
    let mut request = Request::builder().uri_str(path).header("Authorization", format!("Bearer {token}"));
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    let mut response = app(world.state.clone()).get_response(request.finish()).await;
    let body = response.take_body().into_vec().await.expect("a body");
    (response.status().as_u16(), response.headers().clone(), body)
}

fn text(body: Vec<u8>) -> String {
    String::from_utf8(body).expect("UTF-8")
}

async fn filled() -> World {
    let world = World::new("UTC", NOW).await;
    let product = world.product(NASTY).await;
    let moves = [("2026-02-01T00:00:00Z", Intent), ("2026-02-03T00:00:00Z", PreSale)];
    let one = Opportunity { product: Some(product), ..opportunity(&world.rui, &moves) };
    world.store(&[one, opportunity(&world.sam, &moves[..1]), opportunity(&world.sam, &moves[..1])]).await;
    world
}

/// Whether nothing in it can run or fetch.
fn assert_harmless(svg: &str) {
    for forbidden in ["<script", "javascript:", "onload=", "onclick=", "<foreignObject", "href=", "url(http", "@import"]
    {
        assert!(!svg.contains(forbidden), "{forbidden}: {svg}");
    }
}

#[tokio::test]
async fn a_funnel_is_a_picture_too() {
    let world = filled().await;
    let accept = [(header::ACCEPT, "image/svg+xml")];
    let (status, headers, body) = send(&world, "/v1/reports/funnel", &accept).await;
    assert_eq!((status, &headers[header::CONTENT_TYPE]), (200, &"image/svg+xml".parse().expect("a value")));
    let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().expect("text");
    assert!(policy.starts_with("default-src 'none'") && policy.ends_with("sandbox"), "{policy}");
    assert!(headers[header::VARY].to_str().expect("text").contains("accept"), "caches keep the forms apart");
    let svg = text(body);
    assert_harmless(&svg);
    for told in ["Funnel", "n=3", "Intent", "33%", "2025-04-01 – 2026-03-31", "role=\"img\""] {
        assert!(svg.contains(told), "{told}: {svg}");
    }

    let (_, headers, same) = send(&world, "/v1/reports/funnel?format=svg&locale=zh&theme=dark", &[]).await;
    assert_eq!(headers[header::CONTENT_TYPE], "image/svg+xml");
    let chinese = text(same);
    assert!(chinese.contains("销售漏斗") && chinese.contains("n=3"), "{chinese}");

    let (status, headers, png) = send(&world, "/v1/reports/funnel?format=png", &accept).await;
    assert_eq!((status, &headers[header::CONTENT_TYPE]), (200, &"image/png".parse().expect("a value")));
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    // Width and height stand in the header; a picture of one colour would be smaller by far.
    let side = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().expect("four bytes"));
    assert!(side(16) == 800 && side(20) > 150 && png.len() > 5_000, "{} x {}, {} bytes", side(16), side(20), png.len());

    let (status, _, _) = send(&world, "/v1/reports/funnel?format=pdf", &[]).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn what_users_type_is_text_in_every_form() {
    let world = filled().await;
    let (_, _, body) = send(&world, "/v1/reports/funnel?splitBy=product&format=svg", &[]).await;
    let svg = text(body);
    assert_harmless(&svg);
    assert!(svg.contains("&lt;script&gt;"), "{svg}");
    // Well-formed: what opens closes, and nothing closes early.
    let elements: BTreeSet<&str> =
        svg.split('<').skip(1).filter_map(|rest| rest.split([' ', '>', '/']).next()).collect();
    assert!(!elements.contains("script"), "{elements:?}");
    assert_eq!(svg.matches("</svg>").count(), 1);

    let (_, headers, body) = send(&world, "/v1/reports/funnel?splitBy=product", &[(header::ACCEPT, "text/csv")]).await;
    assert_eq!(headers[header::CONTENT_TYPE], "text/csv");
    let csv = text(body);
    let mut reader = csv::Reader::from_reader(csv.trim_start_matches('\u{feff}').as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    let told: Vec<[&str; 4]> = rows.iter().map(|row| [&row[1], &row[2], &row[3], &row[4]]).collect();
    assert_eq!(told[0], ["", "intent", "3", "1"]);
    assert_eq!(told[4], [NASTY, "intent", "1", "1"]);
    assert_eq!(told[8], ["none", "intent", "2", "0"], "those without a product");
    assert_eq!(rows.len(), 12);
}

#[tokio::test]
async fn two_periods_and_two_teams_stand_side_by_side() {
    let world = filled().await;
    let ask = async |query: String| {
        let (status, _, body) = send(&world, &format!("/v1/reports/funnel?{query}"), &[]).await;
        let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(status, 200, "{body}");
        let entered = |funnel: &serde_json::Value| {
            let stages = funnel["cohort"]["stages"].as_array().expect("stages").iter();
            stages.map(|stage| stage["entered"].as_i64().expect("a count")).collect::<Vec<_>>()
        };
        (entered(&body), entered(&body["compared"]), body)
    };
    let (now, before, _) =
        ask("from=2026-02-02&to=2026-02-28&compareFrom=2026-01-01&compareTo=2026-02-01".into()).await;
    assert_eq!((now, before), (vec![0, 1, 0, 0], vec![3, 0, 0, 0]));
    let (north, south, body) = ask(format!("teamId={}&compareTeamId={}", world.north.id, world.south.id)).await;
    assert_eq!((north, south), (vec![1, 1, 0, 0], vec![2, 0, 0, 0]));
    assert_eq!((&body["team"], &body["compared"]["team"]), (&"North".into(), &"South".into()));

    let path = format!("/v1/reports/funnel?teamId={}&compareTeamId={}&format=svg", world.north.id, world.south.id);
    let svg = text(send(&world, &path, &[]).await.2);
    assert!(svg.contains("North") && svg.contains("South"), "{svg}");
}

#[tokio::test]
async fn groups_of_a_picture_are_told_in_the_readers_words() {
    let world = World::new("UTC", NOW).await;
    let account = world.account(AccountKind::Business, &[&world.rui]).await;
    let moves = [("2026-02-01T00:00:00Z", Intent), ("2026-02-03T00:00:00Z", Lost)];
    world.store(&[Opportunity { account: Some(account), ..opportunity(&world.rui, &moves) }]).await;
    for (by, en, zh) in [("account_kind", "company", "企业"), ("tier", "key", "重点")] {
        for (locale, name) in [("en", en), ("zh", zh)] {
            let path = format!("/v1/reports/funnel?splitBy={by}&format=svg&locale={locale}");
            let svg = text(send(&world, &path, &[]).await.2);
            assert!(svg.contains(&format!("data-series=\"{name}\"")), "{by}, {locale}: {svg}");
            let path = format!("/v1/reports/lost?splitBy={by}&chart=win_rate&format=svg&locale={locale}");
            let svg = text(send(&world, &path, &[]).await.2);
            assert!(told_and_drawn(&svg).0.contains(&format!("; {name} 0%")), "{by}, {locale}: {svg}");
        }
    }
}

/// The figures as a screen reader tells them, and what is drawn.
fn told_and_drawn(svg: &str) -> (&str, &str) {
    svg.split_once("</desc>").unwrap_or_else(|| panic!("no description: {svg}"))
}

#[tokio::test]
async fn win_rates_are_told_beside_their_bars() {
    let world = World::new("UTC", NOW).await;
    let lines = world.product("Leased lines for the branches of provincial banks, with eight years of service").await;
    let phones = world.product("电话").await;
    let mut decided = Vec::new();
    for (product, to, n) in [(&lines, Signed, 8), (&lines, Lost, 13), (&phones, Signed, 3), (&phones, Lost, 9)] {
        let moves = [("2026-02-01T00:00:00Z", Intent), ("2026-02-03T00:00:00Z", to)];
        let one = || Opportunity { product: Some(product.clone()), ..opportunity(&world.rui, &moves) };
        decided.extend((0..n).map(|_| one()));
    }
    world.store(&decided).await;
    let path = "/v1/reports/lost?splitBy=product&chart=win_rate";
    let body: Value = serde_json::from_slice(&send(&world, path, &[]).await.2).expect("JSON");
    let mut rates = body["groups"].as_array().expect("groups").clone();
    assert_eq!(rates.len(), 2, "{body}");
    rates.push(body["total"].clone());
    for (locale, whole) in [("en", "all"), ("zh", "全部")] {
        let svg = text(send(&world, &format!("{path}&format=svg&locale={locale}"), &[]).await.2);
        let (told, drawn) = told_and_drawn(&svg);
        for rate in &rates {
            let percent = |member: &str| format!("{:.0}", rate[member].as_f64().expect("a share") * 100.0);
            let n = rate["won"].as_i64().expect("a count") + rate["lost"].as_i64().expect("a count");
            let few = if n < 20 { " *" } else { "" };
            let said = format!("{}% ({}–{}), n={n}{few}", percent("rate"), percent("low"), percent("high"));
            let name = rate["name"].as_str().unwrap_or(whole);
            assert!(drawn.contains(&said) && told.contains(&format!("{name} {said}")), "{name} {said}: {svg}");
        }
        // A long name is cut, its figures are not.
        assert!(drawn.contains("Leased lines") && drawn.contains('…') && drawn.contains("电话"), "{svg}");
        assert!(!drawn.contains(&lines.name), "{svg}");
    }
}

#[tokio::test]
async fn what_is_of_no_month_is_told_beside_the_months_of_a_forecast() {
    let world = world::World::new().await;
    let rui = world.rep("Rui").await;
    let account = rui.account("Acme").await;
    for (amount, expected) in
        [("120000", "2026-04-10"), ("60000", "2026-06-01"), ("30000", "2026-03-05"), ("250000", "")]
    {
        let mut sale = json!({ "accountId": account, "name": amount, "amount": amount, "currency": "CNY" });
        if !expected.is_empty() {
            sale["expectedOn"] = expected.into();
        }
        rui.post("/v1/opportunities", sale).await.expect(201);
    }
    world.wait(TimeDelta::days(7));
    let body = rui.get("/v1/reports/forecast").await.expect(200).body;
    let rows = body["rows"].as_array().expect("rows");
    let buckets: Vec<&str> = rows.iter().filter_map(|row| row["bucket"].as_str()).collect();
    assert_eq!(buckets, ["month", "month", "overdue", "undated"]);
    for (locale, size) in [("en", 1e3), ("zh", 1e4)] {
        let path = format!("/v1/reports/forecast?format=svg&locale={locale}");
        let answer = rui.request(Method::GET, &path).await.send().await.expect("an answer");
        let svg = answer.text().await.expect("a picture");
        let (told, drawn) = told_and_drawn(&svg);
        assert!(drawn.contains("n=2"), "{svg}");
        assert!(drawn.contains("2026-05") && told.contains("2026-05 0"), "a month of nothing stands between: {svg}");
        for row in rows {
            let amount = |member: &str| {
                let amount: f64 = row[member].as_str().expect("an amount").parse().expect("a number");
                amount / size
            };
            let (open, pipeline, weighted) = (&row["open"], amount("pipeline"), amount("weighted"));
            if let Some(month) = row["month"].as_str() {
                assert!(drawn.contains(month) && told.contains(&format!("{month} {pipeline}")), "{month}: {svg}");
                continue;
            }
            let name = match (locale, row["bucket"] == "overdue") {
                ("en", true) => "overdue",
                ("en", false) => "no day",
                (_, true) => "已逾期",
                (_, false) => "未定日期",
            };
            let said = match locale {
                "en" => format!("{name}: {open} open, pipeline {pipeline}, weighted {weighted}"),
                _ => format!("{name}：{open}个，全部商机 {pipeline}，加权 {weighted}"),
            };
            assert!(drawn.contains(&said), "{said}: {svg}");
            assert_eq!(drawn.matches(name).count(), 1, "in words alone, and no line can run on into it: {svg}");
        }
    }
}
