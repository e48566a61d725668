//! Finds the plans whose day is over and that nothing fulfilled. Can be late, run twice or on two servers: a plan is
//! locked, looked at again and marked once.

use entity::kind::PlanStatus;
use entity::plan;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use uuid::Uuid;

use crate::auth::Actor;
use crate::problem::Error;
use crate::state::State;
use crate::work::UnitOfWork;

/// Plans of one tenant that one commit marks at the most, so that nobody waits for long.
const BATCH: usize = 500;

/// `$1` now → tenants with something to mark, and their day.
const TENANTS: &str = "
    SELECT t.id, ($1::timestamptz AT TIME ZONE t.time_zone)::date FROM tenant t
    WHERE EXISTS (SELECT FROM plan p WHERE p.tenant_id = t.id AND p.status = 'planned' AND p.deleted_at IS NULL
                  AND p.planned_on < ($1::timestamptz AT TIME ZONE t.time_zone)::date)";

/// Marks all that are due, in every tenant. Returns how many.
pub async fn mark(state: &State) -> Result<usize, Error> {
    let now = state.clock.now();
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, TENANTS, [now.into()]);
    let mut marked = 0;
    for row in state.db.query_all_raw(statement).await? {
        let (tenant_id, today): (Uuid, entity::scalar::Date) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        loop {
            let count = mark_batch(state, tenant_id, today).await?;
            marked += count;
            if count < BATCH {
                break;
            }
        }
    }
    Ok(marked)
}

async fn mark_batch(state: &State, tenant_id: Uuid, today: entity::scalar::Date) -> Result<usize, Error> {
    let mut work = UnitOfWork::begin(state, &Actor::system(tenant_id)).await?;
    let due = stage(&mut work, today).await?;
    work.commit().await?;
    Ok(due)
}

/// Stages the marks of a batch of plans whose day lies before `today`. Returns how many there were in the batch.
pub async fn stage(work: &mut UnitOfWork, today: entity::scalar::Date) -> Result<usize, DbErr> {
    let due = due(work, today).await?;
    // Under an account, whoever writes holds the account first.
    work.load::<entity::account::Model>(due.iter().map(|plan| plan.account_id)).await?;
    work.load::<plan::Model>(due.iter().map(|plan| plan.id)).await?;
    let late: Vec<plan::Model> = work
        .live::<plan::Model>()
        .filter(|plan| plan.status == PlanStatus::Planned && plan.planned_on < today)
        .cloned()
        .collect();
    for plan in late {
        work.put(plan::Model { status: PlanStatus::Missed, ..plan });
    }
    Ok(due.len())
}

async fn due(work: &UnitOfWork, today: entity::scalar::Date) -> Result<Vec<plan::Model>, DbErr> {
    let condition = format!("status = 'planned' AND planned_on < $2 ORDER BY planned_on LIMIT {BATCH}");
    work.fetch::<plan::Model>(&condition, [today.into()]).await
}
