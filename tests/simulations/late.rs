//! What arrives late, goes, or is asked for by many at once.

use chrono::TimeDelta;
use serde_json::json;
use uuid::Uuid;
use waypost::lead::quota::renew_in;
use waypost::offence::book::of_tenant;

use super::{active, draft, rule, simulate, strict};
use crate::sync::phone::Phone;
use crate::world::World;

#[tokio::test]
async fn what_arrives_late_or_goes_is_booked_as_it_is_simulated() {
    let world = World::new().await;
    rule(&world, &strict()).await;
    let (lin, admin) = (world.rep("Lin Wei").await, world.admin().await);
    renew_in(&world.state, world.tenant_id).await.expect("quotas");
    let account = lin.account("Acme").await;
    let planned = async |day: &str| {
        lin.post("/v1/plans", json!({ "accountId": account, "plannedOn": day })).await.expect(201).id()
    };
    let visit = async |plan: Uuid, occurred: &str| {
        let body =
            json!({ "accountId": account, "kind": "visit", "occurred": occurred, "planId": plan, "summary": "Talked" });
        lin.post("/v1/activities", body).await.expect(201).header("location")
    };
    let book = async || of_tenant(&world.state, world.tenant_id).await.expect("books");
    let same = async || {
        let answer = simulate(&admin, active(&admin).await, "2026-03-01", "2026-03-05").await;
        let rep =
            answer.body["result"]["reps"].as_array().expect("reps").iter().find(|rep| rep["userId"] == json!(lin.id));
        let rep = rep.expect("Lin").clone();
        assert_eq!((&rep["then"], &rep["difference"]), (&rep["now"], &json!("0.00")), "{rep}");
        rep["now"]["fines"].as_str().expect("fines").to_owned()
    };
    let (kept, missed) = (planned("2026-03-03").await, planned("2026-03-03").await);
    world.wait(TimeDelta::hours(20));
    let first = visit(kept, "2026-03-03T03:00:00Z").await;
    world.wait(TimeDelta::days(2));
    assert_eq!(book().await.fines, 1);
    assert_eq!(same().await, "-3.00");
    // The proof comes, and goes again: what was taken back stays so.
    let proof = visit(missed, "2026-03-03T04:00:00Z").await;
    assert_eq!(book().await.taken_back, 1);
    assert_eq!(same().await, "0.00");
    lin.delete(&proof).await.expect(204);
    assert_eq!(book().await.fines, 0);
    assert_eq!(same().await, "0.00");
    // What kept a plan goes after its day was judged; a plan of a day that was judged comes late.
    lin.delete(&first).await.expect(204);
    let phone = Phone::new(&world, world.person(lin.id));
    let fields = json!({ "accountId": account, "plannedOn": "2026-03-03", "purpose": "Samples" });
    let late = phone.mutation_typed(TimeDelta::days(2), "plan", "create", Uuid::now_v7(), json!({ "plan": fields }));
    assert_eq!(phone.push(&[late]).await[0]["status"], "applied");
    assert_eq!(book().await.fines, 2);
    assert_eq!(same().await, "-6.00");
    // Late, moved to a later time, and deleted: the fine stays, and so it does in the replay.
    let occurred = (world.state.clock.now().0 - TimeDelta::hours(100)).to_rfc3339();
    let note = json!({ "accountId": account, "kind": "note", "occurred": occurred, "summary": "Talked" });
    let note = lin.post("/v1/activities", note).await.expect(201).header("location");
    lin.patch(&note, json!({ "occurred": world.state.clock.now() })).await.expect(200);
    same().await;
    lin.delete(&note).await.expect(204);
    same().await;
    assert_eq!(lin.get("/v1/points/balance").await.expect(200).text("/points"), "-11.00");
    world.audit().await;
}

#[tokio::test]
async fn many_who_ask_for_the_shadow_wait_for_one_replay() {
    let world = World::new().await;
    let (lin, admin) = (world.rep("Lin Wei").await, world.admin().await);
    let account = lin.account("Acme").await;
    let id = draft(&world, &strict()).await;
    admin.post(&format!("/v1/rule-sets/{id}/shadow"), json!({})).await.expect(200);
    let path = format!("/v1/rule-sets/{id}/shadow-scores");
    let ask = async || lin.get(&path).await.expect(200).body["result"]["reps"][0]["now"]["points"].clone();
    let told = futures_util::future::join_all((0..24).map(|_| ask())).await;
    assert_eq!((told, world.state.shadows.replays()), (vec![json!("0.00"); 24], 1));
    let note =
        json!({ "accountId": account, "kind": "note", "occurred": world.state.clock.now(), "summary": "Talked" });
    lin.post("/v1/activities", note).await.expect(201);
    assert_eq!((ask().await, world.state.shadows.replays()), (json!("10.00"), 2), "what is written since is told");
    // Each sees his own of the same answer.
    let all = admin.get(&path).await.expect(200);
    assert_eq!((all.body["result"]["reps"].as_array().map(Vec::len), world.state.shadows.replays()), (Some(1), 2));
    world.rep("Bo Chen").await.get(&path).await.expect(200);
}
