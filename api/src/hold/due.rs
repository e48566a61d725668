//! Releases the holds that nobody looked at in time. Can be late, run twice or on two servers: a hold is locked, looked at
//! again and released once.

use entity::hold;
use entity::kind::HoldStatus;
use entity::scalar::Date;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use uuid::Uuid;

use super::decide::settle;
use crate::auth::Actor;
use crate::ledger;
use crate::problem::Error;
use crate::state::State;
use crate::work::UnitOfWork;

/// Holds of one tenant that one commit releases at the most, so that nobody waits for long.
const BATCH: usize = 200;

/// `$1` now → tenants with something to release, and their day.
const TENANTS: &str = "
    SELECT t.id, ($1::timestamptz AT TIME ZONE t.time_zone)::date FROM tenant t
    WHERE EXISTS (SELECT FROM hold h WHERE h.tenant_id = t.id AND h.status = 'open'
                  AND h.release_on <= ($1::timestamptz AT TIME ZONE t.time_zone)::date)
    ORDER BY t.id";

/// Releases all that are due, in every tenant. Returns how many.
pub async fn release(state: &State) -> Result<usize, Error> {
    let now = state.clock.now();
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, TENANTS, [now.into()]);
    let mut released = 0;
    for row in state.db.query_all_raw(statement).await? {
        let (tenant_id, today): (Uuid, Date) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        loop {
            let mut work = UnitOfWork::begin(state, &Actor::system(tenant_id)).await?;
            let (found, done) = stage(&mut work, today).await?;
            work.commit().await?;
            released += done;
            if found < BATCH {
                break;
            }
        }
    }
    Ok(released)
}

/// Stages the release of a batch. How many were found to be due, and how many of them still were once they were locked.
pub async fn stage(work: &mut UnitOfWork, today: Date) -> Result<(usize, usize), Error> {
    let condition = format!("status = 'open' AND release_on <= $2 ORDER BY release_on, id LIMIT {BATCH}");
    let found = work.fetch::<hold::Model>(&condition, [today.into()]).await?;
    ledger::load(work, found.iter().map(|hold| hold.user_id)).await?;
    work.load::<hold::Model>(found.iter().map(|hold| hold.id)).await?;
    ledger::load_about(work, found.iter().map(|hold| hold.activity_id)).await?;
    let due: Vec<hold::Model> = work
        .live::<hold::Model>()
        .filter(|hold| hold.status == HoldStatus::Open && hold.release_on <= today)
        .cloned()
        .collect();
    let done = due.len();
    for hold in due {
        let told = (
            format!("Nobody decided until {}, so the award passes", hold.release_on),
            format!("截至 {} 无人复核，自动通过", hold.release_on),
        );
        settle(work, hold, true, None, told)?;
    }
    Ok((found.len(), done))
}
