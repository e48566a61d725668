//! A draft: the best of the leaderboard picks first, one after the other.

use chrono::Duration;
use entity::kind::GrantPolicy;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{lead, renew, rights, rules};
use crate::world::{Person, World, start};

/// Enters so many notes in time.
async fn earn(who: &Person, count: usize) {
    let account = who.account("Acme").await;
    for _ in 0..count {
        let body =
            json!({ "accountId": account, "kind": "note", "occurred": start().to_rfc3339(), "summary": "Talked" });
        who.post("/v1/activities", body).await.expect(201);
    }
}

#[tokio::test]
async fn reps_pick_in_turn_the_best_first() {
    let world = World::new().await;
    let (lin, zhao, wu) = (world.rep("Lin Wei").await, world.rep("Zhao Min").await, world.rep("Wu Jun").await);
    let chen = world.manager("Chen Hua").await;
    earn(&lin, 1).await;
    earn(&zhao, 3).await;
    earn(&wu, 2).await;
    let open = json!({ "rounds": 2, "turnMinutes": 60 });
    lin.post("/v1/lead-drafts", open.clone()).await.expect(403);
    let told = chen.post("/v1/lead-drafts", open.clone()).await.expect(409).text("/detail");
    assert!(told.contains("not drafted"), "{told}");
    rules(&world, |rules| {
        rules.policies = vec![GrantPolicy::Draft, GrantPolicy::Quota];
        rules.daily_picks = 1;
    })
    .await;
    renew(&world).await;
    let draft = chen.post("/v1/lead-drafts", open.clone()).await.expect(201);
    let turns = |draft: &Value| {
        let turns = draft["turns"]["turns"].as_array().expect("turns").clone();
        turns
            .iter()
            .map(|turn| turn["userId"].as_str().and_then(|id| id.parse().ok()).expect("an id"))
            .collect::<Vec<Uuid>>()
    };
    assert_eq!(turns(&draft.body), [zhao.id, wu.id, lin.id, zhao.id, wu.id, lin.id]);
    assert_eq!(chen.post("/v1/lead-drafts", open).await.expect(409).problem().0, "conflict");

    let mut leads = Vec::new();
    for name in ["Alpha", "Bravo foods", "Charlie shoes", "Delta steel", "Echo paints"] {
        leads.push(lead(&chen, name, json!({})).await);
    }
    let claim = async |who: &Person, at: usize| who.post(&format!("/v1/leads/{}/claim", leads[at]), json!({})).await;
    let early = claim(&lin, 0).await.expect(409);
    assert_eq!(early.problem().0, "locked");
    assert!(early.text("/detail").contains("turn"), "{:#}", early.body);
    claim(&zhao, 0).await.expect(200);
    claim(&zhao, 1).await.expect(409);
    assert_eq!(rights(&zhao).await, 25, "a pick in one's turn takes no right");

    // Wu sleeps through his turn; whoever comes next need not wait for the job.
    world.wait(Duration::minutes(61));
    claim(&wu, 1).await.expect(409);
    claim(&lin, 1).await.expect(200);
    let path = format!("/v1/lead-drafts/{}", draft.id());
    let now = wu.get(&path).await.expect(200);
    assert_eq!((&now.body["turn"], &now.body["turns"]["turns"][1]["isPassed"]), (&json!(3), &json!(true)));
    world.wait(Duration::minutes(61));
    assert_eq!(waypost::lead::draft::pass_in(&world.state, world.tenant_id).await.expect("passes"), 1);
    assert_eq!(waypost::lead::draft::pass_in(&world.state, world.tenant_id).await.expect("passes"), 0);
    claim(&wu, 2).await.expect(200);

    lin.post(&format!("{path}/close"), json!({})).await.expect(403);
    chen.post(&format!("{path}/close"), json!({})).await.expect(200);
    chen.post(&format!("{path}/close"), json!({})).await.expect(409);
    // Over: whoever has a right picks.
    world.wait(Duration::days(1));
    claim(&zhao, 3).await.expect(200);
    assert_eq!(rights(&zhao).await, 24);
    assert_eq!(lin.get("/v1/lead-drafts").await.expect(200).ids(), [draft.id()]);
    world.audit().await;
}
