//! `/v1/opportunities`: the pipeline, its refusals and its history.

use reqwest::Method;
use serde_json::json;

use crate::world::{Person, World};

async fn opportunity(who: &Person, name: &str) -> String {
    let account = who.account("Acme").await;
    let body = json!({ "accountId": account, "name": name });
    who.post("/v1/opportunities", body).await.expect(201).header("location")
}

#[tokio::test]
async fn a_sale_on_its_way_to_a_signature() {
    let world = World::new().await;
    let lin = world.rep("Lin Wei").await;
    let path = opportunity(&lin, "Optical fibre").await;
    let advance = format!("{path}/advance");

    // A refusal names each field that is missing on the whole way, and once.
    let refused = lin.post(&advance, json!({ "stage": "signed" })).await.expect(422);
    let (slug, mut fields) = refused.problem();
    fields.sort();
    assert_eq!(
        (slug.as_str(), fields),
        ("stage_refused", vec!["/amount".into(), "/currency".into(), "/signedOn".into()])
    );

    let to = json!({ "stage": "negotiation", "amount": "120000.00", "currency": "CNY" });
    let there = lin.post(&advance, to).await.expect(200);
    assert_eq!((there.text("/stage").as_str(), there.text("/amount").as_str()), ("negotiation", "120000.00"));
    let back = lin.post(&advance, json!({ "stage": "intent" })).await.expect(422);
    assert_eq!(back.problem().1, ["/reason"]);

    let signed = lin.post(&advance, json!({ "stage": "signed", "signedOn": "2026-03-02" })).await.expect(200);
    assert_eq!(signed.text("/signedOn"), "2026-03-02");
    assert_eq!(lin.patch(&path, json!({ "amount": "1.00" })).await.expect(409).problem().0, "locked");
    assert_eq!(lin.delete(&path).await.expect(409).problem().0, "locked");

    let chen = world.manager("Chen Hua").await;
    assert_eq!(chen.patch(&path, json!({ "amount": "130000" })).await.expect(422).problem().1, ["/reason"]);
    let mended = chen.patch(&path, json!({ "amount": "130000", "reason": "Typing error" })).await.expect(200);
    assert_eq!(mended.text("/amount"), "130000.00");
    assert_eq!(
        chen.patch(&path, json!({ "clear": ["amount"], "reason": "?" })).await.expect(422).problem().1,
        ["/amount"]
    );
    chen.delete(&path).await.expect(422);
    chen.delete(&format!("{path}?reason=Entered+twice")).await.expect(204);
    lin.get(&path).await.expect(404);
}

#[tokio::test]
async fn lost_and_reopened_where_it_was() {
    let world = World::new().await;
    let lin = world.rep("Lin Wei").await;
    let path = opportunity(&lin, "Optical fibre").await;
    let advance = format!("{path}/advance");
    lin.post(&advance, json!({ "stage": "pre_sale" })).await.expect(200);

    assert_eq!(lin.post(&advance, json!({ "stage": "lost" })).await.expect(422).problem().1, ["/lostReason"]);
    let other = lin.post(&advance, json!({ "stage": "lost", "lostReason": "other" })).await.expect(422);
    assert_eq!(other.problem().1, ["/lostNote"]);
    let told = json!({ "stage": "lost", "lostReason": "price", "lostNote": "5% 太贵" });
    let lost = lin.post(&advance, told).await.expect(200);
    assert_eq!((lost.text("/lostFrom"), lost.text("/lostNote")), ("pre_sale".into(), "5% 太贵".into()));

    let again = json!({ "stage": "intent", "reason": "They called" });
    assert_eq!(lin.post(&advance, again).await.expect(422).problem().1, ["/stage"]);
    let again = json!({ "stage": "pre_sale", "reason": "They called" });
    let reopened = lin.post(&advance, again).await.expect(200);
    assert_eq!((reopened.body.get("lostReason"), reopened.body.get("lostNote")), (None, None));

    let moves = lin.get(&format!("{path}/moves")).await.expect(200);
    assert_eq!(moves.each("toStage"), ["intent", "pre_sale", "lost", "pre_sale"]);
    assert_eq!(moves.items()[3]["reason"], "They called");
    assert_eq!(moves.items()[1]["probability"], 30);
    // What was said about the loss outlives it, for REST and for phones.
    assert_eq!(moves.items()[2]["lostNote"], "5% 太贵");
    let pulled = lin.get("/v1/sync/changes").await.expect(200);
    let changes = pulled.body["changes"].as_array().expect("changes");
    assert!(changes.iter().any(|change| change["stageMove"]["lostNote"] == "5% 太贵"), "{:#}", pulled.body);
    let stranger = world.rep("Zhao Min").await;
    stranger.get(&format!("{path}/moves")).await.expect(404);
    stranger.post(&advance, json!({ "stage": "negotiation" })).await.expect(404);
}

