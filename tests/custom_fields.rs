//! Fields that a company defines itself: `/v1/custom-fields`, the member `custom` of records, filters, `GET /v1/schema`.

mod bulk;
mod offline;

use entity::kind::Role;
use sea_orm::{ConnectionTrait, DatabaseBackend, Statement};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{Person, World};

/// Defines a field; its id.
async fn define(admin: &Person, kind: &str, key: &str, value_type: &str) -> Uuid {
    let names = json!({ "en": key, "zh": "字段" });
    let mut field = json!({ "recordKind": kind, "key": key, "valueType": value_type, "names": names });
    if value_type == "choice" {
        let choice = |value: &str| json!({ "value": value, "names": names });
        field["choices"] = json!([choice("corner"), choice("旗舰店")]);
    }
    admin.post("/v1/custom-fields", field).await.expect(201).id()
}

/// One field of every type, of accounts.
async fn define_all(admin: &Person) {
    for (key, value_type) in
        [("slogan", "text"), ("metres", "number"), ("opened", "date"), ("franchise", "flag"), ("format", "choice")]
    {
        define(admin, "account", key, value_type).await;
    }
}

async fn archive(admin: &Person, id: Uuid, archived: bool) {
    admin.patch(&format!("/v1/custom-fields/{id}"), json!({ "archived": archived })).await.expect(200);
}

#[tokio::test]
async fn an_admin_defines_a_field_and_key_and_type_stay() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    let names = json!({ "en": "Store format", "zh": "门店形式" });
    let choice = |value: &str| json!({ "value": value, "names": names });
    let field = json!({
        "recordKind": "account", "key": "format", "valueType": "choice", "names": names, "choices": [choice("corner")],
    });
    for person in [&lin, &world.manager("Ma Na").await, &world.user(Role::Integration, "ERP", world.top_team).await] {
        person.post("/v1/custom-fields", field.clone()).await.expect(403);
    }
    let made = admin.post("/v1/custom-fields", field.clone()).await.expect(201);
    let path = made.header("location");
    assert_eq!((made.header("etag"), &made.body["choices"]), ("\"1\"".to_owned(), &json!([choice("corner")])));
    assert_eq!(lin.get(&path).await.expect(200).body, made.body);
    lin.patch(&path, json!({ "archived": true })).await.expect(403);

    // A key is used once a kind.
    let twice = admin.post("/v1/custom-fields", field.clone()).await.expect(409);
    assert_eq!(twice.problem(), ("duplicate".into(), vec!["/key".into()]));
    define(&admin, "contact", "format", "text").await;
    let listed = lin.get("/v1/custom-fields?recordKind=account").await.expect(200);
    assert_eq!(listed.ids(), [made.id()]);
    assert_eq!(lin.get("/v1/custom-fields?sort=key").await.expect(200).items().len(), 2);

    let changed = json!({ "names": { "en": "Format", "zh": "形式" }, "choices": [choice("corner"), choice("mall")] });
    let stale = [("if-match", "\"7\"")];
    admin.send(reqwest::Method::PATCH, &path, Some(changed.clone()), &stale).await.expect(412);
    let changed = admin.patch(&path, changed).await.expect(200);
    assert_eq!((changed.text("/names/en"), &changed.body["revision"]), ("Format".to_owned(), &json!(2)));
    for fixed in ["key", "valueType", "recordKind"] {
        let refused = admin.patch(&path, json!({ fixed: "text" })).await;
        assert!([400, 422].contains(&refused.status), "{fixed}: {:#}", refused.body);
        assert!(refused.body.to_string().contains(fixed), "{:#}", refused.body);
    }
}

