//! What the shadow would have booked since it began, beside what was booked. Worked out when somebody asks, by the pass that
//! simulations make: nothing is kept, so that nothing can be out of date, and nobody waits for it but who asks.

use chrono::TimeDelta;
use entity::kind::RuleSetStatus;
use entity::rule_set;
use entity::scalar::Date;
use poem_openapi::Object;
use sea_orm::ConnectionTrait;
use uuid::Uuid;

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
    let seen: Option<Vec<Uuid>> = if actor.sees_all() {
        None
    } else {
        let rows = state.db.query_all_raw(statement(actor.tenant_id, SEEN, [actor.user_id.into()])).await?;
        Some(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
    };
    let progress = Progress { state, tenant_id: actor.tenant_id, id: None };
    let result = replay(&progress, &order, |user_id| seen.as_ref().is_none_or(|seen| seen.contains(&user_id))).await?;
    Ok(ShadowScores { rule_set_id, from, to: today, result })
}
