//! What becomes of writes that meet: field by field, with nothing typed lost.

use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::Uuid;

use super::phone::{Phone, slug};
use crate::world::World;

/// Two phones of two reps who work one account, both up to date.
async fn two_phones(world: &World) -> (Phone, Phone, Uuid) {
    let admin = world.admin().await;
    let (lin, bo) = (world.rep("Lin Wei").await, world.rep("Bo Chen").await);
    let (mut lin, mut bo) = (Phone::new(world, lin), Phone::new(world, bo));
    let account = lin.account("Hopton").await;
    let path = format!("/v1/accounts/{account}/members/{}", bo.person.id);
    admin.put(&path, json!({ "role": "member" })).await.expect(200);
    lin.pull(100).await;
    bo.pull(100).await;
    (lin, bo, account)
}

fn edit(phone: &Phone, account: Uuid, base: Option<i64>, fields: Value) -> Value {
    phone.mutation("account", "update", account, json!({ "baseRevision": base, "account": fields }))
}

/// The values of the rejected writes on a phone.
fn rejected(phone: &Phone) -> Vec<Value> {
    let fields = |write: &Value| serde_json::from_str(write["fields"].as_str().expect("text")).expect("JSON");
    phone.all("rejected_write").map(fields).collect()
}

#[tokio::test]
async fn other_fields_merge_and_the_same_field_keeps_what_came_first() {
    let world = World::new().await;
    let (mut lin, mut bo, account) = two_phones(&world).await;
    let base = lin.revision("account", account);

    let first = edit(&lin, account, base, json!({ "phone": "111", "industry": "Fibre" }));
    lin.applies(first).await;
    let second = edit(&bo, account, base, json!({ "note": "Knows our rival", "industry": "Cable" }));
    let result = bo.push(std::slice::from_ref(&second)).await.remove(0);
    assert_eq!(result["status"], "conflict", "{result:#}");
    assert_eq!(result["conflicts"], json!(["industry"]));

    lin.pull(100).await;
    bo.pull(100).await;
    for phone in [&lin, &bo] {
        let now = phone.document("account", account);
        assert_eq!((&now["phone"], &now["industry"]), (&json!("111"), &json!("Fibre")));
        assert_eq!(now["note"], "Knows our rival");
    }
    // What lost comes back to who typed it, and to nobody else.
    assert_eq!(rejected(&bo), [json!({ "industry": "Cable" })]);
    assert!(rejected(&lin).is_empty());
    let kept = bo.all("rejected_write").next().expect("one").clone();
    assert_eq!((&kept["recordKind"], &kept["recordId"]), (&json!("account"), &json!(account)));
    assert_eq!((&kept["mutationId"], &kept["op"]), (&second["mutationId"], &json!("update")));
    assert_eq!(kept["problem"], "/problems/conflict");

    // The next write, on top of what is there now, is no conflict.
    let base = bo.revision("account", account);
    bo.applies(edit(&bo, account, base, json!({ "industry": "Cable" }))).await;
}

#[tokio::test]
async fn what_others_did_to_other_fields_is_merged() {
    let world = World::new().await;
    let (lin, bo, account) = two_phones(&world).await;
    let base = lin.revision("account", account);
    lin.applies(edit(&lin, account, base, json!({ "phone": "111" }))).await;
    let result = bo.push(&[edit(&bo, account, base, json!({ "note": "New" }))]).await.remove(0);
    assert_eq!((&result["status"], &result["revision"]), (&json!("merged"), &json!(base.expect("held") + 2)));
}

#[tokio::test]
async fn the_same_value_from_two_sides_is_no_conflict() {
    let world = World::new().await;
    let (mut lin, bo, account) = two_phones(&world).await;
    let base = lin.revision("account", account);
    lin.applies(edit(&lin, account, base, json!({ "annualRevenue": "1200.5" }))).await;
    let result = bo.push(&[edit(&bo, account, base, json!({ "annualRevenue": "1200.5000" }))]).await.remove(0);
    assert_eq!(result["status"], "merged", "{result:#}");
    lin.pull(100).await;
    assert_eq!(lin.document("account", account)["annualRevenue"], "1200.50");
    lin.agrees(&world, "money has one spelling").await;
}

#[tokio::test]
async fn a_phone_never_conflicts_with_its_own_earlier_writes() {
    let world = World::new().await;
    let (lin, _, account) = two_phones(&world).await;
    let base = lin.revision("account", account);
    // Offline twice: both on top of what the phone saw last, pushed at once and one after the other.
    let offline = [
        edit(&lin, account, base, json!({ "phone": "1" })),
        edit(&lin, account, base, json!({ "phone": "2" })),
        edit(&lin, account, base, json!({ "phone": "3" })),
    ];
    let results = lin.push(&offline[..2]).await;
    assert!(results.iter().all(|result| result["status"] == "applied"), "{results:#?}");
    lin.applies(offline[2].clone()).await;
}

