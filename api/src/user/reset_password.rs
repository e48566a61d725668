//! Letting somebody in who cannot get in: with an invitation to set a password himself, or with a password. Either way
//! whoever was logged in as him no longer is.

use sea_orm::{ConnectionTrait, DbErr};
use sea_orm::{DatabaseTransaction, DbBackend, Statement, TransactionTrait};
use uuid::Uuid;

use crate::auth::{Secret, credential, invitation, session};
use crate::problem::Error;
use crate::state::State;

/// Takes the password away and answers an invitation in its place. Call it inside `State::run`.
pub async fn invite(state: &State, tenant_id: Uuid, user_id: Uuid) -> Result<Secret, Error> {
    let tx = begin(state, tenant_id, user_id).await?;
    let token = invitation::create(&tx, tenant_id, user_id, state.clock.now()).await?;
    tx.commit().await?;
    state.identity.forget(tenant_id, user_id);
    Ok(token)
}

/// Gives him this password; open invitations are void. Call it inside `State::run`.
///
/// # Errors
/// 422 for a password that must not be one, 404 for an unknown user.
pub async fn set(state: &State, tenant_id: Uuid, user_id: Uuid, password: &Secret) -> Result<(), Error> {
    let tx = begin(state, tenant_id, user_id).await?;
    let hasher = &state.identity.hasher;
    credential::set_password(&tx, hasher, tenant_id, user_id, password, state.clock.now()).await?;
    tx.commit().await?;
    state.identity.forget(tenant_id, user_id);
    Ok(())
}

/// A transaction in which nothing lets the user in any more.
async fn begin(state: &State, tenant_id: Uuid, user_id: Uuid) -> Result<DatabaseTransaction, Error> {
    let tx = state.db.begin().await?;
    delete(&tx, "DELETE FROM password WHERE tenant_id = $1 AND user_id = $2", tenant_id, user_id).await?;
    delete(&tx, "DELETE FROM invitation WHERE tenant_id = $1 AND user_id = $2", tenant_id, user_id).await?;
    session::end_all(&tx, tenant_id, user_id, None, state.clock.now()).await?;
    Ok(tx)
}

async fn delete(tx: &DatabaseTransaction, sql: &str, tenant_id: Uuid, user_id: Uuid) -> Result<(), DbErr> {
    let values = [tenant_id.into(), user_id.into()];
    tx.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await.map(drop)
}
