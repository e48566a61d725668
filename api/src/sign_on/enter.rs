//! A sign-in from its beginning to a session. The API's routes and the pages both come through here.

use entity::scalar::{Line, Timestamp};
use openidconnect::core::CoreAuthenticationFlow;
use openidconnect::{CsrfToken, Nonce, PkceCodeChallenge, RedirectUrl, Scope};
use sea_orm::DatabaseBackend::Postgres;
use sea_orm::{ConnectionTrait, DbErr, Statement};
use uuid::Uuid;

use super::admit::{Denied, admit};
use super::ask::{Unusable, client, discover};
use super::attempt::{self, Attempt};
use super::person::settle;
use super::proof::{Unproven, prove};
use super::settings::{self, Provider};
use crate::auth::address::Address;
use crate::auth::secret::{Opaque, Purpose};
use crate::auth::session::{self, SessionTokens};
use crate::auth::{Actor, Secret, credential};
use crate::problem::{Error, Refusal};
use crate::state::State;
use crate::write::whole;

/// A sign-in that has begun.
pub struct Begun {
    /// Where the browser goes.
    pub url: String,
    /// What ends the sign-in, once; not for the browser's address.
    pub token: Secret,
    pub expires_at: Timestamp,
}

/// What came back with the browser.
pub struct Returned {
    pub token: Secret,
    pub state: String,
    pub code: String,
    /// Who says that he sends it (RFC 9207); not every provider does.
    pub issuer: Option<String>,
}

/// Why nobody comes in. Pages say it in the viewer's language, the API as a problem.
#[derive(Debug)]
pub enum Failed {
    /// No such tenant, or it has no provider.
    Nowhere,
    /// Unknown, used, too old, or begun by somebody else.
    Over,
    /// The provider does not take the code.
    Code,
    /// What came proves nothing.
    Forged,
    Unusable(Unusable),
    Denied(Denied),
    Error(Error),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Failed::Error(error)
    }
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        Failed::Error(refusal.into())
    }
}

impl From<DbErr> for Failed {
    fn from(error: DbErr) -> Self {
        Failed::Error(error.into())
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        Error::Refusal(match failed {
            Failed::Nowhere => Refusal::not_found("company with single sign-on"),
            Failed::Over => Refusal::unauthorized(
                "This sign-in is over: it was used, took more than 10 minutes, or was not begun here. Begin it again.",
            ),
            Failed::Code => {
                Refusal::unauthorized("The identity provider does not take this code. Begin the sign-in again.")
            }
            Failed::Forged => Refusal::unauthorized(
                "What the identity provider sent does not belong to this sign-in. Begin it again.",
            ),
            Failed::Unusable(unusable) => unusable.refusal(),
            Failed::Denied(denied) => Refusal::forbidden(denied.texts().0),
            Failed::Error(error) => return error,
        })
    }
}

/// Begins a sign-in at the tenant's provider, which sends the browser to `redirect_uri` afterwards.
pub async fn begin(state: &State, tenant: &str, redirect_uri: &str, address: &Address) -> Result<Begun, Failed> {
    state.sign_on.take(address)?;
    let tenant_id = credential::tenant(&state.db, tenant).await?.ok_or(Failed::Nowhere)?;
    let provider = settings::find(&state.db, tenant_id).await?.ok_or(Failed::Nowhere)?;
    let redirect = RedirectUrl::new(redirect_uri.to_owned()).ok().filter(|url| url.url().fragment().is_none());
    let redirect = redirect.ok_or_else(|| {
        Refusal::invalid("/redirectUri", "Must be an address without a fragment, such as com.example.app:/signed-in.")
    })?;
    let found = discover(state, &provider.issuer).await.map_err(Failed::Unusable)?;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let client = client(&found, &provider).set_redirect_uri(redirect);
    let request = client
        .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
        .add_scopes(provider.scopes.iter().cloned().map(Scope::new))
        .set_pkce_challenge(challenge);
    let (url, csrf, nonce) = request.url();
    let attempt = Attempt {
        issuer: provider.issuer,
        client_id: provider.client_id,
        state: csrf.into_secret(),
        nonce: nonce.secret().clone(),
        verifier: Secret::new(verifier.into_secret()),
        redirect_uri: redirect_uri.to_owned(),
    };
    let (token, expires_at) = attempt::keep(&state.db, tenant_id, attempt, state.clock.now()).await?;
    Ok(Begun { url: url.into(), token, expires_at })
}

