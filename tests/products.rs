//! `/v1/products`: everybody sees them, admins keep them.

use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn admins_keep_the_products() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    let body = json!({ "name": "GTX Pro", "series": "GTX", "listPrice": "4821.00", "currency": "USD" });
    lin.post("/v1/products", body.clone()).await.expect(403);
    let created = admin.post("/v1/products", body).await.expect(201);
    let path = created.header("location");

    assert_eq!(lin.get("/v1/products?series=GTX").await.ids(), [created.id()]);
    lin.patch(&path, json!({ "name": "Mine" })).await.expect(403);
    let changed = admin.patch(&path, json!({ "listPrice": "4900.50" })).await.expect(200);
    assert_eq!(changed.text("/listPrice"), "4900.50");
    lin.delete(&path).await.expect(403);
    admin.delete(&path).await.expect(204);
    lin.get(&path).await.expect(404);
}
