//! The condition "photo present": points follow the photo, however late it comes, and go with it.

use chrono::TimeDelta;
use entity::rules::Rules;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};
use uuid::Uuid;
use waypost::points::rules::first_rule_set;
use waypost::simulation::run::replayed;

use super::picture::photo;
use super::{attachment, put, visit};
use crate::simulations::{active, booked, rule, simulate, told};
use crate::sync::phone::Phone;
use crate::world::{Person, World};

/// The first rules, with half of a visit's completeness for a photo, and a cap that bites.
fn rules() -> Value {
    let mut rules = serde_json::to_value(first_rule_set()).expect("JSON");
    rules["work"][0]["weights"] = json!([{ "field": "summary", "weight": 50 }, { "field": "photo", "weight": 50 }]);
    rules["caps"] = json!({ "perDay": "27.00" });
    let valid: Rules = serde_json::from_value(rules.clone()).expect("rules");
    assert_eq!(waypost::points::validate::validate(&valid), Ok(()));
    rules
}

/// The entries about an activity, oldest first: kind, points, and what they say in English and Chinese.
async fn entries(who: &Person, activity: Uuid) -> Vec<(String, String, String, String)> {
    let page = who.get(&format!("/v1/points/entries?sourceId={activity}")).await.expect(200);
    let mut items = page.items().to_vec();
    items.sort_by_key(|item| item["number"].as_i64());
    let text = |item: &Value, pointer: &str| item.pointer(pointer).and_then(Value::as_str).expect("text").to_owned();
    items
        .iter()
        .map(|item| {
            (text(item, "/kind"), text(item, "/points"), text(item, "/explanation/en"), text(item, "/explanation/zh"))
        })
        .collect()
}

#[tokio::test]
async fn a_phone_pushes_visit_and_photo_offline_and_the_points_rise_when_the_file_comes() {
    let world = World::new().await;
    rule(&world, &rules()).await;
    let mut phone = Phone::new(&world, world.rep("Lin").await);
    let account = phone.account("Hopton").await;
    let (activity, id) = (Uuid::now_v7(), Uuid::now_v7());
    let occurred = phone.reading(TimeDelta::minutes(90))["wall"].clone();
    let fields =
        json!({ "activity": { "accountId": account, "kind": "visit", "occurred": occurred, "summary": "Samples" } });
    let record = json!({ "attachment": {
        "accountId": account, "activityId": activity, "kind": "photo", "fileName": "shelf.jpg", "bytes": photo().len() } });
    for mutation in [
        phone.mutation_typed(TimeDelta::minutes(80), "activity", "create", activity, fields),
        phone.mutation_typed(TimeDelta::minutes(79), "attachment", "create", id, record),
    ] {
        phone.applies(mutation).await;
    }
    let first = entries(&phone.person, activity).await;
    assert_eq!(first.len(), 1);
    assert_eq!((first[0].0.as_str(), first[0].1.as_str()), ("award", "5.00"));
    assert!(first[0].2.contains("photo") && first[0].3.contains("照片"), "{first:#?}");

    // Two days later there is a connection that carries a file: the entry was in time all the same.
    world.wait(TimeDelta::days(2));
    put(&phone.person, id, &photo()).await.expect(200);
    let all = entries(&phone.person, activity).await;
    assert_eq!(all.len(), 2, "{all:#?}");
    let (kind, points, en, zh) = &all[1];
    assert_eq!((kind.as_str(), points.as_str()), ("correction", "5.00"), "only the difference");
    assert!(en.contains("No longer missing: photo.") && zh.contains("已补充：照片。"), "{en} {zh}");
    phone.pull(100).await;
    assert_eq!(phone.all("points_balance").next().expect("one")["points"], "10.00");

    let second = attachment(&phone.person, account, "photo", json!({ "activityId": activity })).await;
    put(&phone.person, second, &photo()).await.expect(200);
    assert_eq!(entries(&phone.person, activity).await.len(), 2, "one photo is enough");
    phone.person.delete(&format!("/v1/attachments/{id}")).await.expect(204);
    assert_eq!(entries(&phone.person, activity).await.len(), 2, "one is left");
    phone.applies(phone.mutation("attachment", "delete", second, json!({}))).await;
    let all = entries(&phone.person, activity).await;
    assert_eq!((all.len(), all[2].1.as_str()), (3, "-5.00"));
    assert!(all[2].2.contains("Now missing: photo.") && all[2].3.contains("现缺少：照片。"), "{all:#?}");
    world.audit().await;
}