#[tokio::test]
async fn what_is_no_definition_is_refused_by_name() {
    let world = World::new().await;
    let admin = world.admin().await;
    let names = json!({ "en": "Size", "zh": "尺寸" });
    let choice = json!({ "value": "a", "names": names });
    let field = |key: &str, value_type: &str, choices: Value| json!({ "recordKind": "activity", "key": key, "valueType": value_type, "names": names, "choices": choices });
    for (field, pointer) in [
        (field("Size", "text", json!([])), "/key"),
        (field("", "text", json!([])), "/key"),
        (field(&"x".repeat(41), "text", json!([])), "/key"),
        (field("a.b", "text", json!([])), "/key"),
        (field("size", "colour", json!([])), "/valueType"),
        (field("size", "choice", json!([])), "/choices"),
        (field("size", "choice", json!([choice, choice])), "/choices/1/value"),
        (field("size", "flag", json!([choice])), "/choices"),
        (json!({ "recordKind": "plan", "key": "size", "valueType": "text", "names": names }), "/recordKind"),
        (json!({ "recordKind": "account", "key": "size", "valueType": "text" }), "/names"),
    ] {
        let refused = admin.post("/v1/custom-fields", field.clone()).await;
        assert!([400, 422].contains(&refused.status), "{field}: {:#}", refused.body);
        assert_eq!(refused.problem().1, [pointer], "{field}: {:#}", refused.body);
    }
    // A kind has no more of them than its writes can bear.
    for number in 0..100 {
        define(&admin, "activity", &format!("f{number}"), "text").await;
    }
    let refused = admin.post("/v1/custom-fields", field("more", "text", json!([]))).await.expect(409);
    assert!(refused.text("/detail").contains("100"), "{:#}", refused.body);
    define(&admin, "contact", "more", "text").await;
}

#[tokio::test]
async fn values_have_one_spelling_and_are_set_one_by_one() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    define_all(&admin).await;
    let custom = json!({
        "slogan": " Light, \"fast\"\nand near ", "metres": "012.50", "opened": "2028-02-29", "franchise": "true",
        "format": "旗舰店", "unset": null,
    });
    let account = json!({ "kind": "business", "name": "Hopton", "custom": custom });
    let made = lin.post("/v1/accounts", account).await.expect(201);
    let kept = json!({
        "slogan": "Light, \"fast\"\nand near", "metres": "12.5", "opened": "2028-02-29", "franchise": "true", "format": "旗舰店",
    });
    assert_eq!(made.body["custom"], kept);
    let path = made.header("location");
    assert_eq!(lin.get(&path).await.expect(200).body, made.body);

    // What is not named stays; an empty text empties, and so does the name in `clear`.
    let change = json!({ "custom": { "metres": "13", "slogan": "" }, "clear": ["custom.opened"] });
    let changed = lin.send(reqwest::Method::PATCH, &path, Some(change), &[("if-match", "\"1\"")]).await.expect(200);
    assert_eq!(changed.body["custom"], json!({ "metres": "13", "franchise": "true", "format": "旗舰店" }));
    // The same again is no change.
    let same = lin.patch(&path, json!({ "custom": { "metres": "13.0" }, "name": "Hopton" })).await.expect(200);
    assert_eq!(same.body["revision"], changed.body["revision"]);
    let emptied = json!({ "custom": { "metres": "", "franchise": "", "format": "" } });
    assert_eq!(lin.patch(&path, emptied).await.expect(200).body["custom"], Value::Null);

    // The history names each value like a field.
    let told = "SELECT string_agg(changes, ' ' ORDER BY revision) FROM record_history WHERE tenant_id = $1 AND kind = 'account'
                AND op = 'update'";
    let told = Statement::from_sql_and_values(DatabaseBackend::Postgres, told, [world.tenant_id.into()]);
    let row = world.state.db.query_one_raw(told).await.expect("reads").expect("a row");
    let told: String = row.try_get_by_index(0).expect("text");
    for change in [
        r#""custom.metres":["12.5","13"]"#,
        r#""custom.opened":["2028-02-29",null]"#,
        r#""custom.format":["旗舰店",null]"#,
    ] {
        assert!(told.contains(change), "{change}: {told}");
    }
    assert!(!told.contains(r#""custom":"#), "{told}");
}

#[tokio::test]
async fn every_kind_that_may_have_them_has_its_own() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    for kind in ["account", "contact", "opportunity", "activity"] {
        define(&admin, kind, kind, "text").await;
    }
    let account = lin.account("Hopton").await;
    lin.patch(&format!("/v1/accounts/{account}"), json!({ "custom": { "account": "a" } })).await.expect(200);
    let occurred = lin.now().to_rfc3339();
    for (kind, list, record) in [
        ("contact", "contacts", json!({ "accountId": account, "name": "Wang" })),
        ("opportunity", "opportunities", json!({ "accountId": account, "name": "Switches" })),
        ("activity", "activities", json!({ "accountId": account, "kind": "call", "occurred": occurred })),
    ] {
        let with = |key: &str, text: &str| {
            let mut record = record.clone();
            record["custom"] = json!({ key: text });
            record
        };
        let refused = lin.post(&format!("/v1/{list}"), with("account", "x")).await.expect(422);
        assert_eq!(refused.problem().1, ["/custom/account"]);
        let made = lin.post(&format!("/v1/{list}"), with(kind, "x")).await.expect(201);
        let changed = lin.patch(&made.header("location"), json!({ "custom": { kind: "y" } })).await.expect(200);
        assert_eq!(changed.body["custom"], json!({ kind: "y" }));
        lin.post(&format!("/v1/{list}"), record.clone()).await.expect(201);
        assert_eq!(lin.get(&format!("/v1/{list}?custom={kind}:y")).await.expect(200).ids(), [made.id()]);
        assert_eq!(lin.get(&format!("/v1/{list}?custom={kind}:x")).await.expect(200).items().len(), 0);
    }
    world.audit().await;
}

