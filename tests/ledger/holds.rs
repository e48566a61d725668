//! `/v1/holds`: awards that wait for a review.

use chrono::{Duration, TimeDelta};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};
use uuid::Uuid;
use waypost::hold::due;
use waypost::hold::similarity::Trigrams;

use super::{balance, kinds, of_kind, set_rules};
use crate::sync::phone::Phone;
use crate::world::{Answer, Person, World, own_world, start};

/// Rules by which a summary that is like another one waits, and a third entry within ten minutes.
async fn strict(world: &World) {
    let holds = json!({ "burst": { "entries": 3, "minutes": 10 }, "similarityPercent": 90, "speedKmh": 300,
                        "accuracyMetres": 500, "futureMinutes": 30, "releaseAfterDays": 3 });
    set_rules(world, json!({ "holds": holds })).await;
}

async fn note(who: &Person, account: Uuid, summary: &str) -> Uuid {
    let occurred = who.now().to_rfc3339();
    let body = json!({ "accountId": account, "kind": "note", "occurred": occurred, "summary": summary });
    who.post("/v1/activities", body).await.expect(201).id()
}

/// A note that is the same as the one of yesterday, and so on hold; with its hold.
async fn held(world: &World, who: &Person) -> (Uuid, Answer) {
    let account = who.account("Acme").await;
    note(who, account, "Showed the samples to Mr Li").await;
    world.wait(Duration::days(1));
    let again = note(who, account, "showed the samples to Mr Li.").await;
    let holds = who.get(&format!("/v1/holds?activityId={again}")).await.expect(200);
    let hold = who.get(&format!("/v1/holds/{}", holds.ids()[0])).await.expect(200);
    (again, hold)
}

#[tokio::test]
async fn similarity_is_what_the_database_tells() {
    let world = World::new().await;
    let texts = [
        "word",
        "two words",
        "Showed the samples.",
        "showed THE samples",
        "霍普光通信",
        "霍普光通讯",
        "",
        "…",
        "Ünïcode ÄÖ 12",
    ];
    for a in texts {
        for b in texts {
            let sql = "SELECT floor(100 * similarity($1, $2)::numeric)::integer";
            let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [a.into(), b.into()]);
            let told: i32 =
                world.state.db.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap();
            assert_eq!(Trigrams::of(a).similarity_percent(&Trigrams::of(b)), told, "{a} | {b}");
        }
    }
}

#[tokio::test]
async fn an_award_that_stands_out_waits_and_shows_why() {
    let world = World::new().await;
    strict(&world).await;
    let (lin, chen) = (world.rep("Lin Wei").await, world.manager("Chen Hua").await);
    let (again, hold) = held(&world, &lin).await;
    assert_eq!(balance(&lin).await, ("10.00".into(), "10.00".into(), 2));
    assert_eq!(kinds(&lin, again).await, ["hold"]);
    assert_eq!((hold.text("/status"), hold.text("/points")), ("open".into(), "10.00".into()));
    assert_eq!(hold.text("/releaseOn"), "2026-03-06");
    assert_eq!(hold.text("/evidence/findings/0/reason"), "near_identical");
    assert!(hold.text("/evidence/findings/0/en").contains("100 % the same"), "{:#}", hold.body);
    assert!(hold.text("/evidence/findings/0/zh").contains("相似度"), "{:#}", hold.body);
    world.audit().await;

    // Nobody decides about himself, and a reason is asked for.
    let path = format!("/v1/holds/{}", hold.id());
    lin.post(&format!("{path}/release"), json!({ "reason": "Mine" })).await.expect(403);
    chen.post(&format!("{path}/release"), json!({})).await.expect(400);
    world.rep("Zhao Min").await.post(&format!("{path}/deny"), json!({ "reason": "No" })).await.expect(404);

    let released = chen.post(&format!("{path}/release"), json!({ "reason": "A second showing" })).await.expect(200);
    assert_eq!((released.text("/status"), released.text("/decision")), ("released".into(), "A second showing".into()));
    assert_eq!(released.text("/decidedBy"), chen.id.to_string());
    assert_eq!(balance(&lin).await, ("20.00".into(), "0.00".into(), 3));
    chen.post(&format!("{path}/deny"), json!({ "reason": "No" })).await.expect(409);
    let entries = lin.get(&format!("/v1/points/entries?sourceId={again}")).await;
    let release = entries.items().iter().find(|entry| entry["kind"] == "release").expect("a release");
    assert_eq!(release["entryId"], hold.body["entryId"]);
    assert!(release["explanation"]["en"].as_str().is_some_and(|text| text.contains("A second showing")), "{release}");
    assert!(release["explanation"]["zh"].as_str().is_some_and(|text| text.contains("复核通过")), "{release}");
    world.audit().await;
}

