//! What entering data costs, by team and month, and which required field tells nothing.

use entity::kind::{AccountKind, StageKey};
use serde_json::{Value as Json, json};
use uuid::Uuid;
use waypost::points::rules::first_rule_set;

use super::model::{Account, Opportunity, Owner};
use super::wire::{get, log_in};
use super::{World, opportunity};

const NOW: &str = "2026-03-31T18:00:00Z";

/// Writes activities as they would be stored, and shows them to their owner.
async fn store(world: &World, account: &Account, owner: &Owner, activities: Vec<Json>) {
    let (mut rows, mut feed) = (Vec::new(), Vec::new());
    for fields in activities {
        let (id, mut row) =
            (Uuid::now_v7(), json!({ "account_id": account.id, "owner_id": owner.id, "captured_proven": true }));
        row.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
        row["received"] = row["captured"].clone();
        rows.push(world.row(id, row));
        feed.push(json!({ "tenant_id": world.tenant, "scope_id": owner.id, "kind": "activity", "record_id": id,
                          "seq": 1_000_000 + world.next_seq(), "revision": 1, "changed_at": NOW, "document": "{}" }));
    }
    world.insert("activity", rows).await;
    world.insert("feed", feed).await;
}

async fn rules(world: &World) {
    let rules = serde_json::to_value(first_rule_set()).expect("JSON");
    let fields = json!({ "version": 1, "status": "active", "starts_on": "2026-01-01", "rules": rules });
    world.insert("rule_set", vec![world.row(Uuid::now_v7(), fields)]).await;
}

#[tokio::test]
async fn each_team_has_its_months() {
    let world = World::new("Asia/Shanghai", NOW).await;
    rules(&world).await;
    let account = world.account(AccountKind::Business, &[&world.rui, &world.sam]).await;
    let call = |occurred: &str, captured: &str, seconds: Option<i32>| json!({ "kind": "note", "occurred": occurred, "captured": captured, "summary": "Talked", "entry_seconds": seconds });
    let rui = vec![
        call("2026-03-02T09:00:00Z", "2026-03-02T11:00:00Z", Some(30)),
        call("2026-03-02T09:00:00Z", "2026-03-02T11:00:01Z", Some(50)),
        json!({ "kind": "note", "occurred": "2026-03-03T09:00:00Z", "captured": "2026-03-03T09:00:00Z", "outcome": "None" }),
        // In Shanghai it is the first of March already.
        call("2026-02-28T17:00:00Z", "2026-02-28T17:00:00Z", Some(100)),
        call("2026-02-28T15:00:00Z", "2026-02-28T15:00:00Z", None),
    ];
    store(&world, &account, &world.rui, rui).await;
    let sam = json!({ "kind": "visit", "occurred": "2026-03-02T09:00:00Z", "captured": "2026-03-09T09:00:00Z",
                      "summary": "  ", "outcome": "Yes", "next_step": "Call", "next_step_on": "2026-03-05" });
    store(&world, &account, &world.sam, vec![sam]).await;

    let token = log_in(&world).await;
    let path = "/v1/reports/entry-burden?from=2026-02-01&to=2026-03-31";
    let (status, body) = get(&world, &token, path).await;
    assert_eq!(status, 200, "{body}");
    let march = |team: &super::Team| {
        let teams = body["teams"].as_array().expect("teams").iter();
        let mut found = teams.filter(|row| row["month"] == "2026-03" && row["teamId"] == json!(team.id));
        found.next().expect("a month")["burden"].clone()
    };
    assert_eq!(
        march(&world.north),
        json!({ "activities": 4, "timed": 3, "medianSeconds": 50.0, "medianFields": 1.0, "withinTwoHours": 0.75, "complete": 0.75 })
    );
    assert_eq!(
        march(&world.south),
        json!({ "activities": 1, "timed": 0, "medianFields": 4.0, "withinTwoHours": 0.0, "complete": 0.0 })
    );
    let months = body["months"].as_array().expect("months");
    let counts: Vec<_> = months.iter().map(|row| (row["month"].as_str(), &row["burden"]["activities"])).collect();
    assert_eq!(counts, [(Some("2026-02"), &json!(1)), (Some("2026-03"), &json!(5))]);
    for (row, named) in months
        .iter()
        .map(|row| (row, false))
        .chain(body["teams"].as_array().expect("teams").iter().map(|row| (row, true)))
    {
        assert_eq!((row["teamName"].is_string(), row["teamId"].is_string()), (named, named), "{row}");
    }
    assert_eq!((&body["total"]["activities"], &body["timeZone"]), (&json!(6), &json!("Asia/Shanghai")));

    let (_, north) = get(&world, &token, &format!("{path}&teamId={}", world.north.id)).await;
    assert_eq!(north["total"]["activities"], 5);
    let neighbour = World::new("UTC", NOW).await;
    let (_, theirs) = get(&neighbour, &log_in(&neighbour).await, path).await;
    assert_eq!((&theirs["total"]["activities"], &theirs["fields"]), (&json!(0), &json!([])));
    let (status, refused) = get(&world, &token, "/v1/reports/entry-burden?from=2026-03-02&to=2026-03-01").await;
    assert_eq!((status, &refused["errors"][0]["pointer"]), (422, &json!("from")));
}

#[tokio::test]
async fn a_field_that_never_differs_between_won_and_lost_is_named() {
    let world = World::new("Asia/Shanghai", NOW).await;
    rules(&world).await;
    let asks = json!({ "stage": "negotiation", "names": { "en": "N", "zh": "N" }, "probability": 60,
                       "required_fields": ["amount", "currency", "source"] });
    world.insert("stage", vec![world.row(Uuid::now_v7(), asks)]).await;
    // All in one currency; the dear ones are lost; where they come from says nothing.
    let one = |n: usize| {
        let mut one = opportunity(&world.rui, &[("2026-03-01T00:00:00Z", StageKey::Intent)]);
        one.worth[0].amount = Some(rust_decimal::Decimal::from(if n < 30 { 100 + n } else { 1000 + n }));
        Opportunity { source: Some(["fair", "web"][n % 2].into()), ..one }
    };
    let all: Vec<Opportunity> = (0..60).map(one).collect();
    world.store(&all).await;
    let token = log_in(&world).await;
    let fields = async || {
        let (status, body) = get(&world, &token, "/v1/reports/entry-burden").await;
        assert_eq!(status, 200, "{body}");
        let fields = body["fields"].as_array().expect("fields").clone();
        fields
            .iter()
            .map(|field| format!("{} {}", field["field"], field["finding"]).replace('"', ""))
            .collect::<Vec<_>>()
    };
    assert_eq!(fields().await, [""; 0], "nothing is closed");
    let close = async |all: &[Opportunity], stage: &str| {
        let ids: Vec<String> = all.iter().map(|one| format!("'{}'", one.id)).collect();
        let lost_from = if stage == "lost" { "'intent'" } else { "NULL" };
        let sql = format!(
            "UPDATE opportunity SET stage = '{stage}', lost_from = {lost_from}, signed_on = '2026-03-20', \
             stage_since = '2026-03-20T00:00:00Z' WHERE tenant_id = '{}' AND id IN ({})",
            world.tenant,
            ids.join(", ")
        );
        sea_orm::ConnectionTrait::execute_unprepared(&world.state.db, &sql).await.expect("closes");
    };
    close(&all[..30], "signed").await;
    close(&all[30..45], "lost").await;
    assert_eq!(fields().await, ["amount too_few", "currency too_few", "source too_few"]);
    close(&all[45..], "lost").await;
    assert_eq!(fields().await, ["amount differs", "currency always_the_same", "source no_difference"]);
}