#[tokio::test]
async fn nothing_is_signed_on_a_day_to_come() {
    let world = World::new().await;
    let (lin, chen) = (world.rep("Lin Wei").await, world.manager("Chen Hua").await);
    let path = opportunity(&lin, "Optical fibre").await;
    let signed = |on: &str| json!({ "stage": "signed", "signedOn": on, "amount": "5", "currency": "CNY" });
    let today = world.state.clock.now().0.with_timezone(&chrono_tz::Asia::Shanghai).date_naive();
    let tomorrow = (today + chrono::Days::new(1)).to_string();
    for day in [tomorrow.as_str(), "2099-01-01"] {
        let refused = lin.post(&format!("{path}/advance"), signed(day)).await.expect(422);
        assert_eq!(refused.problem().1, ["/signedOn"]);
        assert!(refused.text("/detail").contains("expectedOn"));
        assert_eq!(lin.patch(&path, json!({ "signedOn": day })).await.expect(422).problem().1, ["/signedOn"]);
        let new = json!({ "name": "Another", "signedOn": day });
        assert_eq!(lin.post("/v1/opportunities", new).await.expect(422).problem().1, ["/signedOn"]);
    }
    lin.post(&format!("{path}/advance"), signed(&today.to_string())).await.expect(200);
    // What stands may be changed in other fields, and only to a day that has come.
    let later = json!({ "signedOn": tomorrow, "reason": "Typing error" });
    assert_eq!(chen.patch(&path, later).await.expect(422).problem().1, ["/signedOn"]);
    chen.patch(&path, json!({ "signedOn": "2026-01-01", "reason": "Typing error" })).await.expect(200);
}

#[tokio::test]
async fn a_repeated_move_is_made_once() {
    let world = World::new().await;
    let lin = world.rep("Lin Wei").await;
    let (one, two) = (opportunity(&lin, "One").await, opportunity(&lin, "Two").await);
    let advance = async |path: &str| {
        let body = json!({ "stage": "pre_sale" });
        lin.send(Method::POST, &format!("{path}/advance"), Some(body), &[("Idempotency-Key", "k")]).await
    };
    let first = advance(&one).await.expect(200);
    assert_eq!(advance(&one).await.expect(200).body, first.body);
    assert_eq!(lin.get(&format!("{one}/moves")).await.items().len(), 2);
    // The same key for another opportunity is not the same request.
    assert_eq!(advance(&two).await.expect(409).problem().0, "idempotency_key_reused");
    assert_eq!(lin.get(&two).await.text("/stage"), "intent");
}

