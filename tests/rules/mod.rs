//! What rules do once they are in force. Their life is told in `rule_sets`.

mod cards;
mod earning;
mod vectors;
mod work;

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{Person, World};

/// Puts the rules in force, changed, in force from today on, as if they had been simulated.
async fn rule(world: &World, admin: &Person, change: impl FnOnce(&mut Value)) {
    let mut rules = admin.get("/v1/rule-sets?status=active").await.expect(200).items()[0]["rules"].clone();
    change(&mut rules);
    let id = admin.post("/v1/rule-sets", json!({ "rules": rules })).await.expect(201).id();
    let sql =
        "INSERT INTO simulation (tenant_id, id, rule_set_id, from_day, to_day, rules, status, done, total, result,
                                       requested_by, requested_at, beat, finished_at)
               SELECT $1, $4, id, '2026-02-01', '2026-02-28', rules, 'finished', 0, 0, '{}', $3, now(), now(), now()
               FROM rule_set WHERE tenant_id = $1 AND id = $2";
    let values = [world.tenant_id.into(), id.into(), admin.id.into(), Uuid::now_v7().into()];
    let inserted = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    world.state.db.execute_raw(inserted).await.expect("a simulation");
    let today = (world.state.clock.now().0 + chrono::TimeDelta::hours(8)).date_naive();
    admin.post(&format!("/v1/rule-sets/{id}/activate"), json!({ "startsOn": today })).await.expect(200);
}

async fn points(who: &Person) -> String {
    who.get("/v1/points/balance").await.expect(200).text("/points")
}

/// The entries so far, oldest first.
async fn entries(who: &Person) -> Vec<Value> {
    let page = who.get("/v1/points/entries?sort=createdAt&limit=200").await.expect(200);
    page.items().to_vec()
}

/// The moment so many hours ago.
fn ago(world: &World, hours: i64) -> String {
    (world.state.clock.now().0 - chrono::TimeDelta::hours(hours)).to_rfc3339()
}
