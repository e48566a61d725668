//! Values of the company's own fields on phones: each merges by itself.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{archive, define, define_all};
use crate::sync::phone::Phone;
use crate::world::World;

/// The values of the rejected writes on a phone.
fn rejected(phone: &Phone) -> Vec<Value> {
    let fields = |write: &Value| serde_json::from_str(write["fields"].as_str().expect("text")).expect("JSON");
    phone.all("rejected_write").map(fields).collect()
}

fn edit(phone: &Phone, account: Uuid, base: Option<i64>, custom: Value) -> Value {
    phone.mutation("account", "update", account, json!({ "baseRevision": base, "account": { "custom": custom } }))
}

#[tokio::test]
async fn two_phones_merge_value_by_value() {
    let world = World::new().await;
    let admin = world.admin().await;
    define_all(&admin).await;
    let rep = world.rep("Lin Wei").await;
    let (mut lin, mut tablet) = (Phone::new(&world, world.person(rep.id)), Phone::new(&world, rep));
    lin.pull(100).await;
    // The definitions are on the phone, before anybody types into them.
    let mut keys: Vec<&str> = lin.all("custom_field").filter_map(|field| field["key"].as_str()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["format", "franchise", "metres", "opened", "slogan"]);

    let account = Uuid::now_v7();
    let custom = json!({ "metres": "10.0", "slogan": "Near" });
    let fields = json!({ "account": { "kind": "business", "name": "Hopton", "custom": custom } });
    lin.applies(lin.mutation("account", "create", account, fields)).await;
    lin.pull(100).await;
    tablet.pull(100).await;
    assert_eq!(tablet.document("account", account)["custom"], json!({ "metres": "10", "slogan": "Near" }));
    let base = lin.revision("account", account);

    // Different values, and the same one.
    lin.applies(edit(&lin, account, base, json!({ "metres": "11", "franchise": "true" }))).await;
    let merged = tablet.push(&[edit(&tablet, account, base, json!({ "format": "corner" }))]).await.remove(0);
    assert_eq!(merged["status"], "merged", "{merged:#}");
    let clash = edit(&tablet, account, base, json!({ "metres": "12", "opened": "2026-03-02", "franchise": "true" }));
    let clash = tablet.push(&[clash]).await.remove(0);
    assert_eq!((&clash["status"], &clash["conflicts"]), (&json!("conflict"), &json!(["custom.metres"])), "{clash:#}");
    lin.pull(100).await;
    tablet.pull(100).await;
    let held =
        json!({ "metres": "11", "slogan": "Near", "franchise": "true", "format": "corner", "opened": "2026-03-02" });
    for phone in [&lin, &tablet] {
        assert_eq!(phone.document("account", account)["custom"], held);
    }
    assert_eq!(rejected(&tablet), [json!({ "custom": { "metres": "12" } })]);

    // Emptied on one, changed on the other: whoever comes second loses, whichever way round.
    let base = lin.revision("account", account);
    lin.applies(edit(&lin, account, base, json!({ "slogan": "" }))).await;
    let clear = json!({ "baseRevision": base, "clear": ["custom.format"] });
    lin.applies(lin.mutation("account", "update", account, clear)).await;
    let late = edit(&tablet, account, base, json!({ "slogan": "Nearer", "opened": "" }));
    assert_eq!(tablet.push(&[late]).await.remove(0)["conflicts"], json!(["custom.slogan"]));
    let late = json!({ "baseRevision": base, "account": { "note": "n" }, "clear": ["custom.metres", "custom.opened"] });
    let merged = lin.push(&[edit(&lin, account, base, json!({ "metres": "14" }))]).await.remove(0);
    assert_eq!(merged["status"], "merged", "{merged:#}");
    let late = tablet.push(&[tablet.mutation("account", "update", account, late)]).await.remove(0);
    assert_eq!(late["conflicts"], json!(["custom.metres"]), "{late:#}");
    lin.pull(100).await;
    tablet.pull(100).await;
    let now = lin.document("account", account);
    assert_eq!((&now["custom"], &now["note"]), (&json!({ "metres": "14", "franchise": "true" }), &json!("n")));
    let mut lost: Vec<String> = rejected(&tablet).iter().map(Value::to_string).collect();
    lost.sort();
    assert_eq!(
        lost,
        [r#"{"clear":["custom.metres"]}"#, r#"{"custom":{"metres":"12"}}"#, r#"{"custom":{"slogan":"Nearer"}}"#]
    );
    for phone in [&lin, &tablet] {
        phone.agrees(&world, "values are part of the record").await;
    }
}

/// A record that the author has not seen confirmed: what others made of it since counts too.
#[tokio::test]
async fn without_a_base_everything_that_others_wrote_counts() {
    let world = World::new().await;
    let admin = world.admin().await;
    define_all(&admin).await;
    let rep = world.rep("Lin Wei").await;
    let path = json!({ "kind": "business", "name": "Hopton", "custom": { "metres": "1" } });
    let account = rep.post("/v1/accounts", path).await.expect(201).id();
    let phone = Phone::new(&world, rep);
    let result = phone.push(&[edit(&phone, account, None, json!({ "metres": "2", "slogan": "x" }))]).await.remove(0);
    assert_eq!(result["conflicts"], json!(["custom.metres"]), "{result:#}");
}

#[tokio::test]
async fn a_refused_value_comes_back_to_who_typed_it() {
    let world = World::new().await;
    let admin = world.admin().await;
    let metres = define(&admin, "activity", "metres", "number").await;
    let mut phone = Phone::new(&world, world.rep("Lin Wei").await);
    let account = phone.account("Hopton").await;
    let visit = |metres: &str| {
        let occurred = phone.clock.now().0.to_rfc3339();
        let fields =
            json!({ "accountId": account, "kind": "call", "occurred": occurred, "custom": { "metres": metres } });
        phone.mutation("activity", "create", Uuid::now_v7(), json!({ "activity": fields }))
    };
    let results = phone.push(&[visit("many"), visit("2.50")]).await;
    assert_eq!(results[0]["problem"]["errors"][0]["pointer"], "/custom/metres", "{results:#?}");
    assert_eq!(results[1]["status"], "applied", "{results:#?}");
    // A phone that was offline when the field was archived.
    archive(&admin, metres, true).await;
    let late = phone.push(&[visit("3")]).await.remove(0);
    assert_eq!(late["problem"]["errors"][0]["pointer"], "/custom/metres", "{late:#}");
    phone.pull(100).await;
    let mut typed: Vec<String> =
        rejected(&phone).iter().map(|write| write["custom"]["metres"].as_str().expect("text").to_owned()).collect();
    typed.sort();
    assert_eq!(typed, ["3", "many"]);
    let archived = phone.document("custom_field", metres)["archivedAt"].is_string();
    assert!(archived, "the phone knows that the field was archived");
    phone.agrees(&world, "refused values").await;
    world.audit().await;
}
