//! How leads come in, who sees them, and what is found to be there already.

use serde_json::json;

use super::lead;
use crate::world::World;

#[tokio::test]
async fn those_who_lead_fill_the_pool_and_everybody_sees_it() {
    let world = World::new().await;
    let (lin, chen, admin) = (world.rep("Lin Wei").await, world.manager("Chen Hua").await, world.admin().await);
    let body =
        json!({ "name": "霍普光通信", "source": "fair", "region": "Shanghai", "industry": "optics", "employees": 120 });
    assert_eq!(lin.post("/v1/leads", body.clone()).await.expect(403).problem().0, "forbidden");
    let first = chen.post("/v1/leads", body).await.expect(201);
    assert_eq!((first.text("/status"), first.text("/contributorId")), ("pooled".into(), chen.id.to_string()));
    let second = lead(&admin, "Northwind", json!({ "region": "Beijing", "employees": 8 })).await;

    for who in [&lin, &chen, &admin] {
        assert_eq!(who.get("/v1/leads").await.expect(200).ids(), [second, first.id()]);
    }
    for (filter, expected) in [
        ("region=Shanghai", vec![first.id()]),
        ("industry=optics", vec![first.id()]),
        ("source=fair&sort=name", vec![second, first.id()]),
        ("employeesFrom=9", vec![first.id()]),
        ("employeesTo=8", vec![second]),
        ("status=claimed", vec![]),
        ("search=rthwi", vec![second]),
    ] {
        assert_eq!(lin.get(&format!("/v1/leads?{filter}")).await.expect(200).ids(), expected, "{filter}");
    }
    World::new().await.admin().await.get(&format!("/v1/leads/{second}")).await.expect(404);

    let path = format!("/v1/leads/{second}");
    assert_eq!(lin.patch(&path, json!({ "industry": "shoes" })).await.expect(403).problem().0, "forbidden");
    let changed = chen.patch(&path, json!({ "industry": "shoes", "clear": ["region"] })).await.expect(200);
    assert_eq!((changed.text("/industry"), changed.body.get("region")), ("shoes".into(), None));
    lin.delete(&path).await.expect(403);
    chen.delete(&path).await.expect(204);
    lin.get(&path).await.expect(404);
    let told = chen.post("/v1/leads", json!({ "name": " " })).await.expect(400);
    assert!(told.text("/detail").contains("name"), "{:#}", told.body);
}

