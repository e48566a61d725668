//! What a phone needs to score offline, signed: rules, calendar and zone in one JWS (RFC 7515, compact form) that the
//! keys at `/.well-known/jwks.json` verify. It syncs as the member `bundle` of the rule set.

use entity::kind::RuleSetStatus;
use entity::scalar::Date;
use entity::{calendar, rule_set, rules::Rules};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde::Serialize;
use uuid::Uuid;

use crate::auth::Actor;
use crate::problem::Error;
use crate::state::State;
use crate::work::UnitOfWork;
use crate::write::whole;

/// The payload.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bundle<'a> {
    tenant_id: Uuid,
    rule_set_id: Uuid,
    version: i32,
    status: RuleSetStatus,
    starts_on: Option<Date>,
    time_zone: String,
    week: &'a entity::shape::Week,
    holidays: &'a entity::shape::SpecialDays,
    working_days: &'a entity::shape::SpecialDays,
    rules: &'a Rules,
}

/// The signed bundle of a rule set with the calendar as it stands in this unit of work.
pub async fn sign(work: &UnitOfWork, state: &State, rule_set: &rule_set::Model) -> Result<String, Error> {
    let calendar = match work.get::<calendar::Model>(work.actor.tenant_id) {
        Some(calendar) => calendar.clone(),
        None => work
            .fetch::<calendar::Model>("id = $1", [])
            .await?
            .pop()
            .ok_or_else(|| Error::Internal("the tenant has no calendar".to_owned()))?,
    };
    let zone = work.statement("SELECT time_zone FROM tenant WHERE id = $1", []);
    let zone = work.connection().query_one_raw(zone).await?;
    let zone = zone.ok_or_else(|| Error::Internal("the tenant has no row".to_owned()))?;
    let bundle = Bundle {
        tenant_id: work.actor.tenant_id,
        rule_set_id: rule_set.id,
        version: rule_set.version,
        status: rule_set.status,
        starts_on: rule_set.starts_on,
        time_zone: zone.try_get_by_index(0)?,
        week: &calendar.week,
        holidays: &calendar.holidays,
        working_days: &calendar.working_days,
        rules: &rule_set.rules,
    };
    state.identity.keys.sign_document(&bundle)
}

/// Tenants with a published rule set whose bundle the current key has not signed; `$1` is with what it would begin.
const UNSIGNED: &str = "
    SELECT DISTINCT tenant_id FROM rule_set WHERE deleted_at IS NULL AND status IN ('shadow', 'active')
        AND split_part(coalesce(bundle, ''), '.', 1) <> $1 ORDER BY 1";

/// Signs with the current key what another one signed, or none: phones verify with the keys that this server publishes.
/// Returns for how many tenants.
pub async fn renew_all(state: &State) -> Result<usize, Error> {
    let head = state.identity.keys.document_head()?;
    let unsigned = Statement::from_sql_and_values(DbBackend::Postgres, UNSIGNED, [head.into()]);
    let rows = state.db.query_all_raw(unsigned).await?;
    for row in &rows {
        let (actor, keys) = (Actor::system(row.try_get_by_index(0)?), state.clone());
        whole(state, &actor, move |work| {
            let keys = keys.clone();
            Box::pin(async move { renew(work, &keys).await })
        })
        .await?;
    }
    Ok(rows.len())
}

/// Signs anew what is in force, waits or is a shadow, after the calendar or the zone has changed.
pub async fn renew(work: &mut UnitOfWork, state: &State) -> Result<(), Error> {
    super::draft::lock(work).await?;
    work.load_where::<rule_set::Model>("status IN ('shadow', 'active')", []).await?;
    let published: Vec<rule_set::Model> = work.live::<rule_set::Model>().cloned().collect();
    for rule_set in published {
        let bundle = Some(sign(work, state, &rule_set).await?);
        work.put(rule_set::Model { bundle, ..rule_set });
    }
    Ok(())
}
