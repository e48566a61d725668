//! The record: made offline and online, seen where its account is, and gone with what it is attached to.

use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{attachment, get, pdf, put, visit};
use crate::sync::phone::Phone;
use crate::world::World;

#[tokio::test]
async fn a_record_comes_before_its_file_and_everybody_who_works_the_account_sees_both() {
    let world = World::new().await;
    let (lin, bo, boss) = (world.rep("Lin").await, world.rep("Bo").await, world.manager("Ma").await);
    let mut phone = Phone::new(&world, lin);
    let account = phone.account("Hopton").await;
    let id = Uuid::now_v7();
    let fields = json!({ "attachment": { "accountId": account, "kind": "document", "fileName": "合同.pdf" } });
    phone.applies(phone.mutation("attachment", "create", id, fields)).await;
    phone.pull(100).await;
    let held = |phone: &Phone| phone.replica[&("attachment".to_owned(), id)].1.clone();
    assert_eq!(
        (held(&phone)["state"].as_str(), held(&phone)["hasThumbnail"].as_bool()),
        (Some("pending"), Some(false))
    );
    assert_eq!(get(&phone.person, id).await.expect(409).problem().0, "conflict");
    assert_eq!(get(&bo, id).await.expect(404).problem().0, "not_found");

    let file = pdf(10_000);
    let answer = put(&phone.person, id, &file).await.expect(200);
    assert_eq!(answer.text("/state"), "ready");
    assert_eq!((answer.text("/contentType"), answer.body["bytes"].as_i64()), ("application/pdf".into(), Some(10_000)));
    phone.pull(100).await;
    assert_eq!(held(&phone), answer.body, "the phone hears of it");
    assert_eq!(get(&boss, id).await.expect(200).bytes, file);

    let member = format!("/v1/accounts/{account}/members/{}", bo.id);
    boss.put(&member, json!({ "role": "member" })).await.expect(200);
    assert_eq!(get(&bo, id).await.expect(200).bytes, file);
    assert_eq!(put(&bo, id, &file).await.expect(403).problem().0, "forbidden");
    let path = format!("/v1/attachments/{id}");
    assert_eq!(bo.patch(&path, json!({ "fileName": "x" })).await.expect(403).problem().0, "forbidden");
    assert_eq!(bo.delete(&path).await.expect(403).problem().0, "forbidden");
    let named = phone.person.patch(&path, json!({ "fileName": "contract.pdf" })).await.expect(200);
    assert_eq!(named.text("/fileName"), "contract.pdf");
    let other = json!({ "kind": "photo" });
    assert_eq!(phone.person.patch(&path, other).await.expect(422).problem().1, ["/kind"]);
    let again = put(&phone.person, id, &file).await.expect(409);
    assert_eq!(again.problem().0, "locked", "a file stays as it came");

    for filter in [
        format!("accountId={account}"),
        format!("ownerId={}", phone.person.id),
        "kind=document&state=ready".into(),
        "search=contract".into(),
    ] {
        assert_eq!(phone.person.get(&format!("/v1/attachments?{filter}")).await.expect(200).ids(), [id], "{filter}");
    }
    assert!(phone.person.get("/v1/attachments?state=pending").await.expect(200).ids().is_empty());

    phone.applies(phone.mutation("attachment", "delete", id, json!({}))).await;
    phone.pull(100).await;
    assert!(!phone.holds("attachment", id));
    assert_eq!(get(&phone.person, id).await.expect(404).problem().0, "not_found");
}

