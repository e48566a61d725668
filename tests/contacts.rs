//! `/v1/contacts`: the people at an account, seen by who works it.

use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn a_contact_follows_its_account() {
    let world = World::new().await;
    let (lin, zhao) = (world.rep("Lin Wei").await, world.rep("Zhao Min").await);
    let account = lin.account("Acme").await;
    let body = json!({ "accountId": account, "name": "王芳", "email": "Wang.Fang@Acme.example", "phone": "1" });
    let created = lin.post("/v1/contacts", body.clone()).await.expect(201);
    assert_eq!(created.text("/email"), "wang.fang@acme.example");
    let path = created.header("location");

    zhao.get(&path).await.expect(404);
    assert_eq!(zhao.post("/v1/contacts", body).await.expect(422).problem().1, ["/accountId"]);
    for filter in
        [format!("accountId={account}"), "email=WANG.FANG@acme.example".into(), "phone=1".into(), "search=王".into()]
    {
        assert_eq!(lin.get(&format!("/v1/contacts?{filter}")).await.ids(), [created.id()], "{filter}");
    }
    let elsewhere = lin.account("Elsewhere").await;
    let moved = lin.patch(&path, json!({ "accountId": elsewhere })).await.expect(422);
    assert_eq!(moved.problem().1, ["/accountId"]);
    lin.delete(&path).await.expect(204);
    lin.get(&path).await.expect(404);
}
