//! Sessions: what one log-in on one device began. A session has a chain of refresh tokens, each good for one use; the
//! second use of one means that it was stolen, by whoever came first, and ends the session for both.
//!
//! Two uses are no theft. A client that sends the same refresh twice at the same moment: within `GRACE` of the first use
//! the second is refused with 409 and nothing ends. And a phone that lost the answer: as long as nobody used what came in
//! it, the successor or the access token (`delivered_at`), the token may be traded again, and that successor is void. If
//! that is used all the same, two hold the chain, and the session ends.

use chrono::{DateTime, TimeDelta, Utc};
use entity::scalar::Timestamp;
use poem_openapi::Object;
use sea_orm::DatabaseBackend::Postgres;
use sea_orm::{ConnectionTrait, Statement};
use uuid::Uuid;

use super::identity::Identity;
use super::secret::{Opaque, Purpose, Secret};
use super::token::{self, Claims};
use crate::problem::{Code, Error, Refusal};
use crate::write::hex;

/// A refresh token is good for so long, so a session ends after so long without use.
pub const LIFETIME: TimeDelta = TimeDelta::days(60);

/// How long after its use a refresh token's second use is taken for a repetition.
pub const GRACE: TimeDelta = TimeDelta::seconds(10);

/// What a logged-in client holds.
#[derive(Object, Clone, Debug)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct SessionTokens {
    /// Goes into `Authorization: Bearer …`.
    pub access_token: Secret,
    /// Seconds that the access token is good for.
    pub expires_in: i32,
    /// Good for one use at `POST /v1/auth/refresh`.
    pub refresh_token: Secret,
    pub refresh_expires_at: Timestamp,
    pub tenant_id: Uuid,
    pub user_id: Uuid,
    /// Of a log-in with a password and of an accepted invitation; absent otherwise, and then the one that you have stays. Keep
    /// it on the device, also when the session is over, and send it with the next log-in of the same user. It opens nothing;
    /// it shows that the device is no stranger, so that others who guess at the password cannot make it wait.
    pub device_token: Option<Secret>,
}

/// Begins a session of a user whose right to it the caller has established.
pub async fn open(
    db: &impl ConnectionTrait,
    identity: &Identity,
    (tenant_id, user_id): (Uuid, Uuid),
    device_name: Option<&str>,
    now: Timestamp,
) -> Result<SessionTokens, Error> {
    db.execute_raw(Statement::from_sql_and_values(
        Postgres,
        "DELETE FROM session WHERE tenant_id = $1 AND user_id = $2 AND (expires_at <= $3 OR ended_at IS NOT NULL)",
        [tenant_id.into(), user_id.into(), now.0.into()],
    ))
    .await?;
    let session_id = Uuid::now_v7();
    let refresh = Opaque::generate(Purpose::Refresh, tenant_id);
    db.execute_raw(Statement::from_sql_and_values(
        Postgres,
        "WITH opened AS ( \
             INSERT INTO session (tenant_id, id, user_id, device_name, created_at, expires_at, ended_at) \
             VALUES ($1, $2, $3, $4, $5, $6, NULL) RETURNING tenant_id, id) \
         INSERT INTO refresh_token (tenant_id, hash, session_id, issued_at, expires_at, used_at) \
         SELECT tenant_id, $7, id, $5, $6, NULL FROM opened",
        [
            tenant_id.into(),
            session_id.into(),
            user_id.into(),
            device_name.into(),
            now.0.into(),
            (now.0 + LIFETIME).into(),
            refresh.hash().into(),
        ],
    ))
    .await?;
    tokens(identity, refresh, user_id, session_id, now)
}

