//! Forgets old tombstones and receipts. A device that was away for longer pulls again from the beginning.

use chrono::TimeDelta;
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::problem::Error;
use crate::state::State;

/// How long a tombstone and a receipt are kept, in days.
pub const KEPT_DAYS: i64 = 90;

/// `$1` the moment before which tombstones go. The newest number that goes is remembered first: an older cursor then
/// answers 410 instead of missing a deletion.
const TOMBSTONES: &str = "
    WITH old AS (
        SELECT tenant_id, max(seq) AS seq FROM feed WHERE document IS NULL AND changed_at < $1 GROUP BY tenant_id
    ), marked AS (
        UPDATE sync_clock c SET pruned = greatest(c.pruned, old.seq) FROM old WHERE c.tenant_id = old.tenant_id
        RETURNING c.tenant_id
    )
    DELETE FROM feed f USING marked m WHERE f.tenant_id = m.tenant_id AND f.document IS NULL AND f.changed_at < $1";

/// A revoked grant is a tombstone of a whole scope: it goes when no cursor can be older.
const GRANTS: &str = "
    DELETE FROM scope_grant g USING sync_clock c WHERE c.tenant_id = g.tenant_id AND g.revoked IS NOT NULL AND g.revoked <= c.pruned";

const RECEIPTS: &str = "DELETE FROM receipt WHERE created_at < $1";

/// Runs on any server, as often as one likes.
pub async fn expire(state: &State) -> Result<(), Error> {
    let before: entity::scalar::Timestamp = (state.clock.now().0 - TimeDelta::days(KEPT_DAYS)).into();
    for (sql, values) in [(TOMBSTONES, vec![before.into()]), (GRANTS, vec![]), (RECEIPTS, vec![before.into()])] {
        state.db.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
    }
    Ok(())
}