#[tokio::test]
async fn what_is_there_already_is_found_and_nothing_is_dropped() {
    let world = World::new().await;
    let (lin, chen) = (world.rep("Lin Wei").await, world.manager("Chen Hua").await);
    let account = json!({ "kind": "business", "name": "霍普光通信有限公司", "phone": "021-5555 0100",
                          "creditCode": "91310000ma1fl0xx1a" });
    let account = lin.post("/v1/accounts", account).await.expect(201).id();
    let contact = json!({ "accountId": account, "name": "王芳", "email": "wang.fang@hopton.example" });
    let contact = lin.post("/v1/contacts", contact).await.expect(201).id();
    let known = lead(&chen, "Acme Optics Co., Ltd.", json!({ "phone": "+1 212 555 0199" })).await;

    let alike = async |body: serde_json::Value| {
        let made = chen.post("/v1/leads", body).await.expect(201);
        let records = made.body["likenesses"]["records"].as_array().expect("likenesses").clone();
        let found: Vec<(String, String, String)> = records
            .iter()
            .map(|r| {
                // Whom to ask about accounts and contacts; leads by their ids.
                let (names, hides) = if r["kind"] == "lead" { ("id", "ownerId") } else { ("ownerId", "id") };
                assert!(r.get(hides).is_none(), "{r}");
                (r["kind"].as_str().unwrap().into(), r[names].as_str().unwrap().into(), r["fields"].to_string())
            })
            .collect();
        (made.id(), found)
    };
    let named = |kind: &str, id: uuid::Uuid, fields: &str| (kind.to_owned(), id.to_string(), fields.to_owned());

    let (_, found) = alike(json!({ "name": "霍普光通信", "source": "fair" })).await;
    assert_eq!(found, [named("account", lin.id, r#"["name"]"#)]);
    let (phone, found) = alike(json!({ "name": "Quite another", "source": "fair", "phone": "+86 21 55550100" })).await;
    assert_eq!(found, [named("account", lin.id, r#"["phone"]"#)]);
    let (_, found) = alike(json!({ "name": "Other", "source": "fair", "creditCode": "91310000MA1FL0XX1A" })).await;
    assert_eq!(found, [named("account", lin.id, r#"["creditCode"]"#)]);
    let (mail, found) =
        alike(json!({ "name": "One more", "source": "fair", "email": "Wang.Fang@hopton.example" })).await;
    assert_eq!(found, [named("contact", lin.id, r#"["email"]"#)]);
    // Who may see them gets their ids; a colleague learns whom to ask, and no more.
    let stranger = world.rep("Bo Chen").await;
    for (lead, kind, id) in [(phone, "account", account), (mail, "contact", contact)] {
        let path = format!("/v1/leads/{lead}/likenesses");
        for who in [&lin, &chen] {
            let told = who.get(&path).await.expect(200).body["records"][0].clone();
            assert_eq!((&told["kind"], &told["id"]), (&json!(kind), &json!(id)), "{told}");
        }
        let told = stranger.get(&path).await.expect(200).body["records"][0].clone();
        assert_eq!((&told["kind"], told.get("id"), &told["ownerId"]), (&json!(kind), None, &json!(lin.id)), "{told}");
        assert!(
            !stranger.get(&format!("/v1/leads/{lead}")).await.expect(200).body.to_string().contains(&id.to_string())
        );
    }
    let (again, found) =
        alike(json!({ "name": "ACME Optics", "source": "web", "phone": "(212) 555-0199", "industry": "optics" })).await;
    assert_eq!(found, [named("lead", known, r#"["name","phone"]"#)]);
    let (_, found) = alike(json!({ "name": "Nobody we know", "source": "fair", "phone": "110" })).await;
    assert!(found.is_empty(), "{found:?}");

    // Where national numbers are shorter than ten digits.
    let hamburg =
        chen.post("/v1/accounts", json!({ "kind": "business", "name": "Elbe", "phone": "040 5550100" })).await;
    hamburg.expect(201);
    let (_, found) = alike(json!({ "name": "From the fair", "source": "fair", "phone": "+49 40 555 0100" })).await;
    assert_eq!(found, [named("account", chen.id, r#"["phone"]"#)]);

    // Merged into the one that was there, which gets what it lacked; linked to the account; both stay.
    let merged = chen.post(&format!("/v1/leads/{again}/merge"), json!({ "leadId": known })).await.expect(200);
    assert_eq!((merged.text("/status"), merged.text("/mergedIntoId")), ("merged".into(), known.to_string()));
    assert_eq!(chen.get(&format!("/v1/leads/{known}")).await.expect(200).text("/industry"), "optics");
    let linked = chen.post(&format!("/v1/leads/{phone}/merge"), json!({ "accountId": account })).await.expect(200);
    assert_eq!((linked.text("/status"), linked.text("/accountId")), ("merged".into(), account.to_string()));
    assert_eq!(lin.get("/v1/leads").await.expect(200).items().len(), 8);

    let path = format!("/v1/leads/{again}/merge");
    assert_eq!(chen.post(&path, json!({ "leadId": known })).await.expect(409).problem().0, "locked");
    let path = format!("/v1/leads/{known}/merge");
    for body in [json!({}), json!({ "leadId": known }), json!({ "leadId": known, "accountId": account })] {
        chen.post(&path, body).await.expect(422);
    }
    lin.post(&path, json!({ "accountId": account })).await.expect(403);

    // What is mended is compared again.
    let wrong = lead(&chen, "Mended later", json!({ "phone": "021 5555 0100" })).await;
    let mended = chen.patch(&format!("/v1/leads/{wrong}"), json!({ "phone": "021 5555 0999" })).await.expect(200);
    assert_eq!(mended.body["likenesses"]["records"], json!([]));
}
