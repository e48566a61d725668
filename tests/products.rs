//! `/v1/products`: everybody sees them, admins keep them.

use std::time::Duration;

use sea_orm::DatabaseBackend::Postgres;
use sea_orm::{ConnectionTrait, Statement, TransactionTrait};
use serde_json::json;
use tokio::time::timeout;

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

/// A whole company sells the same few products: reps whose writes name one do not wait for each other.
#[tokio::test]
async fn many_may_sell_one_product_at_the_same_time() {
    let world = World::new().await;
    let (admin, mei) = (world.admin().await, world.rep("Mei Chen").await);
    let product = admin.post("/v1/products", json!({ "name": "GTX Pro" })).await.expect(201).id();
    let sale = json!({ "name": "Two switches", "productId": product });

    // What a transaction that names the product holds of it as long as it is open.
    let open = world.state.db.begin().await.unwrap();
    let sql = "SELECT id FROM product WHERE id = $1 FOR SHARE";
    let ids = [product.into()];
    open.execute_raw(Statement::from_sql_and_values(Postgres, sql, ids)).await.unwrap();
    let sold = timeout(Duration::from_secs(30), mei.post("/v1/opportunities", sale)).await;
    sold.expect("is not kept waiting").expect(201);
    open.rollback().await.unwrap();
}
