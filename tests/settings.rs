//! What an admin sets is remembered by each server, and still holds on all of them from the next write on.

use serde_json::{Value, json};
use waypost::state::State;

use crate::world::{Person, World, identity};

async fn visit(who: &Person, account: &Value) -> Value {
    let body = json!({ "kind": "visit", "accountId": account, "occurred": "2026-03-01T20:00:00Z" });
    let id = who.post("/v1/activities", body).await.expect(201).id();
    let entries = who.get("/v1/points/entries").await.expect(200);
    entries.items().iter().find(|entry| entry["sourceId"] == json!(id)).expect("it earned something")["day"].clone()
}

#[tokio::test]
async fn what_is_set_on_one_server_holds_at_once_on_another() {
    let world = World::new().await;
    let other = world.served_by(State::new(world.state.db.clone(), world.state.clock.clone(), identity())).await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    let there = other.person(lin.id);
    let account = json!(lin.account("Hopton").await);
    let stages = admin.get("/v1/stages").await.expect(200);
    let pre_sale = format!("/v1/stages/{}", stages.ids()[1]);

    let make = async |name: &str, custom: Value| {
        there.post("/v1/opportunities", json!({ "accountId": account, "name": name, "custom": custom })).await
    };
    let advance = async |path: &str| there.post(&format!("{path}/advance"), json!({ "stage": "pre_sale" })).await;
    let (one, two, three) = (
        make("Switches", json!({})).await.expect(201).header("location"),
        make("Routers", json!({})).await.expect(201).header("location"),
        make("Cables", json!({})).await.expect(201).header("location"),
    );

    // Both servers have judged by the settings as they were.
    advance(&one).await.expect(200);
    assert_eq!(make("Fans", json!({ "colour": "red" })).await.expect(422).problem().1, ["/custom/colour"]);
    assert_eq!(visit(&there, &account).await, "2026-03-02", "four in the morning in Shanghai");

    admin.patch(&pre_sale, json!({ "requiredFields": ["source"] })).await.expect(200);
    assert_eq!(advance(&two).await.expect(422).problem().1, ["/source"]);
    admin.patch(&pre_sale, json!({ "requiredFields": [] })).await.expect(200);
    advance(&two).await.expect(200);

    let names = json!({ "en": "Colour", "zh": "颜色" });
    let field = json!({ "recordKind": "opportunity", "key": "colour", "valueType": "text", "names": names });
    admin.post("/v1/custom-fields", field).await.expect(201);
    make("Fans", json!({ "colour": "red" })).await.expect(201);

    admin.patch("/v1/tenant", json!({ "timeZone": "UTC" })).await.expect(200);
    assert_eq!(visit(&there, &account).await, "2026-03-01", "eight in the evening in London");

    // What was refused on one server left nothing behind that the other would judge by.
    admin.patch(&pre_sale, json!({ "requiredFields": ["colour"] })).await.expect(422);
    advance(&three).await.expect(200);
    world.audit().await;
}
