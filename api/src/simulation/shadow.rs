//! What the shadow would have booked since it began, beside what was booked. Worked out when somebody asks, by the pass that
//! simulations make, once for all who ask meanwhile or before anything else is written: what is remembered is the newest
//! answer of each tenant, and it is never out of date.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use chrono::TimeDelta;
use entity::kind::RuleSetStatus;
use entity::rule_set;
use entity::scalar::Date;
use poem_openapi::Object;
use sea_orm::ConnectionTrait;
use tokio::sync::{Mutex, OwnedMutexGuard};
use uuid::Uuid;

use super::figures::of_some;
use super::run::{Order, Progress, replay, statement, today};
use super::wire::SimulationResult;
use crate::auth::Actor;
use crate::problem::{Code, Error, Refusal};
use crate::read as records;
use crate::state::State;

/// Days that are looked back on at the most; for more there are simulations.
const LOOKS_BACK: i64 = 92;

/// What the shadow would have booked (`now`) beside what was booked (`then`), of those whom you may see.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase")]
pub struct ShadowScores {
    pub rule_set_id: Uuid,
    /// The first day of the shadow, or the first of the last 92 days.
    pub from: Date,
    /// Today.
    pub to: Date,
    pub result: SimulationResult,
}

/// `$2` the reader → whom he sees: himself, and whom he leads.
const SEEN: &str = "
    SELECT u.id FROM \"user\" u
    JOIN scope_grant g ON g.tenant_id = $1 AND g.scope_id = u.id AND g.user_id = $2 AND g.revoked IS NULL
    WHERE u.tenant_id = $1";

/// How far the tenant's records have come, and its zone, which is no record.
const STANDS: &str = "
    SELECT c.head, t.time_zone FROM tenant t JOIN sync_clock c ON c.tenant_id = t.id WHERE t.id = $1";

/// All that an answer depends on: rule set, first day, today, and where the records stood.
#[derive(Clone, Debug, PartialEq)]
struct Of {
    rule_set_id: Uuid,
    from: Date,
    today: Date,
    head: i64,
    time_zone: String,
}

type Newest = Option<(Of, Arc<SimulationResult>)>;

/// Where those who ask for shadows wait for each other: one replay a tenant and server at a time, so that many who ask do
/// not keep the database from those who work.
#[derive(Clone, Default)]
pub struct Shadows {
    tenants: Arc<std::sync::Mutex<HashMap<Uuid, Arc<Mutex<Newest>>>>>,
    replays: Arc<AtomicU64>,
}

impl Shadows {
    /// How many replays there have been.
    pub fn replays(&self) -> u64 {
        self.replays.load(Ordering::Relaxed)
    }

    /// Waits until nobody else replays for this tenant.
    async fn of(&self, tenant_id: Uuid) -> OwnedMutexGuard<Newest> {
        let newest = {
            let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
            tenants.entry(tenant_id).or_default().clone()
        };
        newest.lock_owned().await
    }
}

pub async fn scores(state: &State, actor: &Actor, rule_set_id: Uuid) -> Result<ShadowScores, Error> {
    let rule_set: rule_set::Model = records::get(state, actor, rule_set_id).await?;
    if rule_set.status != RuleSetStatus::Shadow {
        let detail = format!(
            "This rule set is {}; only a shadow is scored as time goes by. Simulate this one.",
            rule_set.status
        );
        return Err(Refusal::conflict(Code::Locked, detail).into());
    }
    let today = today(state, actor.tenant_id).await?;
    let earliest = Date(today.0 - TimeDelta::days(LOOKS_BACK - 1));
    let from = rule_set.starts_on.unwrap_or(today).max(earliest);
    // As if it had been in force from its first day.
    let order = Order {
        from_day: from,
        to_day: today,
        rules: rule_set.rules,
        version: rule_set.version,
        status: RuleSetStatus::Active,
        starts_on: rule_set.starts_on,
    };
    let (inner, tenant_id) = (state.clone(), actor.tenant_id);
    // Goes on for the others if whoever asked first hangs up.
    let result = state.run(async move { newest(&inner, tenant_id, rule_set_id, &order).await }).await?;
    let result = if actor.sees_all() {
        (*result).clone()
    } else {
        let rows = state.db.query_all_raw(statement(actor.tenant_id, SEEN, [actor.user_id.into()])).await?;
        let seen = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<Vec<Uuid>, _>>()?;
        of_some(&result, |user_id| seen.contains(&user_id))
    };
    Ok(ShadowScores { rule_set_id, from, to: today, result })
}

/// The newest answer if nothing was written since, or a new one.
async fn newest(
    state: &State,
    tenant_id: Uuid,
    rule_set_id: Uuid,
    order: &Order,
) -> Result<Arc<SimulationResult>, Error> {
    let mut newest = state.shadows.of(tenant_id).await;
    // Before the replay: what is written meanwhile makes the answer an old one.
    let row = state.db.query_one_raw(statement(tenant_id, STANDS, [])).await?;
    let row = row.ok_or_else(|| Refusal::not_found("tenant"))?;
    let of = Of {
        rule_set_id,
        from: order.from_day,
        today: order.to_day,
        head: row.try_get_by_index(0)?,
        time_zone: row.try_get_by_index(1)?,
    };
    if let Some((known, result)) = &*newest
        && *known == of
    {
        return Ok(result.clone());
    }
    state.shadows.replays.fetch_add(1, Ordering::Relaxed);
    let progress = Progress { state, tenant_id, id: None };
    let result = Arc::new(replay(&progress, order).await?);
    *newest = Some((of, result.clone()));
    Ok(result)
}
