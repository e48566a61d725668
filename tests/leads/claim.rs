//! Picking: what it takes, what it costs, and that nobody pays for what he did not get.

use chrono::Duration;
use entity::kind::Role;
use futures_util::future::join_all;
use serde_json::json;

use super::{lead, renew, rights, rules};
use crate::world::World;

#[tokio::test]
async fn a_pick_takes_the_lead_and_one_right() {
    let world = World::new().await;
    let (lin, zhao, chen) = (world.rep("Lin Wei").await, world.rep("Zhao Min").await, world.manager("Chen Hua").await);
    let id = lead(&chen, "Acme", json!({})).await;
    let claim = format!("/v1/leads/{id}/claim");
    let (slug, _) = lin.post(&claim, json!({})).await.expect(409).problem();
    assert_eq!(slug, "balance_too_low", "without a right nobody picks");
    assert_eq!(zhao.get(&format!("/v1/leads/{id}")).await.expect(200).text("/status"), "pooled");

    renew(&world).await;
    assert_eq!(rights(&lin).await, 25);
    let taken = lin.post(&claim, json!({})).await.expect(200);
    assert_eq!((taken.text("/status"), taken.text("/ownerId")), ("claimed".into(), lin.id.to_string()));
    // Five working days from a Monday are the next Monday.
    assert_eq!(taken.text("/dueOn"), "2026-03-09");
    assert_eq!(rights(&lin).await, 24);
    let entries = lin.get(&format!("/v1/points/entries?sourceId={id}")).await.expect(200);
    assert_eq!(entries.each("kind"), ["claim"]);
    assert_eq!((&entries.items()[0]["leads"], &entries.items()[0]["points"]), (&json!(-1), &json!("0.00")));
    assert!(entries.items()[0]["explanation"]["zh"].as_str().is_some_and(|text| text.contains("Acme")));

    // It is his now: colleagues do not see it, and are told why they cannot have it.
    zhao.get(&format!("/v1/leads/{id}")).await.expect(404);
    let refused = zhao.post(&claim, json!({})).await.expect(409);
    assert_eq!(refused.problem().0, "conflict");
    assert!(refused.text("/detail").contains("taken"), "{:#}", refused.body);
    assert_eq!(rights(&zhao).await, 25, "nobody pays for nothing");
    chen.get(&format!("/v1/leads/{id}")).await.expect(200);
    lin.post(&claim, json!({})).await.expect(409);
    assert_eq!(rights(&lin).await, 24);
    let admin = world.admin().await;
    let other = lead(&admin, "Northwind", json!({})).await;
    admin.post(&format!("/v1/leads/{other}/claim"), json!({})).await.expect(403);
    World::new().await.rep("Mo").await.post(&claim, json!({})).await.expect(404);
    world.audit().await;
}

#[tokio::test]
async fn a_repeated_pick_is_one_pick() {
    let world = World::new().await;
    let (lin, chen) = (world.rep("Lin Wei").await, world.manager("Chen Hua").await);
    renew(&world).await;
    let id = lead(&chen, "Acme", json!({})).await;
    for _ in 0..3 {
        let key = [("Idempotency-Key", "pick-1")];
        let path = format!("/v1/leads/{id}/claim");
        lin.send(reqwest::Method::POST, &path, Some(json!({})), &key).await.expect(200);
    }
    assert_eq!(rights(&lin).await, 24);
    world.audit().await;
}

#[tokio::test]
async fn capacity_day_and_cool_down_limit_the_picks() {
    let world = World::new().await;
    let (lin, chen) = (world.rep("Lin Wei").await, world.manager("Chen Hua").await);
    rules(&world, |rules| (rules.daily_picks, rules.capacity, rules.cool_down_days) = (2, 3, 10)).await;
    renew(&world).await;
    let mut leads = Vec::new();
    for name in ["One", "Two", "Three", "Four"] {
        leads.push(lead(&chen, name, json!({})).await);
    }
    let claim = |at: usize| format!("/v1/leads/{}/claim", leads[at]);
    for at in [0, 1] {
        lin.post(&claim(at), json!({})).await.expect(200);
    }
    let told = lin.post(&claim(2), json!({})).await.expect(409).text("/detail");
    assert!(told.contains("today"), "{told}");
    world.wait(Duration::days(1));
    lin.post(&claim(2), json!({})).await.expect(200);
    let told = lin.post(&claim(3), json!({})).await.expect(409).text("/detail");
    assert!(told.contains("hold"), "{told}");

    // Returned, it is for others at first.
    let path = format!("/v1/leads/{}/return", leads[0]);
    let back = lin.post(&path, json!({ "reason": "Too far away" })).await.expect(200);
    assert_eq!((back.text("/status"), back.text("/coolDownUntil")), ("pooled".into(), "2026-03-13".into()));
    let refused = lin.post(&claim(0), json!({})).await.expect(409);
    assert_eq!(refused.problem().0, "locked");
    lin.post(&claim(3), json!({})).await.expect(200);
    world.wait(Duration::days(10));
    let path = format!("/v1/leads/{}/return", leads[1]);
    lin.post(&path, json!({ "reason": "No need" })).await.expect(200);
    lin.post(&claim(0), json!({})).await.expect(200);
    assert_eq!(rights(&lin).await, 25 - 5, "a returned lead does not give its right back");
    world.audit().await;
}