#[tokio::test]
async fn another_phone_of_the_same_user_does_conflict() {
    let world = World::new().await;
    let (lin, _, account) = two_phones(&world).await;
    let mut tablet = Phone::new(&world, world.person(lin.person.id));
    let base = lin.revision("account", account);
    lin.applies(edit(&lin, account, base, json!({ "phone": "1" }))).await;
    let result = tablet.push(&[edit(&tablet, account, base, json!({ "phone": "2" }))]).await.remove(0);
    assert_eq!(result["status"], "conflict");
    tablet.pull(100).await;
    assert_eq!(rejected(&tablet), [json!({ "phone": "2" })]);
}

#[tokio::test]
async fn what_rest_wrote_counts_as_somebody_elses() {
    let world = World::new().await;
    let (lin, _, account) = two_phones(&world).await;
    let base = lin.revision("account", account);
    let path = format!("/v1/accounts/{account}");
    lin.person.patch(&path, json!({ "phone": "office" })).await.expect(200);
    let result = lin.push(&[edit(&lin, account, base, json!({ "phone": "field" }))]).await.remove(0);
    assert_eq!(result["status"], "conflict");
}

#[tokio::test]
async fn emptied_fields_take_part_in_the_merge() {
    let world = World::new().await;
    let (mut lin, mut bo, account) = two_phones(&world).await;
    let base = lin.revision("account", account);
    lin.applies(edit(&lin, account, base, json!({ "phone": "1", "note": "n" }))).await;
    lin.pull(100).await;
    bo.pull(100).await;
    let base = lin.revision("account", account);

    // One empties what the other changes: who comes second loses that field, whichever way round.
    let cleared = lin.mutation("account", "update", account, json!({ "baseRevision": base, "clear": ["phone"] }));
    lin.applies(cleared).await;
    let result = bo.push(&[edit(&bo, account, base, json!({ "phone": "2", "note": "m" }))]).await.remove(0);
    assert_eq!(result["conflicts"], json!(["phone"]));
    let cleared = lin.mutation("account", "update", account, json!({ "baseRevision": base, "clear": ["note"] }));
    let result = lin.push(&[cleared]).await.remove(0);
    assert_eq!(result["conflicts"], json!(["note"]));
    lin.pull(100).await;
    bo.pull(100).await;
    let now = lin.document("account", account);
    assert_eq!((&now["phone"], &now["note"]), (&Value::Null, &json!("m")));
    assert_eq!(rejected(&bo), [json!({ "phone": "2" })]);
    assert_eq!(rejected(&lin), [json!({ "clear": ["note"] })]);
}

#[tokio::test]
async fn an_edit_never_brings_a_deleted_record_back() {
    let world = World::new().await;
    let (mut lin, mut bo, account) = two_phones(&world).await;
    let contact = Uuid::now_v7();
    let fields = json!({ "contact": { "accountId": account, "name": "Zhao" } });
    lin.applies(lin.mutation("contact", "create", contact, fields.clone())).await;
    lin.pull(100).await;
    bo.pull(100).await;
    lin.applies(lin.mutation("contact", "delete", contact, json!({}))).await;

    let late = json!({ "baseRevision": 1, "contact": { "title": "Head of purchasing" } });
    assert_eq!(bo.refused(bo.mutation("contact", "update", contact, late)).await, "record_deleted");
    // Nor does making it again under the same id.
    assert_eq!(bo.refused(bo.mutation("contact", "create", contact, fields)).await, "duplicate");
    lin.pull(100).await;
    bo.pull(100).await;
    assert!(!lin.holds("contact", contact) && !bo.holds("contact", contact));
    assert!(rejected(&bo).contains(&json!({ "title": "Head of purchasing" })));
    bo.agrees(&world, "after a deletion").await;
}

#[tokio::test]
async fn a_rejected_write_is_dismissed_by_who_typed_it() {
    let world = World::new().await;
    let manager = world.manager("Mei").await;
    let (_, mut bo, account) = two_phones(&world).await;
    let mut mei = Phone::new(&world, manager);
    assert_eq!(bo.refused(edit(&bo, account, None, json!({ "parentId": account }))).await, "validation");
    bo.pull(100).await;
    mei.pull(100).await;
    let write: Uuid =
        bo.all("rejected_write").next().expect("one")["id"].as_str().expect("text").parse().expect("an id");
    // Who leads him sees it and leaves it alone.
    assert!(mei.holds("rejected_write", write));
    assert_eq!(mei.refused(mei.mutation("rejected_write", "delete", write, json!({}))).await, "forbidden");
    bo.applies(bo.mutation("rejected_write", "delete", write, json!({}))).await;
    bo.pull(100).await;
    mei.pull(100).await;
    assert!(!bo.holds("rejected_write", write) && !mei.holds("rejected_write", write));
}

