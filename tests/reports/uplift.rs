//! What the rules did to signing: who is compared with whom, both readings of a change, what it is worth, and when there
//! are too few to tell.

use chrono::{DateTime, TimeDelta, Utc};
use entity::kind::StageKey::{Intent, Signed};
use serde_json::{Value as Json, json};
use uuid::Uuid;
use waypost::points::rules::first_rule_set;

use super::model::{Move, Opportunity, Owner};
use super::wire::{get, log_in};
use super::{World, at, opportunity};

const NOW: &str = "2026-12-31T00:00:00Z";
/// With `days=60&followDays=60&startsOn=2026-06-01`, before is from the second of February to the first of April.
const BEFORE: &str = "2026-02-10T08:00:00Z";
const AFTER: &str = "2026-06-10T08:00:00Z";
const SPAN: &str = "days=60&followDays=60";

/// `of` that came in one after the other within fifty days, `signed` of them after so many days.
fn came(owner: &Owner, from: &str, of: usize, signed: usize, days: i64) -> Vec<Opportunity> {
    let first: DateTime<Utc> = at(from);
    let one = |n: usize| {
        let entered = first + TimeDelta::minutes(n as i64 * 50 * 24 * 60 / of as i64);
        let mut moves = vec![Move { from: None, to: Intent, occurred: entered }];
        if n < signed {
            let occurred = entered + TimeDelta::days(days) + TimeDelta::hours(n as i64 % 48);
            moves.push(Move { from: Some(Intent), to: Signed, occurred });
        }
        Opportunity { moves, ..opportunity(owner, &[(from, Intent)]) }
    };
    (0..of).map(one).collect()
}

async fn uplift(world: &World, query: &str) -> Json {
    let token = log_in(world).await;
    let (status, body) = get(world, &token, &format!("/v1/reports/uplift?{SPAN}&{query}")).await;
    assert_eq!(status, 200, "{body}");
    body
}

fn figures(body: &Json, pointer: &str) -> [f64; 3] {
    let interval = body.pointer(pointer).unwrap_or_else(|| panic!("no {pointer}: {body:#}"));
    ["value", "low", "high"].map(|name| interval[name].as_f64().expect("a number"))
}

#[tokio::test]
async fn ten_per_cent_is_read_both_ways() {
    let world = World::new("Asia/Shanghai", NOW).await;
    let story = [came(&world.rui, BEFORE, 150, 60, 40), came(&world.rui, AFTER, 150, 75, 30)].concat();
    world.store(&story).await;
    let source = "startsOn=2026-06-01&averageContract=500000&currency=CNY&investment=1000000&claim=10";
    for (per_month, as_points, as_percent) in
        [(20, "12000000.00", "4800000.00"), (25, "15000000.00", "6000000.00"), (30, "18000000.00", "7200000.00")]
    {
        let body = uplift(&world, &format!("{source}&opportunitiesPerMonth={per_month}")).await;
        let rate = &body["signingRate"];
        // 75 of 150 less 60 of 150: Newcombe's interval holds zero, so chance may have done it.
        assert_eq!(figures(&body, "/signingRate/points"), [10.0, -1.24, 20.89], "{rate}");
        assert_eq!((figures(&body, "/signingRate/percent")[0], &rate["expected"]), (25.0, &json!(40.0)));
        assert_eq!((&rate["verdict"], &rate["needed"]), (&json!("unclear"), &json!(388)));
        let returns = body["worth"]["returns"].as_array().expect("returns");
        let readings: Vec<_> = returns.iter().map(|one| one["reading"].as_str().expect("a name")).collect();
        assert_eq!(readings, ["measured", "claim_as_points", "claim_as_percent"]);
        assert_eq!((&returns[1]["points"], &returns[1]["revenue"]), (&json!(10.0), &json!(as_points)));
        assert_eq!((&returns[2]["points"], &returns[2]["revenue"]), (&json!(4.0), &json!(as_percent)));
        assert_eq!(returns[1]["returnPercent"], json!(f64::from(per_month) * 60.0 - 100.0));
        assert_eq!((&returns[1]["isConsistent"], &returns[2]["isConsistent"]), (&json!(true), &json!(true)));
        assert!(returns[0]["returnPercentLow"].as_f64() < Some(0.0), "it may have been for nothing: {}", returns[0]);
    }
    let body = uplift(&world, "startsOn=2026-06-01").await;
    assert_eq!(body["cycle"]["verdict"], "lower", "{}", body["cycle"]);
    assert_eq!(figures(&body, "/cycle/days"), [-9.98, -10.37, -9.6]);
    // Without words about money: what the signed ones are worth on average, and what came in.
    assert_eq!(
        (&body["worth"]["averageContract"], &body["worth"]["opportunitiesPerMonth"]),
        (&json!("100.00"), &json!(75.0))
    );
    let summary = &body["summary"];
    assert_eq!(
        summary["en"],
        "Of the opportunities that came in, before 60 of 150 were signed (40 %), after 75 of 150 (50 %). The signing rate \
         changed by +10 (−1.24 … +20.89) points, or +25 % relative to what it would have been. Chance alone may explain \
         this. The median time to the signature changed by −9.98 (−10.37 … −9.6) days. Chance alone does not explain a fall."
    );
    assert!(summary["zh"].as_str().is_some_and(|text| text.contains("签约率变化 +10")), "{summary}");
}