#[tokio::test]
async fn other_files_and_other_rules_move_no_points() {
    let world = World::new().await;
    let lin = world.rep("Lin").await;
    let account = lin.account("Hopton").await;
    let before = visit(&lin, account).await;
    let of_before = attachment(&lin, account, "photo", json!({ "activityId": before })).await;
    put(&lin, of_before, &photo()).await.expect(200);
    assert_eq!(entries(&lin, before).await.len(), 1, "these rules do not ask for it");
    rule(&world, &rules()).await;
    let asked = visit(&lin, account).await;
    let of_contract = attachment(&lin, account, "document", json!({ "activityId": asked })).await;
    put(&lin, of_contract, &super::pdf(100)).await.expect(200);
    let refused = attachment(&lin, account, "photo", json!({ "activityId": asked })).await;
    put(&lin, refused, b"no photo").await.expect(422);
    let of_account = attachment(&lin, account, "photo", json!({})).await;
    put(&lin, of_account, &photo()).await.expect(200);
    assert_eq!(entries(&lin, asked).await.len(), 1);
}

/// A month of visits and photos: in time, late, deleted, of deleted visits, and capped.
async fn month(world: &World, reps: &[&Person]) {
    let mut seed = 11u32;
    let mut dice = move |most: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 16) % most
    };
    let mut open: Vec<(usize, Uuid, Uuid)> = Vec::new();
    for who in reps {
        who.account("Hopton").await;
    }
    for _ in 0..14 {
        for (index, who) in reps.iter().enumerate() {
            let account = who.get("/v1/accounts").await.expect(200).ids()[0];
            for _ in 0..2 + dice(3) {
                let occurred = (world.state.clock.now().0 - TimeDelta::hours(i64::from(dice(30)))).to_rfc3339();
                let body = json!({ "accountId": account, "kind": "visit", "occurred": occurred });
                let activity = who.post("/v1/activities", body).await.expect(201).id();
                for _ in 0..dice(3) {
                    let id = attachment(who, account, "photo", json!({ "activityId": activity })).await;
                    open.push((index, activity, id));
                }
                match dice(5) {
                    0 => drop(
                        who.patch(&format!("/v1/activities/{activity}"), json!({ "summary": "Shelf" }))
                            .await
                            .expect(200),
                    ),
                    1 => drop(who.delete(&format!("/v1/activities/{activity}")).await.expect(204)),
                    _ => {}
                }
            }
        }
        for _ in 0..open.len() / 2 {
            let at = dice(u32::try_from(open.len()).expect("few")) as usize;
            let (index, activity, id) = open[at];
            let who = reps[index];
            let file = if dice(4) == 0 { b"no photo".to_vec() } else { super::picture::png(8, 8) };
            put(who, id, &file).await;
            match dice(4) {
                0 => drop(who.delete(&format!("/v1/attachments/{id}")).await),
                1 => drop(who.patch(&format!("/v1/activities/{activity}"), json!({ "summary": "Two shelves" })).await),
                _ => {}
            }
            if dice(2) == 0 {
                open.remove(at);
            }
        }
        world.wait(TimeDelta::hours(31));
    }
}

#[tokio::test]
async fn a_simulation_of_the_rules_in_force_books_every_photo_as_it_was_booked() {
    let world = World::new().await;
    rule(&world, &rules()).await;
    let (lin, bo, admin) = (world.rep("Lin").await, world.rep("Bo").await, world.admin().await);
    month(&world, &[&lin, &bo]).await;
    let rule_set = active(&admin).await;
    let today = admin.now().format("%Y-%m-%d").to_string();
    let simulation = simulate(&admin, rule_set, "2026-03-01", &today).await;
    let entries = replayed(&world.state, world.tenant_id, simulation.id()).await.expect("replays");
    let mut seen = 0;
    for who in [&lin, &bo] {
        let mut simulated: Vec<String> = entries.iter().filter(|entry| entry.user_id == who.id).map(told).collect();
        let real = booked(who).await;
        simulated.sort();
        assert_eq!(simulated, real);
        seen += real.iter().filter(|line| line.contains("correction")).count();
    }
    assert!(seen >= 20, "{seen} corrections");
    let sql =
        "SELECT count(*) FROM points_entry WHERE tenant_id = $1 AND explanation ->> 'en' LIKE '%Now missing: photo.%'";
    let lost = Statement::from_sql_and_values(DbBackend::Postgres, sql, [world.tenant_id.into()]);
    let lost = world.state.db.query_one_raw(lost).await.expect("reads").expect("a row");
    assert!(lost.try_get_by_index::<i64>(0).expect("a number") > 0, "some photos went");
    world.audit().await;
}