/// Ends a sign-in: the session of whoever came back. Call it inside `State::run`.
pub async fn finish(state: &State, returned: Returned, device: Option<&Line>) -> Result<SessionTokens, Failed> {
    let token = Opaque::parse(Purpose::SignIn, returned.token.expose()).ok_or(Failed::Over)?;
    let tenant_id = token.tenant_id;
    let attempt = attempt::take(&state.db, &token, &returned.state, state.clock.now()).await?.ok_or(Failed::Over)?;
    let provider = settings::find(&state.db, tenant_id).await?.ok_or(Failed::Nowhere)?;
    let from = returned.issuer.as_ref().unwrap_or(&attempt.issuer);
    if provider.issuer != attempt.issuer || provider.client_id != attempt.client_id || *from != attempt.issuer {
        return Err(Failed::Over);
    }
    let told = prove(state, &provider, &attempt, &returned.code).await.map_err(|unproven| match unproven {
        Unproven::Unusable(unusable) => {
            tracing::warn!(tenant = %tenant_id, cause = %unusable, "an identity provider cannot be used");
            Failed::Unusable(unusable)
        }
        Unproven::Code => Failed::Code,
        Unproven::Forged(cause) => {
            tracing::warn!(tenant = %tenant_id, cause, "an identity provider's answer proves nothing");
            Failed::Forged
        }
    })?;
    let given = admit(&provider.rules, &told).map_err(Failed::Denied)?;
    let (subject, settled) = (told.subject.clone(), provider.clone());
    let system = Actor::system(tenant_id);
    let user_id = whole(state, &system, move |work| {
        let (provider, told, given) = (settled.clone(), told.clone(), given.clone());
        Box::pin(async move { settle(work, &provider, &told, &given).await })
    });
    let user_id = user_id.await?.map_err(Failed::Denied)?;
    link(state, tenant_id, &provider, &subject, user_id).await?;
    state.identity.forget(tenant_id, user_id);
    let device = device.map(|name| name.0.as_str());
    Ok(session::open(&state.db, &state.identity, (tenant_id, user_id), device, state.clock.now()).await?)
}

/// Remembers who he is there. After the commit that made him: dies the server in between, he is found by his address again.
async fn link(state: &State, tenant_id: Uuid, provider: &Provider, subject: &str, user_id: Uuid) -> Result<(), Failed> {
    let sql =
        "INSERT INTO user_identity AS i (tenant_id, issuer, subject, user_id, linked_at) VALUES ($1, $2, $3, $4, $5)
               ON CONFLICT (tenant_id, issuer, subject) DO UPDATE SET linked_at = i.linked_at RETURNING user_id";
    let values =
        [tenant_id.into(), provider.issuer.as_str().into(), subject.into(), user_id.into(), state.clock.now().into()];
    let row = state.db.query_one_raw(Statement::from_sql_and_values(Postgres, sql, values)).await?;
    let linked: Option<Uuid> = row.map(|row| row.try_get_by_index(0)).transpose()?;
    if linked == Some(user_id) { Ok(()) } else { Err(Failed::Denied(Denied::OtherIdentity)) }
}

/// Forgets who a user is at any provider: the next to come with his address is he. True if anything was known.
pub async fn unlink(db: &impl ConnectionTrait, tenant_id: Uuid, user_id: Uuid) -> Result<bool, Error> {
    let sql = "DELETE FROM user_identity WHERE tenant_id = $1 AND user_id = $2";
    let values = [tenant_id.into(), user_id.into()];
    Ok(db.execute_raw(Statement::from_sql_and_values(Postgres, sql, values)).await?.rows_affected() > 0)
}