#[tokio::test]
async fn many_tell_what_few_cannot() {
    let world = World::new("Asia/Shanghai", NOW).await;
    world.store(&[came(&world.rui, BEFORE, 29, 12, 40), came(&world.rui, AFTER, 200, 120, 30)].concat()).await;
    let body = uplift(&world, "startsOn=2026-06-01&averageContract=500000&currency=CNY&claim=10").await;
    assert_eq!((&body["signingRate"]["verdict"], &body["cycle"]["verdict"]), (&json!("too_few"), &json!("too_few")));
    let figures_of_many = ["/signingRate/points", "/signingRate/percent", "/cycle/days", "/worth/returns/0/revenue"];
    for pointer in figures_of_many.into_iter().chain(["/worth/returns/2/revenue"]) {
        assert_eq!(body.pointer(pointer), None, "{pointer}");
    }
    assert_eq!(body["waves"][0]["before"]["entered"], 29, "the counts are told");
    assert!(body["summary"]["en"].as_str().is_some_and(|text| text.contains("too few to tell")));

    let world = World::new("Asia/Shanghai", NOW).await;
    world.store(&[came(&world.rui, BEFORE, 200, 80, 40), came(&world.rui, AFTER, 200, 120, 30)].concat()).await;
    let body = uplift(&world, "startsOn=2026-06-01").await;
    assert_eq!((&body["signingRate"]["verdict"], figures(&body, "/signingRate/points")[0]), (&json!("higher"), 20.0));
}

#[tokio::test]
async fn what_the_others_did_too_is_taken_off() {
    let world = World::new("Asia/Shanghai", NOW).await;
    let story = [
        came(&world.rui, BEFORE, 200, 80, 40),
        came(&world.rui, AFTER, 200, 130, 40),
        came(&world.sam, BEFORE, 200, 80, 40),
        came(&world.sam, AFTER, 200, 90, 40),
    ];
    world.store(&story.concat()).await;
    let (north, south) = (world.north.id, world.south.id);
    let body =
        uplift(&world, &format!("design=control_group&startsOn=2026-06-01&teamId={north}&controlTeamId={south}")).await;
    let wave = &body["waves"][0];
    assert_eq!((&wave["teamIds"], &wave["control"]["teamIds"]), (&json!([north]), &json!([south])));
    assert_eq!((&wave["after"]["signed"], &wave["control"]["after"]["signed"]), (&json!(130), &json!(90)));
    assert_eq!((figures(&body, "/signingRate/points")[0], &body["signingRate"]["expected"]), (20.0, &json!(45.0)));
    assert_eq!(body["signingRate"]["verdict"], "higher");
    let alone = uplift(&world, &format!("startsOn=2026-06-01&teamId={north}")).await;
    assert_eq!(figures(&alone, "/signingRate/points")[0], 25.0);
    // A team above holds those below it.
    let all = uplift(&world, &format!("startsOn=2026-06-01&teamId={}", world.west.id)).await;
    assert_eq!(all["waves"][0]["before"]["entered"], 400);
}

#[tokio::test]
async fn each_wave_is_compared_with_those_that_wait() {
    let world = World::new("Asia/Shanghai", NOW).await;
    // North begins in June; South, which begins in November, waits until all of North's have been followed.
    let story = [
        came(&world.rui, BEFORE, 100, 40, 20),
        came(&world.rui, AFTER, 100, 60, 20),
        came(&world.sam, BEFORE, 100, 40, 20),
        came(&world.sam, AFTER, 100, 45, 20),
    ];
    world.store(&story.concat()).await;
    let (north, south) = (world.north.id, world.south.id);
    let waves = format!("design=staggered&rollout={north}:2026-06-01&rollout={south}:2026-11-01");
    let body = uplift(&world, &waves).await;
    assert_eq!(body["waves"].as_array().map(Vec::len), Some(2));
    let ids = |pointer: &str| body.pointer(pointer).cloned().unwrap_or_default();
    assert!(ids("/waves/0/control/teamIds").as_array().is_some_and(|ids| ids.contains(&json!(south))));
    assert_eq!(ids("/waves/1/teamIds"), json!([south]));
    assert!(!ids("/waves/1/control/teamIds").as_array().is_some_and(|ids| ids.contains(&json!(north))));
    // Of the second wave nobody has been followed to the end: it adds nothing.
    assert_eq!((figures(&body, "/signingRate/points")[0], &body["signingRate"]["expected"]), (15.0, &json!(45.0)));
    let early = format!("design=staggered&rollout={north}:2026-06-01&rollout={south}:2026-09-01");
    let body = uplift(&world, &early).await;
    let control = body.pointer("/waves/0/control/teamIds").and_then(Json::as_array).expect("teams").clone();
    assert!(!control.contains(&json!(south)), "South began before North's were followed to the end");
    assert_eq!(body["signingRate"]["verdict"], "too_few");
}