#[tokio::test]
async fn without_an_account_only_its_owner_sees_it() {
    let world = World::new().await;
    let (lin, zhao, chen) = (world.rep("Lin Wei").await, world.rep("Zhao Min").await, world.manager("Chen Hua").await);
    let created = lin.post("/v1/opportunities", json!({ "name": "A lead from the fair" })).await.expect(201);
    let path = created.header("location");
    zhao.get(&path).await.expect(404);
    chen.get(&path).await.expect(200);
    assert_eq!(lin.get(&format!("{path}/moves")).await.items().len(), 1);

    // With an account it is seen by who works that, history and all.
    let account = lin.account("Acme").await;
    lin.put(&format!("/v1/accounts/{account}/members/{}", zhao.id), json!({ "role": "member" })).await.expect(200);
    lin.patch(&path, json!({ "accountId": account })).await.expect(200);
    zhao.get(&path).await.expect(200);
    assert_eq!(zhao.get(&format!("{path}/moves")).await.items().len(), 1);
}

#[tokio::test]
async fn the_pipeline_can_be_asked() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    let product = admin.post("/v1/products", json!({ "name": "GTX" })).await.expect(201).id();
    let mut ids = Vec::new();
    for (name, amount, expected) in
        [("a", Some("50"), Some("2026-05-01")), ("b", Some("9.5"), None), ("c", None, Some("2026-04-01"))]
    {
        let body = json!({ "name": name, "amount": amount, "currency": "CNY", "expectedOn": expected,
                           "productId": product, "source": "fair" });
        ids.push(lin.post("/v1/opportunities", body).await.expect(201).id());
    }
    let [a, b, c] = ids[..] else { panic!("three") };
    for (query, found) in [
        ("sort=amount", vec![c, b, a]),
        ("sort=-amount", vec![a, b, c]),
        ("sort=expectedOn", vec![c, a, b]),
        ("sort=expectedOn&expectedFrom=2026-04-02", vec![a]),
        ("amountFrom=10", vec![a]),
        ("search=b", vec![b]),
        ("stage=signed", vec![]),
    ] {
        assert_eq!(lin.get(&format!("/v1/opportunities?{query}")).await.expect(200).ids(), found, "{query}");
    }
    // Pages go on across rows that have no value to be sorted by.
    let first = lin.get("/v1/opportunities?sort=expectedOn&limit=2").await;
    let rest = lin.get(&format!("/v1/opportunities?sort=expectedOn&limit=2&cursor={}", first.text("/cursor"))).await;
    assert_eq!((first.ids(), rest.expect(200).ids()), (vec![c, a], vec![b]));
    assert_eq!(lin.get(&format!("/v1/opportunities?productId={product}&source=fair")).await.ids().len(), 3);
}

#[tokio::test]
async fn an_admin_says_what_a_stage_asks_for() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    let stages = lin.get("/v1/stages").await.expect(200);
    assert_eq!(stages.each("stage"), ["intent", "pre_sale", "negotiation", "signed", "lost"]);
    let stage = |at: usize| format!("/v1/stages/{}", stages.ids()[at]);

    lin.patch(&stage(1), json!({ "requiredFields": ["source"] })).await.expect(403);
    admin.patch(&stage(1), json!({ "requiredFields": ["source"], "staleDays": 7 })).await.expect(200);
    let path = opportunity(&lin, "Optical fibre").await;
    let refused = lin.post(&format!("{path}/advance"), json!({ "stage": "pre_sale" })).await.expect(422);
    assert_eq!(refused.problem().1, ["/source"]);
    lin.patch(&path, json!({ "source": "fair" })).await.expect(200);
    lin.post(&format!("{path}/advance"), json!({ "stage": "pre_sale" })).await.expect(200);

    for (at, body, status, fields) in [
        (1, json!({ "requiredFields": ["colour"] }), 422, vec!["/requiredFields/0"]),
        (4, json!({ "requiredFields": ["amount"] }), 422, vec!["/requiredFields/0"]),
        (3, json!({ "probability": 90 }), 422, vec!["/probability"]),
        (0, json!({ "probability": 101 }), 400, vec!["/probability"]),
        (0, json!({ "clear": ["names"] }), 422, vec!["/clear/0"]),
    ] {
        assert_eq!(admin.patch(&stage(at), body).await.expect(status).problem().1, fields);
    }
}
