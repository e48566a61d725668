//! Where password hashes are kept, and whose they are. What a password must be like and how it is hashed: `password`.

use chrono::{DateTime, Utc};
use entity::scalar::Timestamp;
use sea_orm::DatabaseBackend::Postgres;
use sea_orm::{ConnectionTrait, FromQueryResult, Statement};
use uuid::Uuid;

use super::password::{self, Hasher};
use super::secret::Secret;
use crate::problem::{Error, Refusal};

/// A user as the log-in sees him.
#[derive(FromQueryResult)]
pub struct Credential {
    pub user_id: Uuid,
    pub email: String,
    /// The tenant's slug.
    pub slug: String,
    pub disabled_at: Option<DateTime<Utc>>,
    /// None until an invitation was accepted.
    pub hash: Option<String>,
}

macro_rules! select {
    ($condition:literal) => {
        concat!(
            r#"SELECT u.id AS user_id, u.email, t.slug, u.disabled_at, p.hash FROM "user" u
               JOIN tenant t ON t.id = u.tenant_id
               LEFT JOIN password p ON p.tenant_id = u.tenant_id AND p.user_id = u.id
               WHERE u.tenant_id = $1 AND u.deleted_at IS NULL AND "#,
            $condition
        )
    };
}

/// The id of the tenant with this slug.
pub async fn tenant(db: &impl ConnectionTrait, slug: &str) -> Result<Option<Uuid>, Error> {
    let statement = Statement::from_sql_and_values(Postgres, "SELECT id FROM tenant WHERE slug = $1", [slug.into()]);
    Ok(db.query_one_raw(statement).await?.map(|row| row.try_get("", "id")).transpose()?)
}

/// `email` in lower case.
pub async fn by_email(db: &impl ConnectionTrait, tenant_id: Uuid, email: &str) -> Result<Option<Credential>, Error> {
    let values = [tenant_id.into(), email.into()];
    let statement = Statement::from_sql_and_values(Postgres, select!("u.email = $2"), values);
    Ok(Credential::find_by_statement(statement).one(db).await?)
}

pub async fn by_user(db: &impl ConnectionTrait, tenant_id: Uuid, user_id: Uuid) -> Result<Option<Credential>, Error> {
    let values = [tenant_id.into(), user_id.into()];
    let statement = Statement::from_sql_and_values(Postgres, select!("u.id = $2"), values);
    Ok(Credential::find_by_statement(statement).one(db).await?)
}

/// Gives a user a password, in place of the one that he may have. Sessions go on: `session::end_all` ends them.
///
/// # Errors
/// 422 for a password that must not be one, 404 for an unknown user.
pub async fn set_password(
    db: &impl ConnectionTrait,
    hasher: &Hasher,
    tenant_id: Uuid,
    user_id: Uuid,
    password: &Secret,
    now: Timestamp,
) -> Result<(), Error> {
    let user = by_user(db, tenant_id, user_id).await?.ok_or_else(|| Refusal::not_found("user"))?;
    password::check(password, &user.email, &user.slug)?;
    let hash = hasher.hash(password).await?;
    store(db, tenant_id, &[user_id], &hash, now).await
}

/// Keeps a hash for each of these users. Whether its password is acceptable was checked before.
pub async fn store(
    db: &impl ConnectionTrait,
    tenant_id: Uuid,
    user_ids: &[Uuid],
    hash: &str,
    now: Timestamp,
) -> Result<(), Error> {
    db.execute_raw(Statement::from_sql_and_values(
        Postgres,
        "INSERT INTO password (tenant_id, user_id, hash, changed_at) SELECT $1, u.id, $3, $4 FROM unnest($2) AS u(id) \
         ON CONFLICT (tenant_id, user_id) DO UPDATE SET hash = $3, changed_at = $4",
        [tenant_id.into(), user_ids.to_vec().into(), hash.into(), now.0.into()],
    ))
    .await?;
    Ok(())
}