/// A hundred phones want the last lead: one has it, ninety-nine are told, and one right is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_picks_of_the_last_lead_have_one_winner() {
    let world = World::new().await;
    let chen = world.manager("Chen Hua").await;
    let mut reps = Vec::new();
    for at in 0..100 {
        reps.push(world.rep(&format!("Rep {at}")).await);
    }
    renew(&world).await;
    let id = lead(&chen, "The last one", json!({})).await;
    let path = format!("/v1/leads/{id}/claim");
    let answers = join_all(reps.iter().map(|rep| rep.post(&path, json!({})))).await;
    let winners: Vec<usize> = (0..100).filter(|at| answers[*at].status == 200).collect();
    assert_eq!(winners.len(), 1, "{winners:?}");
    for (at, answer) in answers.into_iter().enumerate() {
        let left = rights(&reps[at]).await;
        if winners.contains(&at) {
            assert_eq!(left, 24);
        } else {
            assert_eq!((answer.status, answer.problem().0.as_str()), (409, "conflict"));
            assert_eq!(left, 25, "charged for nothing");
        }
    }
    let lead = chen.get(&format!("/v1/leads/{id}")).await.expect(200);
    assert_eq!(lead.text("/ownerId"), reps[winners[0]].id.to_string());
    world.audit().await;
}

/// One rep with one place left and two phones: the second pick waits for the first and finds the place taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_picks_at_once_do_not_share_the_last_place() {
    let world = World::new().await;
    let (lin, chen) = (world.rep("Lin Wei").await, world.manager("Chen Hua").await);
    rules(&world, |rules| rules.capacity = 1).await;
    renew(&world).await;
    for round in 0..5 {
        let (one, two) = (lead(&chen, "One", json!({})).await, lead(&chen, "Two", json!({})).await);
        let path = |id| format!("/v1/leads/{id}/claim");
        let (first, second) = (path(one), path(two));
        let (a, b) = tokio::join!(lin.post(&first, json!({})), lin.post(&second, json!({})));
        let mut statuses = [a.status, b.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "round {round}");
        let got = if a.status == 200 { one } else { two };
        lin.post(&format!("/v1/leads/{got}/return"), json!({ "reason": "Next round" })).await.expect(200);
        world.wait(Duration::days(1));
    }
    assert_eq!(rights(&lin).await, 20);
    world.audit().await;
}

#[tokio::test]
async fn a_manager_gives_a_lead_without_a_right() {
    let world = World::new().await;
    let (lin, zhao, chen) = (world.rep("Lin Wei").await, world.rep("Zhao Min").await, world.manager("Chen Hua").await);
    rules(&world, |rules| rules.capacity = 1).await;
    let id = lead(&chen, "Acme", json!({})).await;
    let path = format!("/v1/leads/{id}/assign");
    zhao.post(&path, json!({ "userId": zhao.id })).await.expect(403);
    let given = chen.post(&path, json!({ "userId": lin.id })).await.expect(200);
    assert_eq!(given.text("/ownerId"), lin.id.to_string());
    assert_eq!(rights(&lin).await, 0);
    let entries = lin.get(&format!("/v1/points/entries?sourceId={id}&sort=createdAt")).await.expect(200);
    let mut kinds = entries.each("kind");
    kinds.sort_unstable();
    assert_eq!(kinds, ["claim", "grant"]);

    // To a colleague; and past the pool at its creation. Nobody gets more than he may hold.
    chen.post(&path, json!({ "userId": zhao.id })).await.expect(200);
    lin.get(&format!("/v1/leads/{id}")).await.expect(404);
    let body = json!({ "name": "Northwind", "source": "fair", "ownerId": lin.id });
    let made = chen.post("/v1/leads", body.clone()).await.expect(201);
    zhao.get(&format!("/v1/leads/{}", made.id())).await.expect(404);
    let told = chen.post("/v1/leads", body).await.expect(409).text("/detail");
    assert!(told.contains("Choose another"), "{told}");
    let admin = world.admin().await;
    chen.post(&path, json!({ "userId": admin.id })).await.expect(422);

    // Not to people of other teams, neither when it is made; an admin may.
    let west = world.team(&admin, "West").await;
    let stranger = world.user(Role::Rep, "Sun Li", west).await;
    let south = world.team(&admin, "South").await;
    let leader = world.user(Role::Manager, "Guo Jing", south).await;
    let id = lead(&admin, "Contoso", json!({})).await;
    let path = format!("/v1/leads/{id}/assign");
    let told = leader.post(&path, json!({ "userId": stranger.id })).await.expect(422).text("/detail");
    assert!(told.contains("his own teams"), "{told}");
    let body = json!({ "name": "Fabrikam", "source": "fair", "ownerId": stranger.id });
    leader.post("/v1/leads", body).await.expect(422);
    admin.post(&path, json!({ "userId": stranger.id })).await.expect(200);
    world.audit().await;
}
