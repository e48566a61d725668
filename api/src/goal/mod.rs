//! Goals: what a user or a team is to reach within some days. Managers and administrators set them; how far they are
//! reached, `report::quota` tells. A goal is no record: phones have no use for it.

pub mod routes;

use entity::scalar::{Currency, Date, Money, Timestamp};
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use rust_decimal::Decimal;
use sea_orm::DatabaseBackend::Postgres;
use sea_orm::{ConnectionTrait, FromQueryResult, Statement};
use serde::Deserialize;
use uuid::{Uuid, uuid};

use crate::auth::Actor;
use crate::problem::{Code, Error, FieldError, Refusal};
use crate::state::State;
pub use routes::GoalApi;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Deserialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum GoalMeasure {
    /// Worth of signed opportunities, in one currency.
    Amount,
    /// Number of signed opportunities.
    SignedCount,
    /// Number of visits.
    Visits,
    /// Number of accounts that were added.
    NewAccounts,
}

impl GoalMeasure {
    fn as_str(self) -> &'static str {
        match self {
            GoalMeasure::Amount => "amount",
            GoalMeasure::SignedCount => "signed_count",
            GoalMeasure::Visits => "visits",
            GoalMeasure::NewAccounts => "new_accounts",
        }
    }
}

/// What is to be reached, by whom, within which days.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct Goal {
    pub id: Uuid,
    pub user_id: Option<Uuid>,
    /// The goal of a team is that of everybody who is in it or below it.
    pub team_id: Option<Uuid>,
    pub measure: GoalMeasure,
    pub target: Money,
    /// Of an amount.
    pub currency: Option<String>,
    /// First day, in the tenant's time zone.
    pub from: Date,
    /// Last day; it counts too.
    pub to: Date,
    pub created_at: Timestamp,
    /// Counts the changes of this goal; it is its `ETag`.
    pub revision: i32,
}

/// What is to be different about a goal; whose it is and what is counted stay.
#[derive(Clone, Debug, Default, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, deny_unknown_fields)]
pub struct UpdateGoal {
    pub target: Option<Money>,
    pub currency: Option<Currency>,
    pub from: Option<Date>,
    pub to: Option<Date>,
}

/// A goal to be set.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, deny_unknown_fields, example)]
pub struct CreateGoal {
    /// Whose it is: either a user or a team.
    pub user_id: Option<Uuid>,
    pub team_id: Option<Uuid>,
    pub measure: GoalMeasure,
    /// Above 0; a whole number unless it is an amount.
    pub target: Money,
    /// ISO 4217 code; an amount has one, nothing else does.
    pub currency: Option<Currency>,
    /// First day, in the tenant's time zone.
    pub from: Date,
    /// Last day; it counts too.
    pub to: Date,
}

impl Example for CreateGoal {
    fn example() -> Self {
        CreateGoal {
            user_id: Some(uuid!("0198c0de-0000-7000-8000-000000000001")),
            team_id: None,
            measure: GoalMeasure::Visits,
            target: Money(Decimal::from(60)),
            currency: None,
            from: Date::parse("2026-04-01").unwrap_or_default(),
            to: Date::parse("2026-06-30").unwrap_or_default(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Object)]
pub struct GoalList {
    /// Those that end last come first, at most 1,000.
    pub items: Vec<Goal>,
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    user_id: Option<Uuid>,
    team_id: Option<Uuid>,
    measure: String,
    target: Money,
    currency: Option<String>,
    from_on: Date,
    to_on: Date,
    created_at: Timestamp,
    revision: i32,
}

impl From<Row> for Goal {
    fn from(row: Row) -> Self {
        let all = [GoalMeasure::Amount, GoalMeasure::SignedCount, GoalMeasure::Visits, GoalMeasure::NewAccounts];
        let measure = all.into_iter().find(|measure| measure.as_str() == row.measure);
        Goal {
            id: row.id,
            user_id: row.user_id,
            team_id: row.team_id,
            measure: measure.unwrap_or(GoalMeasure::Amount),
            target: row.target,
            currency: row.currency,
            from: row.from_on,
            to: row.to_on,
            created_at: row.created_at,
            revision: row.revision,
        }
    }
}

/// The condition under which the goal `g` is seen; `$1` tenant, `$2` user: it is of somebody or of a team that he reads.
pub const SEEN: &str = "EXISTS (SELECT FROM scope_grant s WHERE s.tenant_id = $1 AND s.user_id = $2
    AND s.scope_id IN (g.user_id, g.team_id) AND s.revoked IS NULL)";

fn seen(actor: &Actor) -> &'static str {
    if actor.sees_all() { "$2::uuid IS NOT NULL" } else { SEEN }
}

