//! Writes that REST is asked for at the same moment are committed together: each is decided by itself all the same.

use chrono::SecondsFormat;
use futures_util::future::join_all;
use reqwest::Method;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{Person, World, start};

fn call(account: Uuid, id: Uuid, summary: &str) -> Value {
    let occurred = start().to_rfc3339_opts(SecondsFormat::Millis, true);
    json!({ "id": id, "accountId": account, "kind": "call", "occurred": occurred, "summary": summary })
}

/// Who wrote the record, by its history.
async fn author(world: &World, id: Uuid) -> Uuid {
    let sql = "SELECT actor_id FROM record_history WHERE tenant_id = $1 AND record_id = $2";
    let values = [world.tenant_id.into(), id.into()];
    let row = world.state.db.query_one_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await;
    row.expect("reads").expect("a history").try_get_by_index(0).expect("an id")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_is_judged_by_itself() {
    let world = World::new().await;
    let mut reps: Vec<(Person, Uuid)> = Vec::new();
    for name in ["Lin Wei", "Wang Fang", "Zhao Min", "Chen Jie"] {
        let rep = world.rep(name).await;
        let account = rep.account(name).await;
        reps.push((rep, account));
    }
    let taken = Uuid::now_v7();
    reps[0].0.post("/v1/activities", call(reps[0].1, taken, "First")).await.expect(201);

    let known = |mut body: Value| {
        body["externalId"] = json!("erp-1");
        body
    };
    reps[1].0.post("/v1/activities", known(call(reps[1].1, Uuid::now_v7(), "Known"))).await.expect(201);

    // Everybody at once: his own account, a colleague's, an id that is taken, and what only the database finds out.
    let mut requests = Vec::new();
    for round in 0..5 {
        for (at, (rep, account)) in reps.iter().enumerate() {
            let colleague = reps[(at + 1) % reps.len()].1;
            let id = Uuid::now_v7();
            requests.push((rep, id, 201, call(*account, id, &format!("Round {round}"))));
            requests.push((rep, Uuid::nil(), 422, call(colleague, Uuid::now_v7(), "Not mine")));
            requests.push((rep, Uuid::nil(), 409, call(*account, taken, "Taken")));
            if round == 2 {
                requests.push((rep, Uuid::nil(), 409, known(call(*account, Uuid::now_v7(), "Known already"))));
            }
        }
    }
    let answers = join_all(requests.iter().map(|(rep, .., body)| rep.post("/v1/activities", body.clone()))).await;
    for ((rep, id, status, _), answer) in requests.iter().zip(answers) {
        let answer = answer.expect(*status);
        if *status == 201 {
            assert_eq!((answer.id(), answer.text("/ownerId")), (*id, rep.id.to_string()));
            assert_eq!(author(&world, *id).await, rep.id);
        }
    }
    for (at, (rep, _)) in reps.iter().enumerate() {
        let listed = rep.get("/v1/activities?limit=200").await;
        assert_eq!(listed.items().len(), if at < 2 { 6 } else { 5 });
        let balance = rep.get("/v1/points/balance").await;
        assert_eq!(balance.body["entries"], if at < 2 { 6 } else { 5 }, "{}", balance.body);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_colleague_makes_at_the_same_moment_is_not_seen() {
    let world = World::new().await;
    let (lin, wang) = (world.rep("Lin Wei").await, world.rep("Wang Fang").await);
    let account = lin.account("Hopton").await;
    for _ in 0..20 {
        let id = Uuid::now_v7();
        let path = format!("/v1/activities/{id}");
        let (made, changed) = tokio::join!(
            lin.post("/v1/activities", call(account, id, "Mine")),
            wang.patch(&path, json!({ "summary": "Yours" }))
        );
        made.expect(201);
        changed.expect(404);
        assert_eq!(lin.get(&path).await.text("/summary"), "Mine");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_key_counts_once_among_many() {
    let world = World::new().await;
    let lin = world.rep("Lin Wei").await;
    let account = lin.account("Hopton").await;
    let occurred = start().to_rfc3339_opts(SecondsFormat::Millis, true);
    let body = json!({ "accountId": account, "kind": "call", "occurred": occurred });
    let send = async |key: &'static str| {
        lin.send(Method::POST, "/v1/activities", Some(body.clone()), &[("Idempotency-Key", key)]).await
    };
    let mut answers = join_all((0..12).map(|at| send(["a", "b", "c"][at % 3]))).await;
    answers.extend([send("a").await, send("b").await, send("c").await]);
    let ids: Vec<Uuid> = answers.into_iter().map(|answer| answer.expect(201).id()).collect();
    for (at, id) in ids.iter().enumerate() {
        assert_eq!(*id, ids[at % 3], "request {at}");
    }
    assert_eq!(lin.get("/v1/activities").await.items().len(), 3);
}
