//! Files that are whole and were not taken: their server died, another takes them at this moment, or none can.

use chrono::TimeDelta;
use reqwest::Method;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement};
use serde_json::json;
use uuid::Uuid;
use waypost::auth::Actor;
use waypost::upload::{Upload, due, finish};

use super::{attachment, begin, get, pdf, send, tus};
use crate::world::{Person, World, own_world};

/// Its server died after the last byte, when so many had tried to take it.
async fn left(world: &World, who: &Person, id: Uuid, file: &[u8], tries: i32) -> (String, Upload) {
    let place = begin(who, id, file.len() + 1).await.expect(201).header("location");
    send(who, &place, 0, file, &[]).await.expect(204);
    let upload: Uuid = place.rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id");
    let sql = "UPDATE upload SET bytes = received, tries = $3 WHERE tenant_id = $1 AND id = $2 RETURNING *";
    let values = [world.tenant_id.into(), upload.into(), tries.into()];
    let left = Upload::find_by_statement(Statement::from_sql_and_values(DbBackend::Postgres, sql, values));
    (place, left.one(&world.state.db).await.expect("a row").expect("an upload"))
}

async fn stands(who: &Person, place: &str) -> String {
    tus(who, Method::HEAD, place, &[], Vec::new()).await.expect(200).header("upload-offset")
}

#[tokio::test]
async fn several_may_take_a_file_and_it_is_there_for_all_of_them() {
    let world = World::new().await;
    let lin = world.rep("Lin").await;
    let account = lin.account("Hopton").await;
    let file = pdf(3_000_000);
    let id = attachment(&lin, account, "document", json!({})).await;
    let (place, upload) = left(&world, &lin, id, &file, 0).await;
    let system = Actor::system(world.tenant_id);
    let (one, two, offset) = tokio::join!(
        finish(&world.state, &system, &upload),
        finish(&world.state, &system, &upload),
        stands(&lin, &place)
    );
    one.expect("taken");
    two.expect("taken");
    assert_eq!(offset, "3000000");
    // Whoever saw it before it was taken comes late.
    finish(&world.state, &system, &upload).await.expect("it is over");
    assert_eq!(stands(&lin, &place).await, "3000000", "whoever missed the answer is told");
    assert_eq!(get(&lin, id).await.expect(200).bytes, file);
}

#[tokio::test]
async fn a_file_that_takes_every_server_down_is_given_up() {
    // What is due is done for every tenant of a database.
    let world = own_world().await;
    let lin = world.rep("Lin").await;
    let account = lin.account("Hopton").await;
    let file = pdf(1_000);
    let good = attachment(&lin, account, "document", json!({})).await;
    let bad = attachment(&lin, account, "document", json!({})).await;
    let (there, _) = left(&world, &lin, good, &file, 2).await;
    let (place, _) = left(&world, &lin, bad, &file, 3).await;
    let state = async |id: Uuid| lin.get(&format!("/v1/attachments/{id}")).await.expect(200).text("/state");
    assert_eq!((stands(&lin, &place).await, state(bad).await), ("1000".into(), "pending".into()), "it is being tried");
    world.wait(TimeDelta::minutes(6));
    due::run(&world.state).await.expect("runs");
    assert_eq!((stands(&lin, &there).await, state(good).await), ("1000".into(), "ready".into()));
    assert_eq!(tus(&lin, Method::HEAD, &place, &[], Vec::new()).await.status, 404);
    let record = lin.get(&format!("/v1/attachments/{bad}")).await.expect(200);
    assert_eq!((record.text("/state"), record.text("/reason")), ("refused".into(), "damaged".into()));
    assert!(record.text("/detail").contains("Send it again"), "{:#}", record.body);
    let again = begin(&lin, bad, file.len()).await.expect(201).header("location");
    send(&lin, &again, 0, &file, &[]).await.expect(204);
    assert_eq!(state(bad).await, "ready");
}

#[tokio::test]
async fn an_upload_that_cannot_be_put_together_holds_up_no_other() {
    let world = own_world().await;
    let lin = world.rep("Lin").await;
    let account = lin.account("Hopton").await;
    let forgotten = attachment(&lin, account, "document", json!({})).await;
    begin(&lin, forgotten, 1_000).await.expect(201);
    world.wait(TimeDelta::days(6));
    let broken = attachment(&lin, account, "document", json!({})).await;
    let (place, _) = left(&world, &lin, broken, &pdf(1_000), 0).await;
    world.state.db.execute_unprepared("DELETE FROM upload_part").await.expect("lost");
    world.wait(TimeDelta::days(2));
    due::run(&world.state).await.expect("runs");
    assert_eq!(lin.get(&format!("/v1/attachments/{forgotten}")).await.expect(200).text("/reason"), "expired");
    assert_eq!(tus(&lin, Method::HEAD, &place, &[], Vec::new()).await.status, 500, "it is not said to be there");
}
