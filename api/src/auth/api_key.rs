//! API keys: long-lived bearers for programs. Each belongs to a user of role `integration`, is shown once, is kept as a
//! hash and can be revoked.

use chrono::{DateTime, TimeDelta, Utc};
use entity::kind::{Locale, Role};
use entity::scalar::{Email, Line, Timestamp};
use poem_openapi::{Enum, Object};
use sea_orm::DatabaseBackend::Postgres;
use sea_orm::{ConnectionTrait, FromQueryResult, Statement};
use uuid::Uuid;

use super::secret::{Opaque, Purpose, Secret};
use crate::problem::{Error, Refusal};
use crate::user;
use crate::user::create::NewUser;
use crate::work::UnitOfWork;

/// `lastUsedAt` is written at most so often.
const USE_NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// The most that a list shows; a tenant has a handful.
const LISTED: i64 = 1000;

/// What a key may do.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[oai(rename_all = "snake_case")]
pub enum ApiKeyScope {
    /// GET.
    Read,
    /// Everything else.
    Write,
}

impl ApiKeyScope {
    fn as_str(self) -> &'static str {
        match self {
            ApiKeyScope::Read => "read",
            ApiKeyScope::Write => "write",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [ApiKeyScope::Read, ApiKeyScope::Write].into_iter().find(|scope| scope.as_str() == text)
    }
}

/// An API key, without the key.
#[derive(Object, Clone, Debug)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct ApiKey {
    pub id: Uuid,
    /// The integration user whom it acts as.
    pub user_id: Uuid,
    pub name: String,
    /// The key's first characters, to tell keys apart.
    pub prefix: String,
    pub scopes: Vec<ApiKeyScope>,
    pub created_at: Timestamp,
    /// To the minute.
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

/// The tenant's API keys.
#[derive(Object, Clone, Debug)]
pub struct ApiKeyList {
    /// The newest first, at most 1,000, revoked ones among them.
    pub items: Vec<ApiKey>,
}

/// A key to be made.
#[derive(Object, Clone, Debug)]
#[oai(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateApiKey {
    /// An integration that has a key already, such as to replace that key. By default the key gets an integration user of
    /// its own, with the key's name.
    pub user_id: Option<Uuid>,
    /// What it is for.
    pub name: Line,
    #[oai(validator(min_items = 1, max_items = 2, unique_items))]
    pub scopes: Vec<ApiKeyScope>,
}

/// A key just made.
#[derive(Object, Clone, Debug)]
#[oai(rename_all = "camelCase")]
pub struct CreatedApiKey {
    /// Goes into `Authorization: Bearer …`. Keep it: it is not to be had again.
    pub key: Secret,
    pub api_key: ApiKey,
}

/// Stages a key, and the integration whose it is unless that is named.
///
/// # Errors
/// 422 if the user named is no active user of role `integration`.
pub async fn create(work: &mut UnitOfWork, wanted: CreateApiKey) -> Result<CreatedApiKey, Error> {
    let user_id = match wanted.user_id {
        Some(id) => integration(work, id).await?,
        None => {
            // It neither logs in nor reads mail: an address in a domain that never exists (RFC 2606) keeps the place.
            let email = Email::parse(&format!("{}@integration.invalid", Uuid::now_v7())).map_err(Error::Internal)?;
            let (role, locale) = (Role::Integration, Locale::En);
            let new = NewUser { email, name: wanted.name.clone(), role, locale, team: None, external_id: None };
            user::create::create(work, new).await?.id
        }
    };
    let key = Opaque::generate(Purpose::ApiKey, work.actor.tenant_id);
    let api_key = ApiKey {
        id: Uuid::now_v7(),
        user_id,
        name: wanted.name.0,
        prefix: key.shown_prefix(),
        scopes: wanted.scopes,
        created_at: work.now,
        last_used_at: None,
        revoked_at: None,
    };
    let scopes: Vec<String> = api_key.scopes.iter().map(|scope| scope.as_str().to_owned()).collect();
    work.once_written(
        "INSERT INTO api_key (tenant_id, id, user_id, name, prefix, hash, scopes, created_at, revoked_at, last_used_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL, NULL)",
        [
            api_key.id.into(),
            user_id.into(),
            api_key.name.as_str().into(),
            api_key.prefix.as_str().into(),
            key.hash().into(),
            scopes.into(),
            work.now.0.into(),
        ],
    );
    Ok(CreatedApiKey { key: key.into_secret(), api_key })
}

