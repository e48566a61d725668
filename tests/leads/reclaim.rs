//! An account that nobody works goes back into the pool, and to whoever picks it.

use serde_json::json;

use super::renew;
use crate::world::World;

#[tokio::test]
async fn an_account_goes_back_and_to_somebody_else() {
    let world = World::new().await;
    let (lin, zhao, chen) = (world.rep("Lin Wei").await, world.rep("Zhao Min").await, world.manager("Chen Hua").await);
    renew(&world).await;
    let body = json!({ "kind": "business", "name": "霍普光通信", "phone": "021 5555 0100", "industry": "optics" });
    let account = lin.post("/v1/accounts", body).await.expect(201).id();
    let body = json!({ "accountId": account, "name": "Fibre" });
    let opportunity = lin.post("/v1/opportunities", body).await.expect(201).id();
    let plan = json!({ "accountId": account, "plannedOn": "2026-03-09" });
    let plan = lin.post("/v1/plans", plan).await.expect(201).id();

    let path = format!("/v1/accounts/{account}/reclaim");
    lin.post(&path, json!({ "reason": "I want it back in" })).await.expect(403);
    zhao.post(&path, json!({ "reason": "Mine" })).await.expect(404);
    let admin = world.admin().await;
    assert_eq!(admin.post(&path, json!({ "reason": "Idle" })).await.expect(422).problem().1, ["/keeperId"]);
    let lead = chen.post(&path, json!({ "reason": "Idle since autumn" })).await.expect(201);
    assert_eq!((lead.text("/status"), lead.text("/source")), ("pooled".into(), "reclaimed".into()));
    assert_eq!((lead.text("/contributorId"), lead.text("/accountId")), (lin.id.to_string(), account.to_string()));
    assert_eq!(lead.text("/industry"), "optics");
    chen.post(&path, json!({ "reason": "Twice" })).await.expect(409);

    // The former owner loses it with what is open under it, and may not pick it at once.
    lin.get(&format!("/v1/accounts/{account}")).await.expect(404);
    for path in [format!("/v1/opportunities/{opportunity}"), format!("/v1/plans/{plan}")] {
        assert_eq!(chen.get(&path).await.expect(200).text("/ownerId"), chen.id.to_string());
    }
    let claim = format!("/v1/leads/{}/claim", lead.id());
    assert_eq!(lin.post(&claim, json!({})).await.expect(409).problem().0, "locked");

    // Whoever picks and converts it gets the account as it is.
    zhao.post(&claim, json!({})).await.expect(200);
    zhao.get(&format!("/v1/accounts/{account}")).await.expect(404);
    let body = json!({ "opportunityName": "A second try" });
    let done = zhao.post(&format!("/v1/leads/{}/convert", lead.id()), body).await.expect(200);
    assert_eq!(done.text("/accountId"), account.to_string());
    let kept = zhao.get(&format!("/v1/accounts/{account}")).await.expect(200);
    assert_eq!(kept.text("/ownerId"), zhao.id.to_string());
    let second = zhao.get(&format!("/v1/opportunities/{}", done.text("/opportunityId"))).await.expect(200);
    assert_eq!((second.text("/source"), second.text("/accountId")), ("reclaimed".into(), account.to_string()));
    zhao.get(&format!("/v1/opportunities/{opportunity}")).await.expect(200);
    world.audit().await;
}