/// Trades a refresh token for new tokens.
///
/// # Errors
/// 401 for a token that is unknown, expired, used (which ends the session) or of a user who is disabled; 409 within
/// `GRACE` of its use.
pub async fn refresh(
    db: &impl ConnectionTrait,
    identity: &Identity,
    given: &Secret,
    now: Timestamp,
) -> Result<SessionTokens, Error> {
    let given = Opaque::parse(Purpose::Refresh, given.expose()).ok_or_else(over)?;
    let next = Opaque::generate(Purpose::Refresh, given.tenant_id);
    // One statement: either all of it happens, or none. Two that come at once queue at the token's row, and the second
    // finds it used.
    let rotated = db
        .query_one_raw(Statement::from_sql_and_values(
            Postgres,
            r#"WITH used AS (
                   UPDATE refresh_token r SET used_at = $3, successor = $5
                   WHERE r.tenant_id = $1 AND r.hash = $2 AND r.expires_at > $3
                     AND (r.used_at IS NULL OR r.used_at <= $6 AND EXISTS (
                         SELECT FROM refresh_token n
                         WHERE n.tenant_id = $1 AND n.hash = r.successor AND n.used_at IS NULL AND n.delivered_at IS NULL))
                   RETURNING r.tenant_id, r.session_id
               ), void AS (
                   -- Used without a successor: presenting it ends the session.
                   UPDATE refresh_token n SET used_at = $3 FROM used
                   WHERE n.tenant_id = $1 AND n.session_id = used.session_id AND n.hash <> $2 AND n.used_at IS NULL
               ), alive AS (
                   UPDATE session s SET expires_at = $4 FROM used, "user" u
                   WHERE s.tenant_id = $1 AND used.tenant_id = $1 AND u.tenant_id = $1
                     AND s.id = used.session_id AND s.ended_at IS NULL
                     AND u.id = s.user_id AND u.disabled_at IS NULL AND u.deleted_at IS NULL
                   RETURNING s.tenant_id, s.id, s.user_id
               ), issued AS (
                   INSERT INTO refresh_token (tenant_id, hash, session_id, issued_at, expires_at, used_at)
                   SELECT tenant_id, $5, id, $3, $4, NULL FROM alive
               )
               SELECT id, user_id FROM alive"#,
            [
                given.tenant_id.into(),
                given.hash().into(),
                now.0.into(),
                (now.0 + LIFETIME).into(),
                next.hash().into(),
                (now.0 - GRACE).into(),
            ],
        ))
        .await?;
    let Some(row) = rotated else { return Err(refused(db, identity, &given, now).await?.into()) };
    let (session_id, user_id) = (row.try_get("", "id")?, row.try_get("", "user_id")?);
    db.execute_raw(Statement::from_sql_and_values(
        Postgres,
        "DELETE FROM refresh_token WHERE tenant_id = $1 AND session_id = $2 AND expires_at <= $3",
        [given.tenant_id.into(), Uuid::into(session_id), now.0.into()],
    ))
    .await?;
    tokens(identity, next, user_id, session_id, now)
}

/// The role of an access token's user, if neither he nor the session has ended. Whoever uses the token has received the answer
/// that it came in, and so the refresh token beside it: that is noted.
pub async fn role_of_bearer(
    db: &impl ConnectionTrait,
    claims: &Claims,
    now: Timestamp,
) -> Result<Option<String>, Error> {
    let row = db
        .query_one_raw(Statement::from_sql_and_values(
            Postgres,
            r#"WITH noted AS (
                   UPDATE refresh_token SET delivered_at = $5
                   WHERE tenant_id = $1 AND hash = decode($4, 'hex') AND used_at IS NULL AND delivered_at IS NULL
               )
               SELECT u.role FROM session s
               JOIN "user" u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
               WHERE s.tenant_id = $1 AND s.id = $2 AND s.user_id = $3 AND s.ended_at IS NULL
                 AND u.disabled_at IS NULL AND u.deleted_at IS NULL"#,
            [claims.tid.into(), claims.sid.into(), claims.sub.into(), claims.rid.as_deref().into(), now.0.into()],
        ))
        .await?;
    Ok(row.map(|row| row.try_get("", "role")).transpose()?)
}

/// A browser's cookie is good for so long after the log-in.
pub const BROWSER_LIFETIME: TimeDelta = TimeDelta::days(7);

/// The session behind a browser's cookie, with its user and his role. The cookie is the refresh token with which the
/// session began, looked up and never traded: no script sees it, and several requests at once do not race for a successor.
pub async fn of_browser(
    db: &impl ConnectionTrait,
    given: &Opaque,
    now: Timestamp,
) -> Result<Option<(Uuid, Uuid, String)>, Error> {
    let row = db
        .query_one_raw(Statement::from_sql_and_values(
            Postgres,
            r#"SELECT s.id, s.user_id, u.role FROM refresh_token r
               JOIN session s ON s.tenant_id = r.tenant_id AND s.id = r.session_id
               JOIN "user" u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
               WHERE r.tenant_id = $1 AND s.tenant_id = $1 AND u.tenant_id = $1 AND r.hash = $2
                 AND r.used_at IS NULL AND r.expires_at > $3 AND r.issued_at > $4
                 AND s.ended_at IS NULL AND u.disabled_at IS NULL AND u.deleted_at IS NULL"#,
            [given.tenant_id.into(), given.hash().into(), now.0.into(), (now.0 - BROWSER_LIFETIME).into()],
        ))
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some((row.try_get("", "id")?, row.try_get("", "user_id")?, row.try_get("", "role")?)))
}

