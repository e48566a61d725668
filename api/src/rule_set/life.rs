//! The life of a rule set: draft → shadow → active → retired. A shadow may be left out.
//!
//! Which one is in force on a day is told by `starts_on` alone (`change::Settings`), so that a job that comes late changes
//! nothing; the job only writes down that the one before has ended.

use entity::kind::RuleSetStatus;
use entity::rule_set;
use entity::scalar::Date;
use poem_openapi::Object;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use uuid::Uuid;

use super::bundle;
use super::draft::{held, lock};
use crate::auth::Actor;
use crate::problem::{Code, Error, Refusal};
use crate::state::State;
use crate::work::UnitOfWork;

/// When a rule set is to begin.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", deny_unknown_fields)]
pub struct ActivateRuleSet {
    /// The first day on which it rules, by the tenant's clock: today or later.
    pub starts_on: Date,
}

/// Shows a draft to everybody beside the rules in force, without paying. There is one shadow at a time.
pub async fn shadow(
    work: &mut UnitOfWork,
    state: &State,
    id: Uuid,
    expected: Option<i32>,
) -> Result<rule_set::Model, Error> {
    let draft = held(work, id, expected).await?;
    only_from(&draft, &[RuleSetStatus::Draft], "becomes a shadow")?;
    if let Some(other) = work.fetch::<rule_set::Model>("status = 'shadow'", []).await?.first() {
        let detail = format!("Version {} is the shadow now. Activate or retire it first.", other.version);
        return Err(Refusal::conflict(Code::Conflict, detail).into());
    }
    let today = today(work).await?;
    publish(work, state, rule_set::Model { status: RuleSetStatus::Shadow, starts_on: Some(today), ..draft }).await
}

/// Makes a draft or the shadow the rules of the company from a day on. It must have been simulated as it stands.
pub async fn activate(
    work: &mut UnitOfWork,
    state: &State,
    id: Uuid,
    body: &ActivateRuleSet,
    expected: Option<i32>,
) -> Result<rule_set::Model, Error> {
    let next = held(work, id, expected).await?;
    only_from(&next, &[RuleSetStatus::Draft, RuleSetStatus::Shadow], "is activated")?;
    let today = today(work).await?;
    if body.starts_on < today {
        let detail = format!("Must be {today} or later: nobody is judged by rules that were not there.");
        return Err(Refusal::invalid("/startsOn", detail).into());
    }
    if !is_simulated(work, &next).await? {
        let detail = "Simulate this rule set first, as it stands now: POST /v1/rule-sets/{id}/simulation.";
        return Err(Refusal::conflict(Code::Conflict, detail).into());
    }
    let waiting = work.fetch::<rule_set::Model>("status = 'active' AND starts_on > $2", [today.into()]).await?;
    if let Some(other) = waiting.first() {
        let detail = format!("Version {} is to begin on {}. Retire it first.", other.version, shown(other.starts_on));
        return Err(Refusal::conflict(Code::Conflict, detail).into());
    }
    let active = rule_set::Model { status: RuleSetStatus::Active, starts_on: Some(body.starts_on), ..next };
    let active = publish(work, state, active).await?;
    end_former(work, today).await?;
    Ok(active)
}

/// Ends the shadow, or withdraws a rule set that has not begun. The one in force ends only when another begins.
pub async fn retire(work: &mut UnitOfWork, id: Uuid, expected: Option<i32>) -> Result<rule_set::Model, Error> {
    let rule_set = held(work, id, expected).await?;
    only_from(&rule_set, &[RuleSetStatus::Shadow, RuleSetStatus::Active], "is retired")?;
    let today = today(work).await?;
    if rule_set.status == RuleSetStatus::Active && rule_set.starts_on.is_some_and(|day| day <= today) {
        let detail = "These are the rules of the company now. They end when another rule set is activated.";
        return Err(Refusal::conflict(Code::Conflict, detail).into());
    }
    work.put(rule_set::Model { status: RuleSetStatus::Retired, bundle: None, ..rule_set });
    Ok(work.stored(id)?)
}

/// Writes down which rule sets have ended, in every tenant.
pub async fn turn(state: &State) -> Result<(), Error> {
    let sql = "SELECT t.id FROM tenant t WHERE 1 < (SELECT count(*) FROM rule_set r WHERE r.tenant_id = t.id
               AND r.deleted_at IS NULL AND r.status = 'active' AND r.starts_on <= ($1::timestamptz AT TIME ZONE t.time_zone)::date)";
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [state.clock.now().into()]);
    for row in state.db.query_all_raw(statement).await? {
        let mut work = UnitOfWork::begin(state, &Actor::system(row.try_get_by_index(0)?)).await?;
        lock(&work).await?;
        let today = today(&work).await?;
        end_former(&mut work, today).await?;
        work.commit().await?;
    }
    Ok(())
}

/// Retires all that were in force before the one that is.
async fn end_former(work: &mut UnitOfWork, today: Date) -> Result<(), Error> {
    work.load_where::<rule_set::Model>("status = 'active' AND starts_on <= $2", [today.into()]).await?;
    let mut begun: Vec<rule_set::Model> = work
        .live::<rule_set::Model>()
        .filter(|rule_set| {
            rule_set.status == RuleSetStatus::Active && rule_set.starts_on.is_some_and(|day| day <= today)
        })
        .cloned()
        .collect();
    begun.sort_by_key(|rule_set| (rule_set.starts_on, rule_set.version));
    for (former, next) in begun.iter().zip(begun.iter().skip(1)) {
        let ended_on = next.starts_on.and_then(|day| day.0.pred_opt()).map(Date);
        work.put(rule_set::Model { status: RuleSetStatus::Retired, ended_on, bundle: None, ..former.clone() });
    }
    Ok(())
}

async fn publish(
    work: &mut UnitOfWork,
    state: &State,
    mut rule_set: rule_set::Model,
) -> Result<rule_set::Model, Error> {
    rule_set.bundle = Some(bundle::sign(work, state, &rule_set).await?);
    let id = rule_set.id;
    work.put(rule_set);
    Ok(work.stored(id)?)
}

fn only_from(rule_set: &rule_set::Model, from: &[RuleSetStatus], what: &str) -> Result<(), Refusal> {
    if from.contains(&rule_set.status) {
        return Ok(());
    }
    let names: Vec<_> = from.iter().map(|status| status.as_str()).collect();
    let detail = format!("This rule set is {}; only one that is {} {what}.", rule_set.status, names.join(" or "));
    Err(Refusal::conflict(Code::Locked, detail))
}

async fn is_simulated(work: &UnitOfWork, rule_set: &rule_set::Model) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT FROM simulation s JOIN rule_set r ON r.tenant_id = s.tenant_id AND r.id = s.rule_set_id
               WHERE s.tenant_id = $1 AND r.tenant_id = $1 AND r.id = $2 AND s.status = 'finished' AND s.rules = r.rules)";
    let row = work.connection().query_one_raw(work.statement(sql, [rule_set.id.into()])).await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(false))
}

/// The day by the tenant's clock.
async fn today(work: &UnitOfWork) -> Result<Date, Error> {
    let sql = "SELECT ($2::timestamptz AT TIME ZONE time_zone)::date FROM tenant WHERE id = $1";
    let row = work.connection().query_one_raw(work.statement(sql, [work.now.into()])).await?;
    let row = row.ok_or_else(|| Error::Internal("the tenant has no row".to_owned()))?;
    Ok(row.try_get_by_index(0)?)
}

fn shown(day: Option<Date>) -> String {
    day.map(|day| day.to_string()).unwrap_or_default()
}
