//! Leads that are given by region and load.

use entity::kind::GrantPolicy;
use serde_json::json;

use super::{lead, rights, rules};
use crate::world::World;

async fn run(world: &World) -> usize {
    waypost::lead::automatic::run_in(&world.state, world.tenant_id).await.expect("runs")
}

#[tokio::test]
async fn each_goes_to_who_works_its_region_and_holds_the_fewest() {
    let world = World::new().await;
    let (lin, zhao, wu) = (world.rep("Lin Wei").await, world.rep("Zhao Min").await, world.rep("Wu Jun").await);
    let (chen, admin) = (world.manager("Chen Hua").await, world.admin().await);
    let territory = |region: &str, user: &crate::world::Person| json!({ "region": region, "userId": user.id });
    let wanted = json!({ "territories": [territory("Shanghai", &lin), territory("Shanghai", &zhao), territory("Beijing", &wu)] });
    chen.put("/v1/territories", wanted.clone()).await.expect(403);
    let refused = admin.put("/v1/territories", json!({ "territories": [territory("Shanghai", &admin)] })).await;
    assert_eq!(refused.expect(422).problem().1, ["/territories/0/userId"]);
    admin.put("/v1/territories", wanted.clone()).await.expect(200);
    let set = admin.put("/v1/territories", wanted).await.expect(200);
    assert_eq!(set.body["territories"].as_array().map(Vec::len), Some(3));
    assert_eq!(lin.get("/v1/territories").await.expect(200).body, set.body);

    let region = |name: &str| json!({ "region": name });
    lead(&chen, "Held by Lin", json!({ "ownerId": lin.id })).await;
    let first = lead(&chen, "Alpha", region("Shanghai")).await;
    assert_eq!(run(&world).await, 0, "not the tenant's policy");
    rules(&world, |rules| (rules.policies, rules.capacity) = (vec![GrantPolicy::Automatic], 2)).await;
    let second = lead(&chen, "Bravo foods", region("Shanghai")).await;
    let third = lead(&chen, "Charlie shoes", region("Beijing")).await;
    let nowhere = lead(&chen, "Delta", region("Lhasa")).await;
    let twice = lead(&chen, "Echo", json!({ "region": "Beijing", "phone": "021 5555 0100" })).await;
    let known = lead(&chen, "Foxtrot", json!({ "region": "Lhasa", "phone": "021 5555 0100" })).await;
    chen.patch(&format!("/v1/leads/{twice}"), json!({ "phone": "021 5555 0100", "name": "Echo" })).await.expect(200);

    assert_eq!(run(&world).await, 3);
    assert_eq!(run(&world).await, 0);
    let owner = async |id: uuid::Uuid| chen.get(&format!("/v1/leads/{id}")).await.expect(200).body["ownerId"].clone();
    assert_eq!(owner(first).await, json!(zhao.id), "Lin held one already");
    assert!(owner(second).await == json!(lin.id) || owner(second).await == json!(zhao.id));
    assert_eq!(owner(third).await, json!(wu.id));
    for waiting in [nowhere, twice, known] {
        assert_eq!(owner(waiting).await, json!(null), "nobody works there, or it is there twice");
    }
    assert_eq!(rights(&wu).await, 0);
    let entries = wu.get(&format!("/v1/points/entries?sourceId={third}")).await.expect(200);
    assert!(entries.items()[0]["explanation"]["en"].as_str().is_some_and(|text| text.contains("your region Beijing")));

    // Nobody gets more than he may hold; a region whose people are full keeps nobody else waiting.
    for name in ["Golf", "Hotel clothes", "India paints", "Juliet"] {
        lead(&chen, name, region("Shanghai")).await;
    }
    let last = lead(&chen, "Kilo machines", region("Beijing")).await;
    assert_eq!(run(&world).await, 2, "one place in Shanghai, one in Beijing");
    assert_eq!(owner(last).await, json!(wu.id));
    world.audit().await;
}
