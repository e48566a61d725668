//! Invitations: a token with which a user sets a password without having one, the first time or after forgetting it.

use chrono::TimeDelta;
use entity::scalar::Timestamp;
use sea_orm::DatabaseBackend::Postgres;
use sea_orm::{ConnectionTrait, Statement};
use uuid::Uuid;

use super::secret::{Opaque, Purpose, Secret};
use crate::problem::{Error, Refusal};

/// How long an invitation may be accepted.
pub const LIFETIME: TimeDelta = TimeDelta::days(7);

/// Invites a user; an earlier invitation of his is void. The token is handed to him and not to be had again.
pub async fn create(
    db: &impl ConnectionTrait,
    tenant_id: Uuid,
    user_id: Uuid,
    now: Timestamp,
) -> Result<Secret, Error> {
    let token = Opaque::generate(Purpose::Invitation, tenant_id);
    db.execute_raw(Statement::from_sql_and_values(
        Postgres,
        "INSERT INTO invitation (tenant_id, user_id, hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (tenant_id, user_id) DO UPDATE SET hash = $3, created_at = $4, expires_at = $5",
        [tenant_id.into(), user_id.into(), token.hash().into(), now.0.into(), (now.0 + LIFETIME).into()],
    ))
    .await?;
    Ok(token.into_secret())
}

/// Uses an invitation up: who was invited, as tenant and user.
///
/// # Errors
/// 401 if it is unknown, used, expired, or its user disabled.
pub async fn redeem(db: &impl ConnectionTrait, given: &Secret, now: Timestamp) -> Result<(Uuid, Uuid), Error> {
    let void =
        || Refusal::unauthorized("This invitation is used, replaced or expired. Ask an administrator for a new one.");
    let given = Opaque::parse(Purpose::Invitation, given.expose()).ok_or_else(void)?;
    let row = db
        .query_one_raw(Statement::from_sql_and_values(
            Postgres,
            r#"DELETE FROM invitation i USING "user" u
               WHERE i.tenant_id = $1 AND i.hash = $2 AND i.expires_at > $3
                 AND u.tenant_id = $1 AND u.id = i.user_id AND u.disabled_at IS NULL AND u.deleted_at IS NULL
               RETURNING i.user_id"#,
            [given.tenant_id.into(), given.hash().into(), now.0.into()],
        ))
        .await?
        .ok_or_else(void)?;
    Ok((given.tenant_id, row.try_get("", "user_id")?))
}
