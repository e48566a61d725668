//! The company's own fields in imports and exports.

use reqwest::Method;
use serde_json::{Value, json};

use super::{archive, define, define_all};
use crate::import::jobs::{Part, counts, ended, refused, send};
use crate::world::{Person, World};

async fn export(person: &Person, query: &str) -> String {
    let answer = person.request(Method::GET, &format!("/v1/exports?{query}")).await.send().await.expect("an answer");
    assert_eq!(answer.status(), 200, "{query}");
    answer.text().await.expect("a whole body")
}

async fn import(world: &World, person: &Person, parts: &[Part<'_>]) -> Value {
    let sent = send(person, parts, &[]).await.expect(202).id();
    ended(world, person, sent).await.body
}

#[tokio::test]
async fn a_mapping_fills_them_and_rows_are_refused_by_name() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    define_all(&admin).await;
    define(&admin, "opportunity", "rival", "text").await;
    lin.account("Seed").await;
    let mapping = r#"
[[file]]
path = "shops.csv"
kind = "account"
dates = ["%d.%m.%Y"]
translate = { "Form" = { "Eckladen" = "corner" } }
[file.fields]
externalId = "No"
name = "Shop"
kind = { value = "business" }
ownerId = { value = "Lin Wei", by = "name" }
"custom.metres" = "Metres"
"custom.opened" = "Opened"
"custom.format" = "Form"
"custom.slogan" = { template = "{Shop}![ {Metres} m]" }

[[file]]
path = "deals.csv"
kind = "opportunity"
[file.fields]
externalId = "No"
name = "Deal"
ownerId = { value = "Lin Wei", by = "name" }
accountId = "Shop"
"custom.rival" = { column = "Rival", default = "none" }
"#;
    let shops = "No,Shop,Metres,Opened,Form\n1,Hopton,12.50,02.03.2026,Eckladen\n2,Seaside,,,\n3,Broken,many,02.03.2026,Mall\n4,Late,1,2026/03/02,\n";
    let deals = "No,Deal,Shop,Rival\n1,Switches,1,Acme\n2,Routers,1,\n";
    let parts = [
        Part::Text("mapping", mapping),
        Part::File("shops.csv", shops.as_bytes()),
        Part::File("deals.csv", deals.as_bytes()),
    ];
    let done = import(&world, &admin, &parts).await;
    assert_eq!((done["status"].as_str(), counts(&done)), (Some("done"), [4, 0, 0, 0, 2]), "{done:#}");
    let id = done["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    let told = refused(&admin, id, "").await;
    for reason in [
        "custom/metres: Must be a decimal",
        "custom/format: Must be one of corner",
        "custom.opened `2026/03/02`: is no day",
    ] {
        assert!(told.contains(reason), "{reason}: {told}");
    }
    let shop = lin.get("/v1/accounts?externalId=1").await.expect(200);
    let custom = json!({ "metres": "12.5", "opened": "2026-03-02", "format": "corner", "slogan": "Hopton! 12.50 m" });
    assert_eq!(shop.items()[0]["custom"], custom);
    assert_eq!(
        lin.get("/v1/accounts?externalId=2").await.expect(200).items()[0]["custom"],
        json!({ "slogan": "Seaside!" })
    );
    assert_eq!(lin.get("/v1/opportunities?custom=rival:Acme").await.expect(200).items().len(), 1);
    assert_eq!(lin.get("/v1/opportunities?custom=rival:none").await.expect(200).items().len(), 1);

    // A later file changes what it names, and leaves the rest.
    let again = "No,Shop,Metres,Opened,Form\n1,Hopton,13,,\n";
    let parts = [
        Part::Text("mapping", mapping),
        Part::File("shops.csv", again.as_bytes()),
        Part::File("deals.csv", deals.as_bytes()),
    ];
    let done = import(&world, &admin, &parts).await;
    assert_eq!(counts(&done), [0, 1, 2, 0, 0], "{done:#}");
    let shop = lin.get("/v1/accounts?externalId=1").await.expect(200);
    let custom = json!({ "metres": "13", "opened": "2026-03-02", "format": "corner", "slogan": "Hopton! 13 m" });
    assert_eq!(shop.items()[0]["custom"], custom);

    // Spelled in another way it is the same, also where the field was archived since.
    let fields = admin.get("/v1/custom-fields").await.expect(200);
    let metres = fields.items().iter().position(|field| field["key"] == "metres").expect("it is defined");
    let metres = fields.ids()[metres];
    let path = format!("/v1/accounts/{}", shop.ids()[0]);
    for archived in [false, true] {
        archive(&admin, metres, archived).await;
        let row = format!("1,Hopton,business,{},013.00", lin.id);
        let spelled = format!("externalId,name,kind,ownerId,custom.metres\n{row}\n");
        let parts = [Part::Text("kind", "account"), Part::File("a.csv", spelled.as_bytes())];
        let before = lin.get(&path).await.expect(200).body;
        let done = import(&world, &admin, &parts).await;
        assert_eq!(counts(&done), [0, 0, 1, 0, 0], "{done:#}");
        assert_eq!(lin.get(&path).await.expect(200).body, before);
    }
}

#[tokio::test]
async fn a_mapping_to_a_field_that_is_not_there_writes_nothing() {
    let world = World::new().await;
    let (admin, _) = (world.admin().await, world.rep("Lin Wei").await);
    define(&admin, "contact", "metres", "number").await;
    let file = "externalId,name,kind,ownerId,custom.metres\n1,Hopton,business,Lin Wei,1\n";
    let done = import(&world, &admin, &[Part::Text("kind", "account"), Part::File("a.csv", file.as_bytes())]).await;
    assert_eq!(done["status"], "failed", "{done:#}");
    let told = done["error"].as_str().expect("an error");
    assert!(told.contains("fields.custom.metres") && told.contains("administrator defines"), "{told}");
    assert_eq!(admin.get("/v1/accounts").await.expect(200).items().len(), 0);
    // What can be no key, and kinds that have none, are refused when the file is sent or looked at.
    for (kind, column) in [("account", "custom.a-b"), ("product", "custom.metres")] {
        let mapping = format!(
            "[[file]]\npath = \"a.csv\"\nkind = \"{kind}\"\n[file.fields]\nexternalId = \"externalId\"\nname = \"name\"\n\"{column}\" = \"x\"\n"
        );
        let refused =
            send(&admin, &[Part::Text("mapping", &mapping), Part::File("a.csv", b"x")], &[]).await.expect(422);
        assert!(refused.text("/detail").contains(column), "{:#}", refused.body);
    }
}

#[tokio::test]
async fn an_export_has_a_column_each_and_can_be_imported_again() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    lin.account("Without").await;
    assert!(!export(&admin, "kind=account").await.contains("custom"), "nothing is defined yet");
    let metres = define(&admin, "account", "metres", "number").await;
    define(&admin, "account", "slogan", "text").await;
    let custom = json!({ "metres": "-12.5", "slogan": "=1+1,\n\"x\"" });
    let account = json!({ "kind": "business", "name": "Hopton", "externalId": "H", "custom": custom });
    lin.post("/v1/accounts", account).await.expect(201);
    archive(&admin, metres, true).await;

    let table = export(&admin, "kind=account").await;
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let headers = reader.headers().expect("a first row").clone();
    assert_eq!(headers.iter().rev().take(2).collect::<Vec<_>>(), ["custom.slogan", "custom.metres"]);
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    let ends: Vec<(&str, &str)> = rows.iter().map(|row| (&row[row.len() - 2], &row[row.len() - 1])).collect();
    assert_eq!(ends, [("", ""), ("-12.5", "'=1+1,\n\"x\"")]);
    let lines = export(&admin, "kind=account&format=ndjson").await;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((&lines[0]["custom"], &lines[1]["custom"]), (&Value::Null, &custom));

    // Where it came from, nothing differs, not even what is archived.
    for (form, text) in [("csv", table.clone()), ("ndjson", export(&admin, "kind=account&format=ndjson").await)] {
        let done =
            import(&world, &admin, &[Part::Text("kind", "account"), Part::File("export", text.as_bytes())]).await;
        assert_eq!((done["status"].as_str(), counts(&done)), (Some("done"), [0, 0, 2, 0, 0]), "{form}: {done:#}");
    }
}