#[tokio::test]
async fn a_rule_set_tells_the_day_and_everybody_counts_what_he_sees() {
    let world = World::new("Asia/Shanghai", NOW).await;
    let story = [came(&world.rui, BEFORE, 40, 10, 20), came(&world.sam, BEFORE, 40, 10, 20)].concat();
    world.store(&story).await;
    let token = log_in(&world).await;
    let path = |query: &str| format!("/v1/reports/uplift?{SPAN}{query}");
    let (status, body) = get(&world, &token, &path("")).await;
    assert_eq!((status, &body["errors"][0]["pointer"]), (422, &json!("startsOn")), "no rule set has begun: {body}");
    let (active, draft) = (Uuid::now_v7(), Uuid::now_v7());
    let rules = serde_json::to_value(first_rule_set()).expect("JSON");
    let row = |id, version: i32, status: &str, starts: Option<&str>| {
        world.row(id, json!({ "version": version, "status": status, "starts_on": starts, "rules": rules }))
    };
    let rows = vec![row(active, 1, "active", Some("2026-06-01")), row(draft, 2, "draft", None)];
    world.insert("rule_set", rows).await;
    let shown = |id: Uuid| {
        json!({ "tenant_id": world.tenant, "scope_id": world.tenant, "kind": "rule_set", "record_id": id,
                "seq": world.next_seq(), "revision": 1, "changed_at": "2026-01-01T00:00:00Z", "document": "{}" })
    };
    world.insert("feed", vec![shown(active), shown(draft)]).await;
    for query in [String::new(), format!("&ruleSetId={active}")] {
        let (status, body) = get(&world, &token, &path(&query)).await;
        assert_eq!((status, &body["waves"][0]["startsOn"]), (200, &json!("2026-06-01")), "{body}");
        assert_eq!(body["waves"][0]["before"]["entered"], 80, "Bo leads both");
    }
    assert_eq!(get(&world, &token, &path(&format!("&ruleSetId={draft}"))).await.0, 422);
    assert_eq!(get(&world, &token, &path(&format!("&ruleSetId={}", Uuid::now_v7()))).await.0, 404);
    let neighbour = World::new("UTC", NOW).await;
    assert_eq!(get(&neighbour, &log_in(&neighbour).await, &path(&format!("&ruleSetId={active}"))).await.0, 404);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let world = World::new("UTC", NOW).await;
    let token = log_in(&world).await;
    let team = world.north.id;
    for (query, field) in [
        ("design=control_group&startsOn=2026-06-01".to_owned(), "teamId"),
        (format!("design=control_group&startsOn=2026-06-01&teamId={team}&controlTeamId={team}"), "controlTeamId"),
        (format!("startsOn=2026-06-01&controlTeamId={team}"), "controlTeamId"),
        ("design=staggered".to_owned(), "rollout"),
        ("design=staggered&rollout=north".to_owned(), "rollout"),
        (format!("design=staggered&rollout={team}:2026-06-01&startsOn=2026-06-01"), "startsOn"),
        (format!("design=staggered&rollout={team}:2026-06-01&teamId={team}"), "teamId"),
        (format!("startsOn=2026-06-01&rollout={team}:2026-06-01"), "rollout"),
        (format!("startsOn=2026-06-01&ruleSetId={team}"), "startsOn"),
        ("startsOn=2026-06-01&investment=1000".to_owned(), "averageContract"),
        ("startsOn=2026-06-01&averageContract=500000".to_owned(), "currency"),
        ("startsOn=2026-06-01&averageContract=0".to_owned(), "averageContract"),
        (
            "startsOn=2026-06-01&averageContract=999999999999&currency=CNY&opportunitiesPerMonth=30".to_owned(),
            "averageContract",
        ),
    ] {
        let (status, body) = get(&world, &token, &format!("/v1/reports/uplift?{query}")).await;
        assert_eq!((status, &body["errors"][0]["pointer"]), (422, &json!(field)), "{query}: {body}");
    }
    for query in
        ["design=before", "days=0", "followDays=2000", "claim=101", "marginPercent=-1", "teamId=north", "months=0"]
    {
        let (status, body) = get(&world, &token, &format!("/v1/reports/uplift?startsOn=2026-06-01&{query}")).await;
        assert_eq!(status, 400, "{query}: {body}");
    }
    for query in ["startsOn=1900-01-01", "startsOn=9999-12-31"] {
        let (status, body) = get(&world, &token, &format!("/v1/reports/uplift?{query}")).await;
        assert_eq!((status, &body["signingRate"]["verdict"]), (200, &json!("too_few")), "{body}");
    }
}