#[tokio::test]
async fn what_is_no_value_is_refused_with_a_pointer() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    define_all(&admin).await;
    let path = format!("/v1/accounts/{}", lin.account("Hopton").await);
    for (custom, faults) in [
        (json!({ "colour": "red" }), vec![("/custom/colour", "no such field")]),
        (json!({ "a/b~c": "" }), vec![("/custom/a~1b~0c", "no such field")]),
        (json!({ "metres": "many" }), vec![("/custom/metres", "a decimal such as 12.50")]),
        (json!({ "opened": "2026-02-30" }), vec![("/custom/opened", "a day such as 2026-03-02")]),
        (json!({ "franchise": "yes" }), vec![("/custom/franchise", "`true` or `false`")]),
        (json!({ "format": "mall" }), vec![("/custom/format", "one of corner, 旗舰店")]),
        (json!({ "slogan": "  " }), vec![("/custom/slogan", "blank")]),
        (json!({ "slogan": "a\u{0}b" }), vec![("/custom/slogan", "control")]),
        (json!({ "slogan": "x".repeat(1001), "metres": "1", "format": "?" }), {
            vec![("/custom/format", "one of"), ("/custom/slogan", "at most 1000")]
        }),
    ] {
        let refused = lin.patch(&path, json!({ "custom": custom })).await.expect(422);
        let (slug, pointers) = refused.problem();
        assert_eq!((slug.as_str(), pointers), ("validation", faults.iter().map(|fault| fault.0.to_owned()).collect()));
        let detail = refused.text("/detail");
        assert!(faults.iter().all(|fault| detail.contains(fault.1)), "{detail}");
    }
    // A value is a text, whatever its type; a map is a map.
    for (custom, pointer) in [(json!({ "metres": 12.5, "slogan": null }), "/custom/metres"), (json!("x"), "/custom")] {
        let refused = lin.patch(&path, json!({ "custom": custom })).await;
        assert!([400, 422].contains(&refused.status), "{:#}", refused.body);
        assert_eq!(refused.problem().1, [pointer], "{:#}", refused.body);
    }
    let refused = lin.patch(&path, json!({ "clear": ["custom.colour"] })).await.expect(422);
    assert_eq!(refused.problem().1, ["/custom/colour"]);
    let many: serde_json::Map<String, Value> = (0..201).map(|number| (format!("k{number}"), json!(""))).collect();
    assert_eq!(lin.patch(&path, json!({ "custom": many })).await.expect(422).problem().1, ["/custom"]);
    assert_eq!(lin.get(&path).await.expect(200).body["custom"], Value::Null);
    // A stranger learns nothing from it.
    let stranger = world.rep("Zhao Yun").await;
    stranger.patch(&path, json!({ "custom": { "metres": "1" } })).await.expect(404);
}

