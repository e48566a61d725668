//! `/v1/teams`: a tree with one top.

use entity::kind::Role;
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn teams_stay_a_tree() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    let north = world.team(&admin, "North").await;
    let city = admin.post("/v1/teams", json!({ "name": "City", "parentId": north })).await.expect(201).id();
    let path = |id| format!("/v1/teams/{id}");
    assert_eq!(lin.get(&path(north)).await.expect(200).text("/parentId"), world.top_team.to_string());
    lin.post("/v1/teams", json!({ "name": "Mine" })).await.expect(403);

    for (team, parent) in [(north, city), (north, north), (world.top_team, city), (city, lin.id)] {
        let refused = admin.patch(&path(team), json!({ "parentId": parent })).await.expect(422);
        assert_eq!(refused.problem().1, ["/parentId"]);
    }
    // Two moves that together would make a circle: one of them is refused.
    let east = world.team(&admin, "East").await;
    let (to_east, to_north) = (json!({ "parentId": east }), json!({ "parentId": north }));
    let (one, other) = (path(north), path(east));
    let (one, other) = tokio::join!(admin.patch(&one, to_east), admin.patch(&other, to_north));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 422]);
}

#[tokio::test]
async fn a_team_in_use_stays() {
    let world = World::new().await;
    let admin = world.admin().await;
    let north = world.team(&admin, "North").await;
    let path = format!("/v1/teams/{north}");
    let city = admin.post("/v1/teams", json!({ "name": "City", "parentId": north })).await.expect(201);
    admin.delete(&path).await.expect(409);
    admin.delete(&city.header("location")).await.expect(204);
    let lin = world.user(Role::Rep, "Lin Wei", north).await;
    admin.delete(&path).await.expect(409);
    admin.patch(&format!("/v1/users/{}", lin.id), json!({ "teamId": world.top_team })).await.expect(200);
    admin.delete(&path).await.expect(204);
    admin.get(&path).await.expect(404);
    admin.delete(&format!("/v1/teams/{}", world.top_team)).await.expect(409);
}
