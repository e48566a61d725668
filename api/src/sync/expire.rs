//! Forgets old tombstones, receipts and deliveries. A device that was away for longer pulls again from the beginning.

use chrono::TimeDelta;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use uuid::Uuid;

use crate::problem::Error;
use crate::state::State;
use crate::webhook::log;

/// How long a tombstone and a receipt are kept, in days.
pub const KEPT_DAYS: i64 = 90;

/// `$1` the moment before which tombstones go → the tenants that have some.
const TENANTS: &str = "
    SELECT tenant_id FROM sync_clock c WHERE EXISTS (
        SELECT FROM feed f WHERE f.tenant_id = c.tenant_id AND f.document IS NULL AND f.changed_at < $1)
    ORDER BY tenant_id";

/// `$1` tenant, `$2` the moment. The newest number that goes is remembered first: an older cursor then answers 410 instead
/// of missing a deletion. One tenant a statement, for it holds the tenant's clock, and with it everybody who writes.
const TOMBSTONES: &str = "
    WITH old AS (
        SELECT max(seq) AS seq FROM feed WHERE tenant_id = $1 AND document IS NULL AND changed_at < $2
    ), marked AS (
        UPDATE sync_clock c SET pruned = greatest(c.pruned, old.seq) FROM old
        WHERE c.tenant_id = $1 AND old.seq IS NOT NULL
        RETURNING c.tenant_id
    )
    DELETE FROM feed f USING marked m
    WHERE f.tenant_id = $1 AND f.tenant_id = m.tenant_id AND f.document IS NULL AND f.changed_at < $2";

/// A revoked grant is a tombstone of a whole scope: it goes when no cursor can be older. `$1` tenant.
const GRANTS: &str = "
    DELETE FROM scope_grant g USING sync_clock c
    WHERE g.tenant_id = $1 AND c.tenant_id = $1 AND g.revoked IS NOT NULL AND g.revoked <= c.pruned";

const RECEIPTS: &str = "DELETE FROM receipt WHERE created_at < $1";

/// Runs on any server, as often as one likes.
pub async fn expire(state: &State) -> Result<(), Error> {
    let before: entity::scalar::Timestamp = (state.clock.now().0 - TimeDelta::days(KEPT_DAYS)).into();
    let statement = |sql, values: Vec<sea_orm::Value>| Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    for row in state.db.query_all_raw(statement(TENANTS, vec![before.into()])).await? {
        let tenant_id: Uuid = row.try_get_by_index(0)?;
        state.db.execute_raw(statement(TOMBSTONES, vec![tenant_id.into(), before.into()])).await?;
        state.db.execute_raw(statement(GRANTS, vec![tenant_id.into()])).await?;
    }
    state.db.execute_raw(statement(RECEIPTS, vec![before.into()])).await?;
    log::forget(&state.db, (state.clock.now().0 - TimeDelta::days(log::KEPT_DAYS)).into()).await?;
    Ok(())
}