#[tokio::test]
async fn an_archived_field_can_be_read_and_not_written() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    let metres = define(&admin, "account", "metres", "number").await;
    define(&admin, "account", "slogan", "text").await;
    let account = json!({ "kind": "business", "name": "Hopton", "custom": { "metres": "12.5", "slogan": "Near" } });
    let path = lin.post("/v1/accounts", account).await.expect(201).header("location");
    archive(&admin, metres, true).await;
    assert_eq!(lin.get(&path).await.expect(200).text("/custom/metres"), "12.5");
    assert_eq!(lin.get("/v1/accounts?custom=metres:12.50").await.expect(200).items().len(), 1);
    for change in [
        json!({ "custom": { "metres": "13" } }),
        json!({ "custom": { "metres": "" } }),
        json!({ "clear": ["custom.metres"] }),
    ] {
        let refused = lin.patch(&path, change).await.expect(422);
        assert_eq!(refused.problem().1, ["/custom/metres"]);
        assert!(refused.text("/detail").contains("archived"));
    }
    // Whoever sends back the whole record is not stopped by what he did not change.
    let whole = json!({ "custom": { "metres": "12.5", "slogan": "Nearer" } });
    assert_eq!(lin.patch(&path, whole).await.expect(200).text("/custom/slogan"), "Nearer");
    let other = json!({ "kind": "business", "name": "Other", "custom": { "metres": "12.5" } });
    lin.post("/v1/accounts", other.clone()).await.expect(422);
    archive(&admin, metres, false).await;
    lin.post("/v1/accounts", other).await.expect(201);

    // A choice that is none any more stays where it is, and is not taken anew.
    let format = define(&admin, "account", "format", "choice").await;
    lin.patch(&path, json!({ "custom": { "format": "corner" } })).await.expect(200);
    let mall = json!([{ "value": "mall", "names": { "en": "Mall", "zh": "商场" } }]);
    admin.patch(&format!("/v1/custom-fields/{format}"), json!({ "choices": mall })).await.expect(200);
    lin.patch(&path, json!({ "custom": { "format": "corner", "slogan": "Here" } })).await.expect(200);
    lin.patch(&path, json!({ "custom": { "format": "mall" } })).await.expect(200);
    lin.patch(&path, json!({ "custom": { "format": "corner" } })).await.expect(422);
}

#[tokio::test]
async fn lists_are_filtered_by_values() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    define_all(&admin).await;
    let mut made = Vec::new();
    for (metres, format, slogan) in [("12.5", "corner", "a:b"), ("12.5", "旗舰店", "c"), ("7", "corner", "a:b")] {
        let custom = json!({ "metres": metres, "format": format, "slogan": slogan });
        let account = json!({ "kind": "business", "name": metres, "custom": custom });
        made.push(lin.post("/v1/accounts", account).await.expect(201).id());
    }
    lin.account("Without").await;
    for (query, found) in [
        ("custom=metres:12.50", &made[..2]),
        ("custom=metres:12.5&custom=format:corner", &made[..1]),
        ("custom=slogan:a:b&kind=business", &[made[0], made[2]]),
        ("custom=slogan:none", &[]),
        ("custom=metres:7&custom=metres:7.0", &made[2..]),
    ] {
        let listed = lin.get(&format!("/v1/accounts?sort=createdAt&{query}")).await.expect(200);
        assert_eq!(listed.ids(), found, "{query}");
        assert_eq!(admin.get(&format!("/v1/accounts?sort=createdAt&{query}")).await.expect(200).ids(), found);
    }
    let page = lin.get("/v1/accounts?sort=createdAt&limit=1&custom=metres:12.5").await.expect(200);
    let next = format!("/v1/accounts?sort=createdAt&limit=1&custom=metres:12.5&cursor={}", page.text("/cursor"));
    assert_eq!(lin.get(&next).await.expect(200).ids(), made[1..2]);
    for query in ["metres", "colour:red", "metres:many", "metres:", "metres:1&custom=metres:2"] {
        let refused = lin.get(&format!("/v1/accounts?custom={query}")).await.expect(422);
        assert_eq!(refused.problem().1, ["custom"], "{query}");
    }
    lin.get(&format!("/v1/accounts?{}", ["custom=metres:1"; 11].join("&"))).await.expect(422);
    // The index can serve it.
    let sql = "SELECT indexdef FROM pg_indexes WHERE indexname = 'account_custom_idx'";
    let row =
        world.state.db.query_one_raw(Statement::from_string(DatabaseBackend::Postgres, sql)).await.expect("reads");
    let definition: String = row.expect("an index").try_get_by_index(0).expect("text");
    assert!(definition.contains("gin (custom jsonb_path_ops)"), "{definition}");
}

