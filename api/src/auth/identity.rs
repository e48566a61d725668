//! What a server needs to know who is asking: keys, settings, and what it has proven in the last seconds.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use entity::kind::Role;
use entity::scalar::Timestamp;
use moka::sync::Cache;
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::actor::{Actor, Proof};
use super::address::Network;
use super::api_key::{self, ApiKeyScope};
use super::password::Hasher;
use super::secret::{Opaque, Purpose, digest};
use super::session;
use super::token::{Claims, Keys};
use crate::http::rate::{PER_MINUTE, Rate};
use crate::problem::{Error, Refusal};

/// How long a proof is believed without asking the database again: a disabled user, an ended session and a revoked key
/// are out on every server after so long.
pub const TRUST: Duration = Duration::from_secs(20);

/// Proofs kept, some 200 bytes each.
const REMEMBERED: u64 = 100_000;

pub struct Identity {
    pub keys: Keys,
    pub hasher: Hasher,
    /// `iss` of access tokens.
    pub issuer: String,
    /// `aud` of access tokens.
    pub audience: String,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// How often a token may ask.
    pub rate: Rate,
    /// By SHA-256 of the bearer, so that a dump of the memory holds fewer of them.
    proofs: Cache<[u8; 32], Remembered>,
    /// Counts what was forgotten, so that a proof read before is not remembered after.
    forgotten: AtomicU64,
}

#[derive(Clone)]
struct Remembered {
    proof: Proof,
    /// None for an API key.
    claims: Option<Claims>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("keys", &self.keys)
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .field("trusted_proxies", &self.trusted_proxies)
            .finish_non_exhaustive()
    }
}

impl Identity {
    pub fn new(keys: Keys, issuer: &str, audience: &str, trusted_proxies: Vec<Network>) -> Self {
        let proofs = Cache::builder().max_capacity(REMEMBERED).time_to_live(TRUST).support_invalidation_closures();
        Identity {
            keys,
            hasher: Hasher::new(),
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            trusted_proxies,
            rate: Rate::new(PER_MINUTE),
            proofs: proofs.build(),
            forgotten: AtomicU64::new(0),
        }
    }

    /// Who the bearer (an access token or an API key) is. Usually that is remembered, and costs one hash and one look-up.
    ///
    /// # Errors
    /// 401 for whatever is not good at `now`.
    pub async fn prove(&self, db: &impl ConnectionTrait, bearer: &str, now: Timestamp) -> Result<Proof, Error> {
        let key = digest(bearer);
        if let Some(known) = self.proofs.get(&key) {
            return match known.claims {
                Some(claims) if claims.expired(now) => Err(expired().into()),
                _ => Ok(known.proof),
            };
        }
        let forgotten = self.forgotten.load(Ordering::SeqCst);
        let found = match Opaque::parse(Purpose::ApiKey, bearer) {
            Some(opaque) => self.of_api_key(db, &opaque, now).await?,
            None if bearer.starts_with(Purpose::ApiKey.prefix()) => return Err(no_key().into()),
            None => self.of_token(db, bearer, now).await?,
        };
        if self.forgotten.load(Ordering::SeqCst) == forgotten {
            self.proofs.insert(key, found.clone());
        }
        Ok(found.proof)
    }

    /// Who the browser is that sends this cookie. Only pages ask: the API knows no cookies, so that no other site can make
    /// a browser call it.
    ///
    /// # Errors
    /// 401 for whatever is not good at `now`.
    pub async fn prove_browser(&self, db: &impl ConnectionTrait, cookie: &str, now: Timestamp) -> Result<Proof, Error> {
        let over = || Refusal::unauthorized("This session is over. Log in again.");
        let opaque = Opaque::parse(Purpose::Refresh, cookie).ok_or_else(over)?;
        // Apart from bearers, or a cookie could be used as one for as long as it is remembered.
        let key = digest(&format!("browser {cookie}"));
        if let Some(known) = self.proofs.get(&key) {
            return Ok(known.proof);
        }
        let forgotten = self.forgotten.load(Ordering::SeqCst);
        let (session_id, user_id, named) = session::of_browser(db, &opaque, now).await?.ok_or_else(over)?;
        let actor = Actor { tenant_id: opaque.tenant_id, user_id, role: role(&named)?, may_write: true };
        let proof = Proof { actor, session_id, may_read: true, is_api_key: false };
        if self.forgotten.load(Ordering::SeqCst) == forgotten {
            self.proofs.insert(key, Remembered { proof: proof.clone(), claims: None });
        }
        Ok(proof)
    }

    /// Makes the next request of this user ask the database. Call it after committing a change to him.
    pub fn forget(&self, tenant_id: Uuid, user_id: Uuid) {
        self.forget_if(move |proof| proof.actor.tenant_id == tenant_id && proof.actor.user_id == user_id);
    }

    /// The same for one session or one API key.
    pub fn forget_session(&self, id: Uuid) {
        self.forget_if(move |proof| proof.session_id == id);
    }

    fn forget_if(&self, is_meant: impl Fn(&Proof) -> bool + Send + Sync + 'static) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        let noted = self.proofs.invalidate_entries_if(move |_, known| is_meant(&known.proof));
        noted.expect("the cache was built with support for this");
    }

    async fn of_api_key(&self, db: &impl ConnectionTrait, key: &Opaque, now: Timestamp) -> Result<Remembered, Error> {
        let found = api_key::find(db, key, now).await?;
        let found = found.ok_or_else(no_key)?;
        let proof = Proof {
            actor: Actor {
                tenant_id: key.tenant_id,
                user_id: found.user_id,
                role: role(&found.role)?,
                may_write: found.may(ApiKeyScope::Write),
            },
            session_id: found.id,
            may_read: found.may(ApiKeyScope::Read),
            is_api_key: true,
        };
        Ok(Remembered { proof, claims: None })
    }

    async fn of_token(&self, db: &impl ConnectionTrait, token: &str, now: Timestamp) -> Result<Remembered, Error> {
        let claims = self.keys.verify(token, &self.issuer, &self.audience);
        let claims = claims.ok_or_else(|| Refusal::unauthorized("This access token is not one of ours. Log in."))?;
        if claims.expired(now) {
            return Err(expired().into());
        }
        let role_name = session::role_of_bearer(db, &claims, now).await?;
        let role_name = role_name.ok_or_else(|| Refusal::unauthorized("This session is over. Log in again."))?;
        let actor = Actor { tenant_id: claims.tid, user_id: claims.sub, role: role(&role_name)?, may_write: true };
        let proof = Proof { actor, session_id: claims.sid, may_read: true, is_api_key: false };
        Ok(Remembered { proof, claims: Some(claims) })
    }
}

fn role(text: &str) -> Result<Role, Error> {
    Role::parse(text).ok_or_else(|| Error::Internal(format!("a user has the unknown role {text}")))
}

fn no_key() -> Refusal {
    Refusal::unauthorized(
        "This API key is unknown or revoked, or its user disabled. An administrator makes another one.",
    )
}

fn expired() -> Refusal {
    Refusal::unauthorized("The access token has expired. Refresh it at POST /v1/auth/refresh.")
}
