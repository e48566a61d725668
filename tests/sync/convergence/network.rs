//! What the network does: parts of a queue, lost replies, repetitions, pages.

use std::collections::BTreeSet;

use rand::RngExt;
use rand::seq::IndexedRandom;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};
use uuid::Uuid;

use super::History;
use crate::sync::phone::{Pulled, slug, unnamed};
use crate::world::World;

impl History {
    /// Pushes a part of the queue. What is independent may overtake; the reply may be lost; an old part may be sent again.
    pub(super) async fn push(&mut self, at: usize) {
        if !self.desks[at].answered.is_empty() && self.one_in(6) {
            let (mutation, result) = self.desks[at].answered.choose(&mut self.random).expect("some").clone();
            let answer = self.desks[at].phone.send(&[mutation]).await;
            let again = answer.body.pointer("/results/0").map(unnamed);
            assert!(answer.status == 401 || again.as_ref() == Some(&result), "{result:#} became {again:#?}");
        }
        let part = self.part(at);
        if part.is_empty() {
            return;
        }
        let mutations: Vec<Value> = part.iter().map(|&index| self.desks[at].queue[index].clone()).collect();
        let lost = self.one_in(4);
        let desk = &mut self.desks[at];
        if self.disabled.contains(&desk.phone.person.id) {
            assert_eq!(desk.phone.send(&mutations).await.status, 401, "a disabled user is let in");
            return;
        }
        let results = desk.phone.push(&mutations).await;
        if lost {
            return self.tell("reply lost");
        }
        for (mutation, result) in mutations.iter().zip(&results) {
            assert_ne!(slug(result), "mutation_reused", "{mutation:#}");
            assert_ne!(result["problem"]["status"], 400, "{mutation:#} {result:#}");
            desk.queue.retain(|queued| queued["mutationId"] != mutation["mutationId"]);
            desk.drafts.retain(|(_, id, _)| mutation["recordId"] != json!(id) || mutation["op"] != "create");
            desk.answered.push((mutation.clone(), result.clone()));
            let is_late = mutation["kind"] == "activity"
                && mutation["op"] == "create"
                && result["status"] == "applied"
                && is_buried(&self.world, &mutation["recordId"], desk.phone.person.id).await;
            let what = if result["status"] == "rejected" { slug(result) } else { result["status"].to_string() };
            for what in [Some(what.trim_matches('"')), is_late.then_some("late visit")].into_iter().flatten() {
                *self.told.entry(what.to_owned()).or_insert(0) += 1;
            }
            self.results.insert(result["mutationId"].as_str().expect("text").to_owned(), result.clone());
        }
    }

    /// Indices into the queue: a random part of it in a random order, in which nothing overtakes what it shares a record with.
    pub(super) fn part(&mut self, at: usize) -> Vec<usize> {
        let many = self.random.random_range(1..=8);
        let touched: Vec<BTreeSet<Uuid>> = self.desks[at].queue.iter().map(ids).collect();
        let mut left: Vec<usize> = (0..touched.len()).collect();
        let mut part = Vec::new();
        while part.len() < many {
            let free: Vec<usize> = left
                .iter()
                .copied()
                .filter(|&index| {
                    left.iter().all(|&other| other >= index || touched[other].is_disjoint(&touched[index]))
                })
                .collect();
            let first = self.random.random_range(0..3) > 0;
            let next = if first { free.first() } else { free.choose(&mut self.random) };
            let Some(&next) = next else { break };
            left.retain(|&index| index != next);
            part.push(next);
        }
        part
    }

    /// Some pages of random sizes, or the whole as lines.
    pub(super) async fn pull(&mut self, at: usize, pages: usize) {
        let lines = pages == usize::MAX && self.one_in(4);
        let may_restart = self.may_restart;
        let mut turns = 0;
        while turns < pages {
            turns += 1;
            let limit = *[1, 2, 5, 20, 500].choose(&mut self.random).expect("some");
            let desk = &mut self.desks[at];
            let pulled = if lines { desk.phone.pull_lines(limit).await } else { desk.phone.page(limit).await };
            match pulled {
                Pulled::Whole => return,
                Pulled::More => {}
                Pulled::Restarted => {
                    assert!(may_restart, "a cursor was refused without reason");
                    self.tell("started over");
                }
                Pulled::Locked => {
                    let id = desk.phone.person.id;
                    assert!(self.disabled.contains(&id), "{id} is locked out without reason");
                    return self.tell("locked out");
                }
            }
        }
    }
}

/// The record of a mutation and those that it refers to.
fn ids(mutation: &Value) -> BTreeSet<Uuid> {
    let fields = mutation.as_object().into_iter().flatten().filter_map(|(_, member)| member.as_object());
    let named = fields.flatten().filter(|(name, _)| name.ends_with("Id")).map(|(_, value)| value);
    named.chain([&mutation["recordId"]]).filter_map(|value| value.as_str()?.parse().ok()).collect()
}

/// Whether this record was buried in the user's own scope.
async fn is_buried(world: &World, record: &Value, user: Uuid) -> bool {
    let record: Uuid = record.as_str().and_then(|id| id.parse().ok()).expect("an id");
    let sql = "SELECT 1 FROM feed WHERE tenant_id = $1 AND record_id = $2 AND scope_id = $3 AND document IS NULL";
    let values = [world.tenant_id.into(), record.into(), user.into()];
    let row = world.state.db.query_one_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await;
    row.expect("reads").is_some()
}