#[tokio::test]
async fn the_schema_tells_what_records_are_made_of() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    define_all(&admin).await;
    let gone = define(&admin, "contact", "gone", "text").await;
    archive(&admin, gone, true).await;
    let whole = lin.get("/v1/schema").await.expect(200);
    let kinds = whole.body["kinds"].as_array().expect("kinds");
    let field = |kind: &str, name: &str| -> Value {
        let fields =
            kinds.iter().find(|known| known["kind"] == kind).expect("a kind")["fields"].as_array().expect("fields");
        fields.iter().find(|field| field["name"] == name).unwrap_or_else(|| panic!("{kind} has no {name}")).clone()
    };
    let name = field("account", "name");
    assert_eq!(
        (&name["valueType"], &name["isRequired"], &name["maxLength"]),
        (&json!("text"), &json!(true), &json!(200))
    );
    let tier = field("account", "tier");
    assert_eq!((&tier["valueType"], &tier["isClearable"]), (&json!("choice"), &json!(true)));
    assert_eq!(tier["choices"][0], json!({ "value": "key" }));
    assert_eq!(field("opportunity", "stageSince")["writable"], "never");
    assert_eq!(field("account", "address.city")["valueType"], "text");
    for (key, value_type) in
        [("slogan", "text"), ("metres", "decimal"), ("opened", "date"), ("franchise", "flag"), ("format", "choice")]
    {
        let own = field("account", &format!("custom.{key}"));
        assert_eq!((&own["valueType"], &own["writable"]), (&json!(value_type), &json!("always")), "{own:#}");
        assert_eq!((&own["names"]["en"], &own["isRequired"]), (&json!(key), &json!(false)));
    }
    assert_eq!(field("account", "custom.format")["choices"][1]["value"], "旗舰店");
    let gone = field("contact", "custom.gone");
    assert_eq!((&gone["writable"], gone["archivedAt"].is_string()), (&json!("never"), true));
    // What can be created by it, can be: each field that is asked for is in it.
    let one = lin.get("/v1/schema?kind=contact").await.expect(200);
    let fields = one.body["kinds"][0]["fields"].as_array().expect("fields").clone();
    let asked: Vec<&str> =
        fields.iter().filter(|field| field["isRequired"] == true).filter_map(|field| field["name"].as_str()).collect();
    let account = lin.account("Hopton").await;
    let contact: serde_json::Map<String, Value> = asked
        .iter()
        .map(|name| ((*name).to_owned(), if *name == "accountId" { json!(account) } else { json!("Wang") }))
        .collect();
    lin.post("/v1/contacts", Value::Object(contact)).await.expect(201);
    lin.get("/v1/schema?kind=tenant").await.expect(400);
}

#[tokio::test]
async fn what_one_company_defines_is_nothing_to_another() {
    let (world, elsewhere) = (World::new().await, World::new().await);
    let (admin, mallory) = (world.admin().await, elsewhere.admin().await);
    let metres = define(&admin, "account", "metres", "number").await;
    mallory.get(&format!("/v1/custom-fields/{metres}")).await.expect(404);
    mallory.patch(&format!("/v1/custom-fields/{metres}"), json!({ "archived": true })).await.expect(404);
    assert_eq!(mallory.get("/v1/custom-fields").await.expect(200).items().len(), 0);
    assert!(!mallory.get("/v1/schema").await.expect(200).body.to_string().contains("custom.metres"));
    let rep = elsewhere.rep("Mo").await;
    let account = json!({ "kind": "business", "name": "Hopton", "custom": { "metres": "1" } });
    let refused = rep.post("/v1/accounts", account.clone()).await.expect(422);
    assert!(!refused.text("/detail").contains("metres,"), "{:#}", refused.body);
    rep.get("/v1/accounts?custom=metres:1").await.expect(422);
    // The same key is free there, and of another type.
    define(&mallory, "account", "metres", "flag").await;
    rep.post("/v1/accounts", account).await.expect(422);
    let taken = json!({ "id": metres, "recordKind": "contact", "key": "x", "valueType": "text", "names": { "en": "x", "zh": "x" } });
    mallory.post("/v1/custom-fields", taken.clone()).await.expect(201);
    assert_eq!(admin.post("/v1/custom-fields", taken).await.expect(409).problem().1, ["/id"]);
}