/// Those that the actor sees.
///
/// # Errors
/// What the database refuses.
pub async fn list(
    state: &State,
    actor: &Actor,
    user_id: Option<Uuid>,
    team_id: Option<Uuid>,
) -> Result<GoalList, Error> {
    let sql = format!(
        "SELECT g.* FROM goal g WHERE g.tenant_id = $1 AND {} AND ($3::uuid IS NULL OR g.user_id = $3)
           AND ($4::uuid IS NULL OR g.team_id = $4) ORDER BY g.to_on DESC, g.id DESC LIMIT 1000",
        seen(actor)
    );
    let values = [actor.tenant_id.into(), actor.user_id.into(), user_id.into(), team_id.into()];
    let rows = Row::find_by_statement(Statement::from_sql_and_values(Postgres, sql, values)).all(&state.db).await?;
    Ok(GoalList { items: rows.into_iter().map(Goal::from).collect() })
}

/// Sets one. Whose it is must be visible to the actor, so that a manager sets goals for his own people only.
///
/// # Errors
/// 403 for reps, 422 for what does not fit together or is not visible, 409 for one that is there.
pub async fn create(state: &State, actor: &Actor, goal: CreateGoal) -> Result<Goal, Error> {
    must_lead(actor)?;
    checked(&goal)?;
    let is_led = if actor.sees_all() {
        "(u.id IS NOT NULL OR t.id IS NOT NULL) AND $2::uuid IS NOT NULL"
    } else {
        "EXISTS (SELECT FROM scope_grant s WHERE s.tenant_id = $1 AND s.user_id = $2 AND s.scope_id IN (u.id, t.id)
           AND s.revoked IS NULL)"
    };
    let sql = format!(
        "INSERT INTO goal (tenant_id, id, user_id, team_id, measure, target, currency, from_on, to_on, created_at, created_by)
         SELECT tenant.id, $3, u.id, t.id, $6, $7, $8, $9, $10, $11, $2
         FROM tenant
         LEFT JOIN \"user\" u ON u.tenant_id = tenant.id AND u.id = $4 AND u.deleted_at IS NULL
         LEFT JOIN team t ON t.tenant_id = tenant.id AND t.id = $5 AND t.deleted_at IS NULL
         WHERE tenant.id = $1 AND {is_led}
         RETURNING id, user_id, team_id, measure, target, currency, from_on, to_on, created_at, revision"
    );
    let values = [
        actor.tenant_id.into(),
        actor.user_id.into(),
        Uuid::now_v7().into(),
        goal.user_id.into(),
        goal.team_id.into(),
        goal.measure.as_str().into(),
        goal.target.into(),
        goal.currency.map(|currency| currency.to_string()).into(),
        goal.from.into(),
        goal.to.into(),
        state.clock.now().into(),
    ];
    let row = Row::find_by_statement(Statement::from_sql_and_values(Postgres, sql, values)).one(&state.db).await?;
    let whose = if goal.user_id.is_some() { ("/userId", "user") } else { ("/teamId", "team") };
    let nobody = || Refusal::invalid(whose.0, format!("There is no such {}, or it is not visible to you.", whose.1));
    Ok(row.ok_or_else(nobody)?.into())
}

/// One that the actor sees.
async fn find(state: &State, actor: &Actor, id: Uuid) -> Result<Goal, Error> {
    let sql = format!("SELECT g.* FROM goal g WHERE g.tenant_id = $1 AND g.id = $3 AND {}", seen(actor));
    let values = [actor.tenant_id.into(), actor.user_id.into(), id.into()];
    let row = Row::find_by_statement(Statement::from_sql_and_values(Postgres, sql, values)).one(&state.db).await?;
    Ok(row.ok_or_else(|| Refusal::not_found("goal"))?.into())
}

