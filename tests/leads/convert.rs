//! A lead becomes a customer, and what it was stays known.

use serde_json::json;

use super::{lead, renew};
use crate::world::World;

#[tokio::test]
async fn account_contact_and_opportunity_in_one_step() {
    let world = World::new().await;
    let (lin, zhao, chen) = (world.rep("Lin Wei").await, world.rep("Zhao Min").await, world.manager("Chen Hua").await);
    renew(&world).await;
    let more = json!({ "contactName": "王芳", "title": "Head of purchasing", "phone": "+86 21 5555 0100", "email": "wang@hopton.example",
                       "creditCode": "91310000MA1FL0XX1A", "industry": "optics", "employees": 120, "note": "Met at the fair" });
    let id = lead(&chen, "霍普光通信", more).await;
    let convert = format!("/v1/leads/{id}/convert");
    lin.post(&convert, json!({})).await.expect(409);
    lin.post(&format!("/v1/leads/{id}/claim"), json!({})).await.expect(200);
    zhao.post(&convert, json!({})).await.expect(404);

    // A fault anywhere makes nothing of it.
    lin.post(&convert, json!({ "amount": "-1.00", "currency": "CNY" })).await.expect(422);
    assert!(lin.get("/v1/accounts").await.expect(200).ids().is_empty());

    let body = json!({ "opportunityName": "Fibre", "amount": "120000.00", "currency": "CNY" });
    let done = lin.post(&convert, body).await.expect(200);
    assert_eq!(done.text("/status"), "converted");
    let account = lin.get(&format!("/v1/accounts/{}", done.text("/accountId"))).await.expect(200);
    assert_eq!((account.text("/name"), account.text("/ownerId")), ("霍普光通信".into(), lin.id.to_string()));
    assert_eq!(
        (account.text("/creditCode"), account.text("/industry")),
        ("91310000MA1FL0XX1A".into(), "optics".into())
    );
    let contact = lin.get(&format!("/v1/contacts/{}", done.text("/contactId"))).await.expect(200);
    assert_eq!((contact.text("/name"), contact.text("/email")), ("王芳".into(), "wang@hopton.example".into()));
    let opportunity = lin.get(&format!("/v1/opportunities/{}", done.text("/opportunityId"))).await.expect(200);
    assert_eq!((opportunity.text("/name"), opportunity.text("/source")), ("Fibre".into(), "fair".into()));
    assert_eq!(
        (opportunity.text("/stage"), opportunity.text("/accountId")),
        ("intent".into(), account.id().to_string())
    );
    zhao.get(&format!("/v1/accounts/{}", account.id())).await.expect(404);

    assert_eq!(lin.post(&convert, json!({})).await.expect(409).problem().0, "locked");
    chen.delete(&format!("/v1/leads/{id}")).await.expect(409);
    world.audit().await;
}

#[tokio::test]
async fn a_lead_that_turns_out_to_be_a_customer_goes_to_his_account() {
    let world = World::new().await;
    let (lin, zhao, chen) = (world.rep("Lin Wei").await, world.rep("Zhao Min").await, world.manager("Chen Hua").await);
    let (mine, theirs) = (lin.account("Acme").await, zhao.account("Northwind").await);
    let id = lead(&chen, "Acme Optics", json!({ "ownerId": lin.id })).await;
    let convert = format!("/v1/leads/{id}/convert");
    lin.post(&convert, json!({ "accountId": theirs })).await.expect(422);
    // Somebody who leads may do it for him: what is made is the owner's.
    let done = chen.post(&convert, json!({ "accountId": mine })).await.expect(200);
    assert_eq!((done.text("/accountId"), done.text("/ownerId")), (mine.to_string(), lin.id.to_string()));
    assert_eq!(done.body.get("contactId"), None);
    let opportunity = lin.get(&format!("/v1/opportunities/{}", done.text("/opportunityId"))).await.expect(200);
    assert_eq!((opportunity.text("/name"), opportunity.text("/ownerId")), ("Acme Optics".into(), lin.id.to_string()));
    world.audit().await;
}