#[tokio::test]
async fn it_belongs_to_one_record_of_its_account() {
    let world = World::new().await;
    let lin = world.rep("Lin").await;
    let (account, other) = (lin.account("Hopton").await, lin.account("Acme").await);
    let activity = visit(&lin, account).await;
    let contact = lin.post("/v1/contacts", json!({ "accountId": account, "name": "Wang" })).await.expect(201).id();
    let opportunity =
        lin.post("/v1/opportunities", json!({ "accountId": account, "name": "Fibre" })).await.expect(201).id();
    let refused = async |more: Value| {
        let mut body = json!({ "accountId": account, "kind": "photo", "fileName": "a.jpg" });
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        lin.post("/v1/attachments", body).await.expect(422).problem().1
    };
    assert_eq!(refused(json!({ "activityId": activity, "contactId": contact })).await, ["/activityId"]);
    assert_eq!(refused(json!({ "accountId": other, "activityId": activity })).await, ["/activityId"]);
    assert_eq!(refused(json!({ "accountId": other, "contactId": contact })).await, ["/contactId"]);
    assert_eq!(refused(json!({ "accountId": other, "opportunityId": opportunity })).await, ["/opportunityId"]);
    assert_eq!(refused(json!({ "accountId": Uuid::now_v7() })).await, ["/accountId"]);
    let unread =
        lin.post("/v1/attachments", json!({ "accountId": account, "kind": "photo", "fileName": "a", "sha256": "abc" }));
    assert_eq!(unread.await.expect(400).problem().1, ["/sha256"]);

    let of_account = attachment(&lin, account, "photo", json!({})).await;
    let of = |member: &str, id: Uuid| json!({ member: id });
    let mut all = vec![of_account];
    for (member, path, id) in [
        ("activityId", "activities", activity),
        ("contactId", "contacts", contact),
        ("opportunityId", "opportunities", opportunity),
    ] {
        let made = attachment(&lin, account, "photo", of(member, id)).await;
        assert_eq!(lin.get(&format!("/v1/attachments?{member}={id}")).await.expect(200).ids(), [made]);
        lin.delete(&format!("/v1/{path}/{id}")).await.expect(204);
        assert!(
            lin.get(&format!("/v1/attachments?{member}={id}")).await.expect(200).ids().is_empty(),
            "it went with it"
        );
        all.push(made);
    }
    let gone = lin.delete(&format!("/v1/accounts/{account}")).await.expect(409);
    assert!(gone.text("/detail").contains("1 of kind attachment"), "{:#}", gone.body);
    lin.delete(&format!("/v1/attachments/{of_account}")).await.expect(204);
    lin.delete(&format!("/v1/accounts/{account}")).await.expect(204);
}

#[tokio::test]
async fn the_photo_of_a_late_visit_is_taken_as_the_visit_is() {
    let world = World::new().await;
    let (admin, lin, bo) = (world.admin().await, world.rep("Lin").await, world.rep("Bo").await);
    let account = lin.account("Hopton").await;
    let visited = world.state.clock.now();
    world.wait(TimeDelta::hours(1));
    let member = |id: Uuid| format!("/v1/accounts/{account}/members/{id}");
    admin.put(&member(bo.id), json!({ "role": "owner" })).await.expect(200);
    admin.delete(&member(lin.id)).await.expect(204);
    let phone = Phone::new(&world, lin);
    let (activity, photo, other) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    let fields = json!({ "activity": { "accountId": account, "kind": "visit", "occurred": visited } });
    let named = |activity: Option<Uuid>| json!({ "attachment": { "accountId": account, "activityId": activity, "kind": "photo", "fileName": "a.png" } });
    let results = phone
        .push(&[
            phone.mutation_typed(TimeDelta::hours(1), "activity", "create", activity, fields),
            phone.mutation_typed(TimeDelta::hours(1), "attachment", "create", photo, named(Some(activity))),
            phone.mutation_typed(TimeDelta::hours(1), "attachment", "create", other, named(None)),
        ])
        .await;
    let statuses: Vec<&str> = results.iter().filter_map(|result| result["status"].as_str()).collect();
    assert_eq!(statuses, ["applied", "applied", "rejected"], "{results:#?}");
    put(&phone.person, photo, &super::picture::png(20, 10)).await.expect(200);
    assert_eq!(bo.get(&format!("/v1/attachments/{photo}")).await.expect(200).text("/state"), "ready");
    assert_eq!(get(&phone.person, photo).await.expect(404).problem().0, "not_found", "the account is Bo's now");
}