/// Why a token could not be traded. A second use ends the session.
async fn refused(
    db: &impl ConnectionTrait,
    identity: &Identity,
    given: &Opaque,
    now: Timestamp,
) -> Result<Refusal, Error> {
    let row = db
        .query_one_raw(Statement::from_sql_and_values(
            Postgres,
            "SELECT s.id, s.ended_at, r.used_at, r.expires_at FROM refresh_token r \
             JOIN session s ON s.tenant_id = r.tenant_id AND s.id = r.session_id \
             WHERE r.tenant_id = $1 AND r.hash = $2",
            [given.tenant_id.into(), given.hash().into()],
        ))
        .await?;
    let Some(row) = row else { return Ok(over()) };
    let session_id: Uuid = row.try_get("", "id")?;
    let ended: Option<DateTime<Utc>> = row.try_get("", "ended_at")?;
    let used: Option<DateTime<Utc>> = row.try_get("", "used_at")?;
    // The clocks of two servers may differ a little; a use in the future was a moment ago.
    match used {
        Some(used) if ended.is_none() && now.0 - used < GRACE && live(db, given.tenant_id, session_id).await? => {
            let detail = "This refresh token was used a moment ago. Use the tokens that the other request received; if \
                          they are lost, send it again in 10 s.";
            Ok(Refusal::conflict(Code::Conflict, detail))
        }
        Some(_) if ended.is_none() => {
            end(db, identity, given.tenant_id, session_id, now).await?;
            tracing::warn!(tenant = %given.tenant_id, session = %session_id, "a refresh token was used twice: its session has ended");
            Ok(over())
        }
        _ => Ok(over()),
    }
}

/// Whether the session's chain goes on: the token just used has a successor. It has none if the user was disabled.
async fn live(db: &impl ConnectionTrait, tenant_id: Uuid, session_id: Uuid) -> Result<bool, Error> {
    let statement = Statement::from_sql_and_values(
        Postgres,
        "SELECT 1 AS one FROM refresh_token WHERE tenant_id = $1 AND session_id = $2 AND used_at IS NULL LIMIT 1",
        [tenant_id.into(), session_id.into()],
    );
    Ok(db.query_one_raw(statement).await?.is_some())
}

/// Ends the session that a refresh token belongs to, whether or not the token could still be traded. A token that we do
/// not know ends nothing, which is no error: its session is over.
pub async fn log_out(
    db: &impl ConnectionTrait,
    identity: &Identity,
    given: &Secret,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(given) = Opaque::parse(Purpose::Refresh, given.expose()) else { return Ok(()) };
    let statement = Statement::from_sql_and_values(
        Postgres,
        "SELECT session_id FROM refresh_token WHERE tenant_id = $1 AND hash = $2",
        [given.tenant_id.into(), given.hash().into()],
    );
    match db.query_one_raw(statement).await? {
        Some(row) => end(db, identity, given.tenant_id, row.try_get("", "session_id")?, now).await,
        None => Ok(()),
    }
}

async fn end(
    db: &impl ConnectionTrait,
    identity: &Identity,
    tenant_id: Uuid,
    session_id: Uuid,
    now: Timestamp,
) -> Result<(), Error> {
    db.execute_raw(Statement::from_sql_and_values(
        Postgres,
        "UPDATE session SET ended_at = $3 WHERE tenant_id = $1 AND id = $2 AND ended_at IS NULL",
        [tenant_id.into(), session_id.into(), now.0.into()],
    ))
    .await?;
    identity.forget_session(session_id);
    Ok(())
}

/// Ends a user's sessions, all but `kept`. Access tokens stop within `identity::TRUST`; `Identity::forget`, called after
/// the commit, stops them on this server at once.
pub async fn end_all(
    db: &impl ConnectionTrait,
    tenant_id: Uuid,
    user_id: Uuid,
    kept: Option<Uuid>,
    now: Timestamp,
) -> Result<(), Error> {
    db.execute_raw(Statement::from_sql_and_values(
        Postgres,
        "UPDATE session SET ended_at = $3 \
         WHERE tenant_id = $1 AND user_id = $2 AND ended_at IS NULL AND ($4::uuid IS NULL OR id <> $4)",
        [tenant_id.into(), user_id.into(), now.0.into(), kept.into()],
    ))
    .await?;
    Ok(())
}

fn tokens(
    identity: &Identity,
    refresh: Opaque,
    user_id: Uuid,
    session_id: Uuid,
    now: Timestamp,
) -> Result<SessionTokens, Error> {
    let issued = now.0.timestamp();
    let claims = Claims {
        iss: identity.issuer.clone(),
        aud: identity.audience.clone(),
        sub: user_id,
        tid: refresh.tenant_id,
        sid: session_id,
        rid: Some(hex(&refresh.hash())),
        iat: issued,
        exp: issued + token::LIFETIME.num_seconds(),
    };
    Ok(SessionTokens {
        access_token: identity.keys.sign(&claims)?,
        expires_in: i32::try_from(token::LIFETIME.num_seconds()).unwrap_or(i32::MAX),
        refresh_expires_at: (now.0 + LIFETIME).into(),
        tenant_id: refresh.tenant_id,
        refresh_token: refresh.into_secret(),
        user_id,
        device_token: None,
    })
}

fn over() -> Refusal {
    Refusal::unauthorized("This session is over. Log in again.")
}
