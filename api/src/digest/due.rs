//! Makes the summaries on Monday when work begins. Can run twice, on two servers, or days late: a tenant's week is done by
//! whoever writes its row, in the commit that writes the summaries. Of weeks that went by while no server ran, only the
//! present one is told.

use chrono_tz::Tz;
use entity::kind::Locale;
use entity::scalar::{Date, Timestamp};
use entity::shape::{SpecialDays, Week};
use entity::weekly_digest;
use futures_util::FutureExt;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use uuid::Uuid;

use super::gather::{gather, manager};
use crate::auth::Actor;
use crate::calendar::Calendar;
use crate::problem::Error;
use crate::state::State;
use crate::work::UnitOfWork;
use crate::write::whole;

/// Minutes after midnight at which Monday begins where the calendar has no work on it.
const MORNING: i64 = 8 * 60;

/// `$1` now → tenants that were there when this week began and have not been told, with their Monday and calendar.
const TENANTS: &str = "
    SELECT t.id, t.time_zone, d.monday, k.week, k.holidays, k.working_days
    FROM tenant t
    CROSS JOIN LATERAL (SELECT date_trunc('week', $1::timestamptz AT TIME ZONE t.time_zone)::date AS monday) d
    JOIN calendar k ON k.tenant_id = t.id AND k.id = t.id
    WHERE t.created_at < d.monday::timestamp AT TIME ZONE t.time_zone
      AND NOT EXISTS (SELECT FROM digest_week w WHERE w.tenant_id = t.id AND w.monday = d.monday)
    ORDER BY t.id";

const MANAGERS: &str = "
    SELECT u.id, u.locale FROM \"user\" u
    WHERE u.tenant_id = $1 AND u.role = 'manager' AND u.deleted_at IS NULL AND u.disabled_at IS NULL ORDER BY u.id";

/// Makes what is due in all tenants. Returns how many summaries.
///
/// # Errors
/// What the database refuses.
pub async fn make(state: &State) -> Result<usize, Error> {
    let now = state.clock.now();
    let asked = Statement::from_sql_and_values(DbBackend::Postgres, TENANTS, [now.into()]);
    let mut made = 0;
    for row in state.db.query_all_raw(asked).await? {
        let zone: String = row.try_get_by_index(1)?;
        let week: Week = row.try_get_by_index(3)?;
        let (holidays, working_days): (SpecialDays, SpecialDays) = (row.try_get_by_index(4)?, row.try_get_by_index(5)?);
        let calendar = Calendar::new(zone.parse().unwrap_or(Tz::UTC), &week, &holidays, &working_days);
        let monday: Date = row.try_get_by_index(2)?;
        if calendar.opens(monday, MORNING) <= now {
            made += of(state, row.try_get_by_index(0)?, monday).await?;
        }
    }
    Ok(made)
}

/// Makes a tenant's summaries of this Monday, unless somebody has.
async fn of(state: &State, tenant_id: Uuid, monday: Date) -> Result<usize, Error> {
    let asked = Statement::from_sql_and_values(DbBackend::Postgres, MANAGERS, [tenant_id.into()]);
    let mut digests = Vec::new();
    for row in state.db.query_all_raw(asked).await? {
        let (user_id, locale): (Uuid, Locale) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let figures = gather(state, &manager(tenant_id, user_id), monday).await?;
        digests.push(weekly_digest::Model {
            tenant_id,
            id: Uuid::now_v7(),
            revision: 0,
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
            deleted_at: None,
            user_id,
            monday,
            locale,
            figures,
        });
    }
    whole(state, &Actor::system(tenant_id), move |work| keep(work, monday, digests.clone()).boxed()).await
}

async fn keep(work: &mut UnitOfWork, monday: Date, digests: Vec<weekly_digest::Model>) -> Result<usize, Error> {
    let now = work.now;
    let first = "INSERT INTO digest_week (tenant_id, monday, made_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    let first = work.statement(first, [monday.into(), now.into()]);
    if work.connection().execute_raw(first).await?.rows_affected() == 0 {
        return Ok(0);
    }
    let made = digests.len();
    for digest in digests {
        work.put(digest);
    }
    Ok(made)
}