#[tokio::test]
async fn corrections_and_deletions_around_a_review_stay_exact() {
    let decisions: [(Option<&str>, [&str; 3]); 3] = [
        // Points and held points after the review, after half of it was emptied, after it was deleted.
        (None, ["10.00/10.00", "10.00/0.00", "10.00/0.00"]),
        (Some("release"), ["20.00/0.00", "10.00/0.00", "10.00/0.00"]),
        (Some("deny"), ["10.00/0.00", "10.00/0.00", "10.00/0.00"]),
    ];
    for (decision, expected) in decisions {
        let world = World::new().await;
        strict(&world).await;
        let (lin, chen) = (world.rep("Lin Wei").await, world.manager("Chen Hua").await);
        let (again, hold) = held(&world, &lin).await;
        if let Some(decision) = decision {
            let path = format!("/v1/holds/{}/{decision}", hold.id());
            chen.post(&path, json!({ "reason": "Looked at it" })).await.expect(200);
        }
        let path = format!("/v1/activities/{again}");
        let mut seen = Vec::new();
        for step in 0..3 {
            match step {
                0 => {}
                1 => drop(lin.patch(&path, json!({ "clear": ["summary"] })).await.expect(200)),
                _ => drop(lin.delete(&path).await.expect(204)),
            }
            let (points, waits, _) = balance(&lin).await;
            seen.push(format!("{points}/{waits}"));
            world.audit().await;
        }
        assert_eq!(seen, expected, "{decision:?}");
        let status = lin.get(&format!("/v1/holds/{}", hold.id())).await.text("/status");
        assert_eq!(status, if decision == Some("deny") { "denied" } else { "released" });
    }
}

#[tokio::test]
async fn what_was_denied_is_not_earned_by_filling_it_again() {
    let world = World::new().await;
    strict(&world).await;
    let (lin, chen) = (world.rep("Lin Wei").await, world.manager("Chen Hua").await);
    let (again, hold) = held(&world, &lin).await;
    chen.post(&format!("/v1/holds/{}/deny", hold.id()), json!({ "reason": "Copied" })).await.expect(200);
    let path = format!("/v1/activities/{again}");
    for body in [json!({ "clear": ["summary"] }), json!({ "summary": "Something of its own" })] {
        lin.patch(&path, body).await.expect(200);
        assert_eq!(balance(&lin).await, ("10.00".into(), "0.00".into(), 3));
    }
    // Dated back beyond every bracket, it is a late entry like any other.
    lin.patch(&path, json!({ "occurred": (start() - Duration::days(9)).to_rfc3339() })).await.expect(200);
    assert_eq!(balance(&lin).await, ("5.00".into(), "0.00".into(), 4));
    world.audit().await;
}