async fn integration(work: &mut UnitOfWork, id: Uuid) -> Result<Uuid, Error> {
    work.load_shared::<entity::user::Model>([id]).await?;
    let stands = |user: &&entity::user::Model| {
        user.role == Role::Integration && user.disabled_at.is_none() && user.deleted_at.is_none()
    };
    let detail = "Must be an active user of role integration. Leave it out, and the key gets one of its own.";
    let found = work.get::<entity::user::Model>(id).filter(stands).map(|user| user.id);
    Ok(found.ok_or_else(|| Refusal::invalid("/userId", detail))?)
}

pub async fn list(db: &impl ConnectionTrait, tenant_id: Uuid) -> Result<ApiKeyList, Error> {
    let rows = db
        .query_all_raw(Statement::from_sql_and_values(
            Postgres,
            "SELECT id, user_id, name, prefix, scopes, created_at, last_used_at, revoked_at FROM api_key \
             WHERE tenant_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2",
            [tenant_id.into(), LISTED.into()],
        ))
        .await?;
    let items = rows.iter().map(|row| {
        let scopes: Vec<String> = row.try_get("", "scopes")?;
        Ok(ApiKey {
            id: row.try_get("", "id")?,
            user_id: row.try_get("", "user_id")?,
            name: row.try_get("", "name")?,
            prefix: row.try_get("", "prefix")?,
            scopes: scopes.iter().filter_map(|scope| ApiKeyScope::parse(scope)).collect(),
            created_at: row.try_get("", "created_at")?,
            last_used_at: row.try_get("", "last_used_at")?,
            revoked_at: row.try_get("", "revoked_at")?,
        })
    });
    Ok(ApiKeyList { items: items.collect::<Result<_, Error>>()? })
}

/// Revokes a key; doing it again changes nothing. `Identity::forget_session` with its id stops it on this server at once.
///
/// # Errors
/// 404 if there is no such key.
pub async fn revoke(db: &impl ConnectionTrait, tenant_id: Uuid, id: Uuid, now: Timestamp) -> Result<(), Error> {
    let revoked = db
        .execute_raw(Statement::from_sql_and_values(
            Postgres,
            "UPDATE api_key SET revoked_at = COALESCE(revoked_at, $3) WHERE tenant_id = $1 AND id = $2",
            [tenant_id.into(), id.into(), now.0.into()],
        ))
        .await?;
    if revoked.rows_affected() == 0 { Err(Refusal::not_found("API key").into()) } else { Ok(()) }
}

/// A key that stands, of a user who stands.
#[derive(FromQueryResult)]
pub struct Standing {
    pub id: Uuid,
    pub user_id: Uuid,
    pub role: String,
    scopes: Vec<String>,
    last_used_at: Option<DateTime<Utc>>,
}

impl Standing {
    pub fn may(&self, scope: ApiKeyScope) -> bool {
        self.scopes.iter().any(|own| own == scope.as_str())
    }
}

/// Looks a presented key up, and notes its use.
pub async fn find(db: &impl ConnectionTrait, key: &Opaque, now: Timestamp) -> Result<Option<Standing>, Error> {
    let statement = Statement::from_sql_and_values(
        Postgres,
        r#"SELECT k.id, k.user_id, u.role, k.scopes, k.last_used_at FROM api_key k
           JOIN "user" u ON u.tenant_id = k.tenant_id AND u.id = k.user_id
           WHERE k.tenant_id = $1 AND k.hash = $2 AND k.revoked_at IS NULL
             AND u.disabled_at IS NULL AND u.deleted_at IS NULL"#,
        [key.tenant_id.into(), key.hash().into()],
    );
    let Some(found) = Standing::find_by_statement(statement).one(db).await? else { return Ok(None) };
    if found.last_used_at.is_none_or(|at| now.0 - at >= USE_NOTED_EVERY) {
        db.execute_raw(Statement::from_sql_and_values(
            Postgres,
            "UPDATE api_key SET last_used_at = $3 WHERE tenant_id = $1 AND id = $2",
            [key.tenant_id.into(), found.id.into(), now.0.into()],
        ))
        .await?;
    }
    Ok(Some(found))
}
