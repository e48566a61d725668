//! `/v1/leads`: the pool, the ways out of it, and what becomes of a lead.

mod automatic;
mod claim;
mod convert;
mod form;
mod keep;
mod offline;
mod pool;
mod reclaim;
mod rights;

use entity::rule_set;
use entity::rules::LeadRules;
use serde_json::{Value, json};
use uuid::Uuid;
use waypost::auth::Actor;
use waypost::work::UnitOfWork;

use crate::world::{Person, World};

/// Sets what the tenant's active rules say of leads.
async fn rules(world: &World, set: impl Fn(&mut LeadRules)) {
    let mut work = UnitOfWork::begin(&world.state, &Actor::system(world.tenant_id)).await.expect("begins");
    work.load_where::<rule_set::Model>("status = 'active'", []).await.expect("reads");
    let mut active = work.live::<rule_set::Model>().next().expect("an active rule set").clone();
    set(&mut active.rules.leads);
    work.put(active);
    work.commit().await.expect("commits");
}

/// A lead in the pool.
async fn lead(who: &Person, name: &str, more: Value) -> Uuid {
    let mut body = json!({ "name": name, "source": "fair" });
    body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    who.post("/v1/leads", body).await.expect(201).id()
}

/// Rights to pick that a user has left.
async fn rights(who: &Person) -> i64 {
    who.get("/v1/points/balance").await.expect(200).body["leads"].as_i64().expect("a number")
}

/// The month's quota for everybody.
async fn renew(world: &World) -> usize {
    waypost::lead::quota::renew_in(&world.state, world.tenant_id).await.expect("renews")
}
