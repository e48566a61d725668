//! Sign-ins under way: kept from when they begin until the provider's answer comes, by whichever server. Each is good once.

use chrono::TimeDelta;
use entity::scalar::Timestamp;
use sea_orm::DatabaseBackend::Postgres;
use sea_orm::{ConnectionTrait, Statement};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::auth::Secret;
use crate::auth::secret::{Opaque, Purpose};
use crate::problem::Error;

/// Long enough for a second factor.
pub const LIFETIME: TimeDelta = TimeDelta::minutes(10);

/// What only the server knows of a sign-in, but for `state` and `nonce`, which the browser carries.
pub struct Attempt {
    /// The provider that it began with.
    pub issuer: String,
    pub client_id: String,
    pub state: String,
    pub nonce: String,
    /// Of PKCE.
    pub verifier: Secret,
    pub redirect_uri: String,
}

/// Keeps it; the token that ends it.
pub async fn keep(
    db: &impl ConnectionTrait,
    tenant_id: Uuid,
    attempt: Attempt,
    now: Timestamp,
) -> Result<(Secret, Timestamp), Error> {
    forget(db, tenant_id, now).await?;
    let (token, expires) = (Opaque::generate(Purpose::SignIn, tenant_id), Timestamp::from(now.0 + LIFETIME));
    db.execute_raw(Statement::from_sql_and_values(
        Postgres,
        "INSERT INTO sign_in (tenant_id, hash, issuer, client_id, state, nonce, verifier, redirect_uri, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        [
            tenant_id.into(),
            token.hash().into(),
            attempt.issuer.into(),
            attempt.client_id.into(),
            attempt.state.into(),
            attempt.nonce.into(),
            attempt.verifier.expose().into(),
            attempt.redirect_uri.into(),
            expires.into(),
        ],
    ))
    .await?;
    Ok((token.into_secret(), expires))
}

/// Takes it away; `None` if it is unknown, over, was taken before, or `state` is not the one that it began with.
pub async fn take(
    db: &impl ConnectionTrait,
    token: &Opaque,
    state: &str,
    now: Timestamp,
) -> Result<Option<Attempt>, Error> {
    let row = db
        .query_one_raw(Statement::from_sql_and_values(
            Postgres,
            "DELETE FROM sign_in WHERE tenant_id = $1 AND hash = $2 AND expires_at > $3 \
             RETURNING issuer, client_id, state, nonce, verifier, redirect_uri",
            [token.tenant_id.into(), token.hash().into(), now.into()],
        ))
        .await?;
    let Some(row) = row else { return Ok(None) };
    let attempt = Attempt {
        issuer: row.try_get("", "issuer")?,
        client_id: row.try_get("", "client_id")?,
        state: row.try_get("", "state")?,
        nonce: row.try_get("", "nonce")?,
        verifier: Secret::new(row.try_get::<String>("", "verifier")?),
        redirect_uri: row.try_get("", "redirect_uri")?,
    };
    // By digest, so that the time it takes tells nothing.
    Ok((Sha256::digest(&attempt.state) == Sha256::digest(state)).then_some(attempt))
}

/// Removes what is over; run whenever one begins, which is often enough.
async fn forget(db: &impl ConnectionTrait, tenant_id: Uuid, now: Timestamp) -> Result<(), Error> {
    let sql = "DELETE FROM sign_in WHERE tenant_id = $1 AND expires_at <= $2";
    db.execute_raw(Statement::from_sql_and_values(Postgres, sql, [tenant_id.into(), now.into()])).await?;
    Ok(())
}
