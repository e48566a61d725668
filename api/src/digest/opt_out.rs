//! Who wants no summary by mail.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use uuid::Uuid;

use crate::auth::Actor;
use crate::state::State;

/// Whether this user is mailed.
///
/// # Errors
/// What the database refuses.
pub async fn is_mailed(state: &State, tenant_id: Uuid, user_id: Uuid) -> Result<bool, DbErr> {
    let sql = "SELECT NOT EXISTS (SELECT FROM digest_opt_out WHERE tenant_id = $1 AND user_id = $2)";
    let asked = Statement::from_sql_and_values(DbBackend::Postgres, sql, [tenant_id.into(), user_id.into()]);
    state.db.query_one_raw(asked).await?.map_or(Ok(true), |row| row.try_get_by_index(0))
}

/// From the next summary on.
///
/// # Errors
/// What the database refuses.
pub async fn set(state: &State, actor: &Actor, is_mailed: bool) -> Result<(), DbErr> {
    let mut values = vec![actor.tenant_id.into(), actor.user_id.into()];
    let sql = if is_mailed {
        "DELETE FROM digest_opt_out WHERE tenant_id = $1 AND user_id = $2"
    } else {
        values.push(state.clock.now().into());
        "INSERT INTO digest_opt_out (tenant_id, user_id, since) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
    };
    state.db.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await.map(drop)
}
