//! `/v1/leaderboards`.

use chrono::Duration;
use entity::kind::Role;
use serde_json::{Value, json};

use super::{note, set_rules};
use crate::world::{Answer, World, start};

fn places(board: &Answer) -> Value {
    let places = board.body["places"].as_array().expect("places");
    json!(places.iter().map(|p| json!([p["rank"], p["name"], p["points"]])).collect::<Vec<_>>())
}

#[tokio::test]
async fn the_best_come_first_and_equals_share_a_rank() {
    let world = World::new().await;
    let (lin, zhao, wu) = (world.rep("Lin Wei").await, world.rep("Zhao Min").await, world.rep("Wu Jie").await);
    let (bai, chen, ada) = (world.rep("Bai Yu").await, world.manager("Chen Hua").await, world.admin().await);
    for (who, late) in [(&lin, 0), (&zhao, 3), (&wu, 3), (&bai, 100)] {
        note(who, who.account("Acme").await, Duration::hours(late)).await;
    }
    let expected =
        json!([[1, "Lin Wei", "10.00"], [2, "Wu Jie", "6.00"], [2, "Zhao Min", "6.00"], [4, "Bai Yu", "0.00"]]);
    for who in [&lin, &chen] {
        let board = who.get("/v1/leaderboards").await.expect(200);
        assert_eq!(places(&board), expected);
        assert_eq!((board.text("/from"), board.text("/to")), ("2026-03-01".into(), "2026-03-02".into()));
    }
    // What is paid out was earned all the same.
    ada.post("/v1/points/payouts", json!({ "userId": lin.id, "points": "10.00" })).await.expect(201);
    assert_eq!(places(&lin.get("/v1/leaderboards").await), expected);
    // By the day of the work.
    let before = lin.get("/v1/leaderboards?from=2026-02-01&to=2026-02-28").await.expect(200);
    // Bai's fine of March is about work of February.
    assert_eq!(places(&before)[3], json!([4, "Bai Yu", "-5.00"]));
    for (query, field) in [("from=2026-03-02&to=2026-03-01", "from"), ("from=2020-01-01", "from")] {
        assert_eq!(lin.get(&format!("/v1/leaderboards?{query}")).await.expect(422).problem().1, [field]);
    }
}

#[tokio::test]
async fn where_the_rules_say_so_a_rep_sees_his_own_place_only() {
    let world = World::new().await;
    set_rules(&world, json!({ "leaderboard": "own_rank" })).await;
    let (lin, zhao, chen) = (world.rep("Lin Wei").await, world.rep("Zhao Min").await, world.manager("Chen Hua").await);
    note(&lin, lin.account("Acme").await, Duration::zero()).await;
    let board = zhao.get("/v1/leaderboards").await.expect(200);
    assert_eq!(places(&board), json!([[2, "Zhao Min", "0.00"]]));
    assert_eq!(board.body["participants"], 2);
    assert!(!board.body.to_string().contains("Lin Wei"));
    assert_eq!(places(&chen.get("/v1/leaderboards").await).as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_team_is_compared_by_who_is_in_it_or_leads_it() {
    let world = World::new().await;
    let ada = world.admin().await;
    let (north, south) = (world.team(&ada, "North").await, world.team(&ada, "South").await);
    let lin = world.user(Role::Rep, "Lin Wei", north).await;
    let nina = world.user(Role::Manager, "Nina", north).await;
    let (sam, chen) = (world.user(Role::Rep, "Sam", south).await, world.manager("Chen Hua").await);
    let of = |team| format!("/v1/leaderboards?teamId={team}");
    assert_eq!(places(&lin.get(&of(north)).await.expect(200)), json!([[1, "Lin Wei", "0.00"]]));
    sam.get(&of(north)).await.expect(403);
    nina.get(&of(south)).await.expect(403);
    lin.get(&of(world.top_team)).await.expect(403);
    assert_eq!(places(&chen.get(&of(world.top_team)).await.expect(200)).as_array().map(Vec::len), Some(2));
    ada.get(&of(south)).await.expect(200);
    World::new().await.admin().await.get(&of(south)).await.expect(404);
}

#[tokio::test]
async fn a_streak_is_of_working_days_with_everything_in_time() {
    let world = World::new().await;
    let lin = world.rep("Lin Wei").await;
    let account = lin.account("Acme").await;
    let streak = async || {
        let board = lin.get("/v1/leaderboards").await.expect(200);
        (board.body["places"][0]["streak"].as_i64(), board.body["places"][0]["bestStreak"].as_i64())
    };
    assert_eq!(streak().await, (Some(0), Some(0)));
    // Monday to Wednesday, and the Saturday, which is free.
    for day in [0, 1, 2, 5] {
        world.state.clock.set(start() + Duration::days(day));
        let body =
            json!({ "accountId": account, "kind": "note", "occurred": lin.now().to_rfc3339(), "summary": "Talked" });
        lin.post("/v1/activities", body).await.expect(201);
    }
    assert_eq!(streak().await, (Some(3), Some(3)));
    // Friday's is entered too late.
    let friday = start() + Duration::days(4);
    world.state.clock.set(start() + Duration::days(9));
    let body = json!({ "accountId": account, "kind": "note", "occurred": friday.to_rfc3339(), "summary": "Talked" });
    let late = lin.post("/v1/activities", body).await.expect(201).id();
    assert_eq!(streak().await, (Some(0), Some(3)));
    lin.delete(&format!("/v1/activities/{late}")).await.expect(204);
    assert_eq!(streak().await, (Some(3), Some(3)));
}