#[tokio::test]
async fn filling_with_a_copy_later_is_looked_at_too() {
    let world = World::new().await;
    strict(&world).await;
    let lin = world.rep("Lin Wei").await;
    let account = lin.account("Acme").await;
    note(&lin, account, "Showed the samples to Mr Li").await;
    let body = json!({ "accountId": account, "kind": "note", "occurred": lin.now().to_rfc3339() });
    let empty = lin.post("/v1/activities", body).await.expect(201).id();
    assert_eq!(balance(&lin).await, ("10.00".into(), "0.00".into(), 2));
    lin.patch(&format!("/v1/activities/{empty}"), json!({ "summary": "Showed the samples to Mr Li" }))
        .await
        .expect(200);
    assert_eq!(balance(&lin).await, ("10.00".into(), "10.00".into(), 3));
    assert_eq!(kinds(&lin, empty).await, ["award", "correction"]);
    lin.delete(&format!("/v1/activities/{empty}")).await.expect(204);
    assert_eq!(balance(&lin).await, ("10.00".into(), "0.00".into(), 4));
    world.audit().await;
}

#[tokio::test]
async fn nobody_reviews_it_so_it_is_released_once_even_by_two_servers() {
    let world = own_world().await;
    strict(&world).await;
    let lin = world.rep("Lin Wei").await;
    held(&world, &lin).await;
    due::release(&world.state).await.expect("a job");
    world.wait(TimeDelta::days(2));
    due::release(&world.state).await.expect("a job");
    assert_eq!(balance(&lin).await.1, "10.00", "its day has not come");
    world.wait(TimeDelta::days(1));
    let (a, b) = tokio::join!(due::release(&world.state), due::release(&world.state));
    a.expect("a job");
    b.expect("a job");
    due::release(&world.state).await.expect("a job");
    assert_eq!(balance(&lin).await, ("20.00".into(), "0.00".into(), 3));
    let hold = lin.get("/v1/holds").await.expect(200);
    assert_eq!((&hold.items()[0]["status"], &hold.items()[0]["decidedBy"]), (&json!("released"), &Value::Null));
    world.audit().await;
}

#[tokio::test]
async fn a_phone_shows_its_holds_and_a_managers_phone_decides_them() {
    let world = World::new().await;
    strict(&world).await;
    let mut phone = Phone::new(&world, world.rep("Lin Wei").await);
    let mut chief = Phone::new(&world, world.manager("Chen Hua").await);
    let account = phone.person.account("Acme").await;
    // A burst in one push: the third and the fourth wait.
    let notes: Vec<Value> = ["One", "Two", "Three", "Four"]
        .into_iter()
        .map(|summary| {
            let note =
                json!({ "accountId": account, "kind": "note", "occurred": start().to_rfc3339(), "summary": summary });
            phone.mutation("activity", "create", Uuid::now_v7(), json!({ "activity": note }))
        })
        .collect();
    let results = phone.push(&notes).await;
    assert!(results.iter().all(|result| result["status"] == "applied"), "{results:#?}");
    assert_eq!(balance(&phone.person).await, ("20.00".into(), "20.00".into(), 4));
    phone.pull(100).await;
    let holds = of_kind(&phone, "hold");
    assert_eq!(holds.len(), 2);
    assert!(holds.iter().all(|hold| hold["evidence"]["findings"][0]["reason"] == "burst"), "{holds:#?}");

    chief.pull(100).await;
    let mine = of_kind(&chief, "hold");
    let id = |hold: &Value| hold["id"].as_str().and_then(|id| id.parse::<Uuid>().ok()).expect("an id");
    let rule = |op: &str, hold: &Value| chief.mutation("hold", op, id(hold), json!({ "ruling": { "reason": "Seen" } }));
    let decided = [rule("release", &mine[0]), rule("deny", &mine[1]), rule("grant", &mine[1])];
    let results = chief.push(&decided).await;
    let statuses: Vec<&Value> = results.iter().map(|result| &result["status"]).collect();
    assert_eq!(statuses, ["applied", "applied", "rejected"], "{results:#?}");
    assert_eq!(balance(&phone.person).await, ("30.00".into(), "0.00".into(), 6));
    phone.pull(100).await;
    let mut statuses: Vec<String> = of_kind(&phone, "hold").iter().map(|hold| hold["status"].to_string()).collect();
    statuses.sort();
    assert_eq!(statuses, ["\"denied\"", "\"released\""]);
    world.audit().await;
}