#[tokio::test]
async fn a_refused_edit_spoils_neither_other_edits_nor_new_records() {
    let world = World::new().await;
    let (lin, _, account) = two_phones(&world).await;
    let visit = Uuid::now_v7();
    let base = lin.revision("account", account);
    let occurred = lin.reading(TimeDelta::minutes(30))["wall"].clone();
    let results = lin
        .push(&[
            edit(&lin, account, base, json!({ "parentId": account, "phone": "1" })),
            edit(&lin, account, base, json!({ "note": "Good news" })),
            lin.mutation(
                "activity",
                "create",
                visit,
                json!({ "activity": { "accountId": account, "kind": "call", "occurred": occurred } }),
            ),
        ])
        .await;
    assert_eq!(slug(&results[0]), "validation");
    assert_eq!((&results[1]["status"], &results[2]["status"]), (&json!("applied"), &json!("applied")), "{results:#?}");
}

#[tokio::test]
async fn a_reason_comes_back_with_what_was_refused() {
    let world = World::new().await;
    let (_, mut bo, account) = two_phones(&world).await;
    let more = json!({ "account": { "parentId": account }, "reason": "They were bought" });
    bo.refused(bo.mutation("account", "update", account, more)).await;
    bo.pull(100).await;
    assert_eq!(rejected(&bo), [json!({ "parentId": account, "reason": "They were bought" })]);
}

#[tokio::test]
async fn made_and_deleted_in_one_push_leaves_its_history_and_keeps_its_id() {
    let world = World::new().await;
    let (mut lin, _, account) = two_phones(&world).await;
    let visit = Uuid::now_v7();
    let occurred = lin.reading(TimeDelta::minutes(30))["wall"].clone();
    let fields =
        json!({ "activity": { "accountId": account, "kind": "call", "occurred": occurred, "summary": "Typed" } });
    let create = lin.mutation("activity", "create", visit, fields.clone());
    let results = lin.push(&[create, lin.mutation("activity", "delete", visit, json!({}))]).await;
    assert!(results.iter().all(|result| result["status"] == "applied"), "{results:#?}");
    assert_eq!(lin.refused(lin.mutation("activity", "create", visit, fields)).await, "duplicate");
    lin.pull(100).await;
    assert!(!lin.holds("activity", visit));
    lin.agrees(&world, "after making and deleting").await;
    let points: Vec<&Value> = lin.all("points_entry").map(|entry| &entry["points"]).collect();
    assert_eq!(points.len(), 2, "an award and its reversal: {points:?}");
}

#[tokio::test]
async fn a_move_brings_its_values_field_by_field() {
    let world = World::new().await;
    let (mut lin, mut bo, account) = two_phones(&world).await;
    let sale = Uuid::now_v7();
    let fields =
        json!({ "opportunity": { "accountId": account, "name": "Cable", "amount": "100", "currency": "CNY" } });
    lin.applies(lin.mutation("opportunity", "create", sale, fields)).await;
    bo.pull(100).await;
    let base = bo.revision("opportunity", sale);
    let edit = json!({ "baseRevision": base, "opportunity": { "amount": "200" } });
    lin.applies(lin.mutation("opportunity", "update", sale, edit)).await;

    // Somebody else's amount stays; the move and the day that came with it are taken.
    let advance = json!({ "stage": "negotiation", "amount": "150", "currency": "CNY", "expectedOn": "2026-04-01" });
    let moved = bo.mutation("opportunity", "advance", sale, json!({ "baseRevision": base, "advance": advance }));
    let result = bo.push(&[moved]).await.remove(0);
    assert_eq!((&result["status"], &result["conflicts"]), (&json!("conflict"), &json!(["amount"])), "{result:#}");
    lin.pull(100).await;
    bo.pull(100).await;
    let now = lin.document("opportunity", sale);
    assert_eq!((&now["stage"], &now["amount"]), (&json!("negotiation"), &json!("200.00")));
    assert_eq!(now["expectedOn"], "2026-04-01");
    assert_eq!(rejected(&bo), [json!({ "amount": "150.00" })]);
}

/// Two people share one phone: that it is the same phone does not make what the other typed one's own.
#[tokio::test]
async fn two_users_of_one_phone_do_not_overwrite_each_other() {
    let world = World::new().await;
    let (lin, mut bo, account) = two_phones(&world).await;
    bo.device = lin.device;
    let base = lin.revision("account", account);
    let first = edit(&lin, account, base, json!({ "industry": "Fibre" }));
    lin.applies(first).await;
    let second = edit(&bo, account, base, json!({ "industry": "Cable" }));
    assert_eq!(bo.push(&[second]).await.remove(0)["conflicts"], json!(["industry"]));
    bo.pull(100).await;
    assert_eq!(rejected(&bo), [json!({ "industry": "Cable" })]);

    // His own, typed twice before he pulled, is no conflict.
    for industry in ["Glass", "Light"] {
        let again = edit(&lin, account, base, json!({ "industry": industry }));
        lin.applies(again).await;
    }
}
