//! A turn of many events: what an admin changes meanwhile counts from the next event on, and one that cannot be read does not
//! hold up the others.

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use waypost::database::connect_as_owner;

use super::{Receiver, hook, is_signed, send};
use crate::world::{World, database};

#[tokio::test]
async fn a_new_address_and_a_new_secret_count_from_the_next_event_on() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    let (listener, receiver) = (TcpListener::bind("127.0.0.1:0").await.expect("a port"), Receiver::new().await);
    let wrong = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let (id, _) = hook(&admin, json!({ "url": wrong, "kinds": ["account"], "ops": ["create"] })).await;
    for name in ["Acme", "Beta", "Gamma"] {
        lin.account(name).await;
    }
    let path = format!("/v1/webhooks/{id}");
    let corrected = async {
        let (mut connection, _) = listener.accept().await.expect("the first event");
        let mut request = Vec::new();
        while !request.ends_with(b"}") {
            assert!(connection.read_buf(&mut request).await.expect("a request") > 0);
        }
        admin.patch(&path, json!({ "url": receiver.url })).await.expect(200);
        let newer = admin.post(&format!("{path}/secret"), json!({})).await.expect(200).text("/secret");
        connection.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.expect("heard");
        newer
    };
    let (taken, newer) = tokio::join!(send(&world), corrected);
    assert_eq!((taken, receiver.count()), (3, 2));
    let seen = std::mem::take(&mut *receiver.seen.lock().unwrap());
    assert!(seen.iter().all(|(headers, body)| is_signed(headers, body, &newer)));
}

#[tokio::test]
async fn a_change_that_cannot_be_read_is_left_out_and_the_log_says_so() {
    let world = World::new().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    let receiver = Receiver::new().await;
    let (id, _) = hook(&admin, json!({ "url": receiver.url, "kinds": ["account"], "ops": ["create"] })).await;
    let (damaged, good) = (lin.account("Acme").await, lin.account("Beta").await);
    let sql = "UPDATE record_history SET changes = '{' WHERE tenant_id = $1 AND record_id = $2";
    let values = [world.tenant_id.into(), damaged.into()];
    let damage = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let owner = connect_as_owner(database().await, 1).await.expect("the owner");
    assert_eq!(owner.execute_raw(damage).await.expect("damaged").rows_affected(), 1);
    assert_eq!(send(&world).await, 1);
    let ids: Vec<Value> = receiver.take().iter().map(|(_, body)| body["data"]["recordId"].clone()).collect();
    assert_eq!(ids, [json!(good)]);
    let log = admin.get(&format!("/v1/webhooks/{id}/deliveries")).await.expect(200);
    assert_eq!(log.each("eventId"), [format!("account_{good}_1"), format!("account_{damaged}_1")]);
    let error = log.text("/items/1/error");
    assert!(error.contains("cannot be read") && log.items()[1]["status"].is_null(), "{:#}", log.body);
    assert_eq!(admin.get(&format!("/v1/webhooks/{id}")).await.expect(200).body["failures"], 0);
}
