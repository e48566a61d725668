//! Leads on phones without a network: a pick is a request that sync answers, work done in time counts.

use chrono::Duration;
use serde_json::json;
use uuid::Uuid;

use super::{lead, renew, rights};
use crate::sync::phone::{Phone, slug};
use crate::world::World;

#[tokio::test]
async fn a_pick_made_offline_is_answered_by_sync() {
    let world = World::new().await;
    let chen = world.manager("Chen Hua").await;
    let (mut lin, mut zhao) =
        (Phone::new(&world, world.rep("Lin Wei").await), Phone::new(&world, world.rep("Zhao Min").await));
    renew(&world).await;
    let (wanted, free) = (lead(&chen, "Acme", json!({})).await, lead(&chen, "Northwind", json!({})).await);
    lin.pull(500).await;
    zhao.pull(500).await;
    assert!(lin.holds("lead", wanted) && zhao.holds("lead", wanted));

    let claim = |phone: &Phone, id: Uuid| phone.mutation("lead", "claim", id, json!({}));
    lin.applies(claim(&lin, wanted)).await;
    let batch = [claim(&zhao, wanted), claim(&zhao, free)];
    let results = zhao.push(&batch).await;
    assert_eq!((&results[0]["status"], slug(&results[0])), (&json!("rejected"), "conflict".into()));
    assert_eq!(results[1]["status"], "applied");
    assert_eq!(zhao.push(&batch).await, results, "sent again, answered alike");
    assert_eq!((rights(&lin.person).await, rights(&zhao.person).await), (24, 24));

    lin.pull(500).await;
    zhao.pull(500).await;
    assert!(lin.holds("lead", wanted) && !lin.holds("lead", free));
    assert!(!zhao.holds("lead", wanted) && zhao.holds("lead", free));
    assert_eq!(zhao.all("rejected_write").count(), 1, "and the refusal is kept for him");
    assert_eq!(zhao.all("points_entry").filter(|entry| entry["kind"] == "claim").count(), 1);
    lin.agrees(&world, "the winner").await;
    zhao.agrees(&world, "the other").await;

    // The rest of a lead's life, offline: noted, mended, converted with ids that the phone made.
    let [account, contact, opportunity] = std::array::from_fn(|_| Uuid::now_v7());
    let ids = json!({ "newAccountId": account, "newContactId": contact, "newOpportunityId": opportunity });
    let pushed = [
        lin.mutation("lead", "work", wanted, json!({ "work": { "kind": "call", "summary": "Keen" } })),
        lin.mutation("lead", "update", wanted, json!({ "lead": { "contactName": "Wang Fang" } })),
        lin.mutation("lead", "convert", wanted, json!({ "convert": ids })),
        lin.mutation("plan", "create", Uuid::now_v7(), {
            json!({ "plan": { "accountId": account, "contactId": contact, "plannedOn": "2026-03-09" } })
        }),
    ];
    let results = lin.push(&pushed).await;
    assert!(results.iter().all(|result| result["status"] != "rejected"), "{results:#?}");
    lin.pull(500).await;
    assert_eq!(lin.document("lead", wanted)["status"], "converted");
    assert!(lin.holds("account", account) && lin.holds("contact", contact) && lin.holds("opportunity", opportunity));
    lin.agrees(&world, "after the conversion").await;
    world.audit().await;
}

#[tokio::test]
async fn work_done_in_time_counts_although_it_syncs_late() {
    let world = World::new().await;
    let chen = world.manager("Chen Hua").await;
    let (lin, zhao) = (Phone::new(&world, world.rep("Lin Wei").await), world.rep("Zhao Min").await);
    let (kept, gone) = (
        lead(&chen, "Acme", json!({ "ownerId": lin.person.id })).await,
        lead(&chen, "Northwind", json!({ "ownerId": lin.person.id })).await,
    );
    for days in [4, 4] {
        world.wait(Duration::days(days));
        waypost::lead::due::run_in(&world.state, world.tenant_id).await.expect("runs");
    }
    assert_eq!(zhao.get("/v1/leads?status=pooled").await.expect(200).items().len(), 2);
    renew(&world).await;
    zhao.post(&format!("/v1/leads/{gone}/claim"), json!({})).await.expect(200);

    // He had called on the Friday, and has a network again on Tuesday.
    let called = |id| {
        let body = json!({ "work": { "kind": "call", "summary": "Keen" } });
        lin.mutation_typed(Duration::days(4), "lead", "work", id, body)
    };
    lin.applies(called(kept)).await;
    let lead = lin.person.get(&format!("/v1/leads/{kept}")).await.expect(200);
    assert_eq!((lead.text("/status"), lead.text("/ownerId")), ("claimed".into(), lin.person.id.to_string()));
    assert_eq!(lead.text("/note"), "2026-03-06 call: Keen");
    // What a colleague has by now is the colleague's.
    let result = lin.push(&[called(gone)]).await.remove(0);
    assert_eq!(result["status"], "rejected");
    // Typed too late, it brings nothing back.
    lin.person.post(&format!("/v1/leads/{kept}/return"), json!({ "reason": "No need" })).await.expect(200);
    assert_eq!(lin.refused(called(kept)).await, "conflict");
    world.audit().await;
}