/// Changes one. `expected`: the revision that `If-Match` names.
///
/// # Errors
/// 403 for reps, 404 for one that is not there or not visible, 412 for another revision, 422 for what does not fit
/// together, 409 for one that is there.
pub async fn update(
    state: &State,
    actor: &Actor,
    id: Uuid,
    edit: UpdateGoal,
    expected: Option<i32>,
) -> Result<Goal, Error> {
    must_lead(actor)?;
    let before = find(state, actor, id).await?;
    if expected.is_some_and(|expected| expected != before.revision) {
        return Err(Refusal::revision_mismatch(before.revision.into()).into());
    }
    let known = |text: String| Currency::parse(&text).ok();
    let goal = CreateGoal {
        user_id: before.user_id,
        team_id: before.team_id,
        measure: before.measure,
        target: edit.target.unwrap_or(before.target),
        currency: edit.currency.or_else(|| before.currency.and_then(known)),
        from: edit.from.unwrap_or(before.from),
        to: edit.to.unwrap_or(before.to),
    };
    checked(&goal)?;
    let sql = "UPDATE goal SET target = $4, currency = $5, from_on = $6, to_on = $7, revision = revision + 1
               WHERE tenant_id = $1 AND id = $2 AND revision = $3
               RETURNING id, user_id, team_id, measure, target, currency, from_on, to_on, created_at, revision";
    let values = [
        actor.tenant_id.into(),
        id.into(),
        before.revision.into(),
        goal.target.into(),
        goal.currency.map(|currency| currency.to_string()).into(),
        goal.from.into(),
        goal.to.into(),
    ];
    let row = Row::find_by_statement(Statement::from_sql_and_values(Postgres, sql, values)).one(&state.db).await?;
    // Somebody was faster.
    Ok(row.ok_or_else(|| Refusal::revision_mismatch(i64::from(before.revision) + 1))?.into())
}

/// Takes one back. `expected`: the revision that `If-Match` names.
///
/// # Errors
/// 403 for reps, 404 for one that is not there or not visible, 412 for another revision.
pub async fn delete(state: &State, actor: &Actor, id: Uuid, expected: Option<i32>) -> Result<(), Error> {
    must_lead(actor)?;
    let before = find(state, actor, id).await?;
    let sql = "DELETE FROM goal WHERE tenant_id = $1 AND id = $2 AND revision = $3";
    let values = [actor.tenant_id.into(), id.into(), expected.unwrap_or(before.revision).into()];
    let deleted = state.db.execute_raw(Statement::from_sql_and_values(Postgres, sql, values)).await?;
    match deleted.rows_affected() {
        0 => Err(Refusal::revision_mismatch(before.revision.into()).into()),
        _ => Ok(()),
    }
}

fn must_lead(actor: &Actor) -> Result<(), Refusal> {
    use entity::kind::Role;
    match actor.role {
        Role::Manager | Role::Admin => Ok(()),
        Role::Rep | Role::Integration => Err(Refusal::forbidden("Goals are set by managers and administrators.")),
    }
}

fn checked(goal: &CreateGoal) -> Result<(), Refusal> {
    let mut faults = Vec::new();
    if goal.user_id.is_some() == goal.team_id.is_some() {
        faults.push(FieldError::new("/userId", "Name either a user or a team."));
    }
    if goal.target.0 <= Decimal::ZERO {
        faults.push(FieldError::new("/target", "Must be above 0."));
    } else if goal.measure != GoalMeasure::Amount && !goal.target.0.is_integer() {
        faults.push(FieldError::new("/target", "Must be a whole number: it is no amount."));
    }
    match (goal.measure, &goal.currency) {
        (GoalMeasure::Amount, None) => {
            faults.push(FieldError::new("/currency", "An amount needs a currency, such as CNY."))
        }
        (GoalMeasure::Amount, Some(_)) | (_, None) => {}
        (_, Some(_)) => faults.push(FieldError::new("/currency", "Only an amount has a currency: leave it out.")),
    }
    if goal.from > goal.to {
        faults.push(FieldError::new("/from", format!("Must not lie after {}, the last day.", goal.to)));
    }
    if faults.is_empty() { Ok(()) } else { Err(Refusal::fields(Code::Validation, faults)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_together_is_named() {
        let told = |change: fn(&mut CreateGoal)| {
            let mut goal = CreateGoal::example();
            change(&mut goal);
            let pointers = |refusal: Refusal| refusal.errors.into_iter().map(|error| error.pointer).collect::<Vec<_>>();
            checked(&goal).err().map(pointers).unwrap_or_default()
        };
        assert_eq!(told(|_| ()), [""; 0]);
        assert_eq!(told(|goal| goal.user_id = None), ["/userId"]);
        assert_eq!(told(|goal| goal.team_id = goal.user_id), ["/userId"]);
        assert_eq!(told(|goal| goal.target = Money(Decimal::new(15, 1))), ["/target"]);
        assert_eq!(told(|goal| goal.target = Money(Decimal::ZERO)), ["/target"]);
        assert_eq!(told(|goal| goal.measure = GoalMeasure::Amount), ["/currency"]);
        assert_eq!(told(|goal| goal.from = Date::parse("2026-07-01").expect("a day")), ["/from"]);
    }
}
