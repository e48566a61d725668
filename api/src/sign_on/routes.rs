//! `/v1/identity-provider` for admins, `/v1/auth/oidc` for who is still a stranger.

use entity::user;
use poem::Request;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use uuid::Uuid;

use super::enter::{self, Returned};
use super::settings;
use super::wire::{ExchangeSignIn, IdentityProvider, SetIdentityProvider, StartSignIn, StartedSignIn};
use crate::auth::address::Address;
use crate::auth::session::SessionTokens;
use crate::auth::{self, Actor};
use crate::problem::{ApiResult, E400, E401, E403, E404, E409, E422, E429, Error, Fail, Refusal};
use crate::read;
use crate::rest::NoContent;
use crate::state::State;
use crate::tag::Tag;

pub struct SignOnApi;

#[OpenApi]
impl SignOnApi {
    /// Begin a sign-in at the company's identity provider
    ///
    /// Single sign-on by OpenID Connect, with PKCE. Open `authorizationUrl` in the system's browser and keep `signInToken`. The
    /// provider sends the browser to `redirectUri` with `code` and `state`: trade them at `POST /v1/auth/oidc/exchange`.
    #[oai(path = "/v1/auth/oidc/start", method = "post", operation_id = "startSignIn", tag = "Tag::Auth")]
    async fn start(
        &self,
        state: Data<&State>,
        request: &Request,
        body: Json<StartSignIn>,
    ) -> ApiResult<StartedSignIn, { E400 | E404 | E422 | E429 }> {
        let address = Address::of(request, &state.identity.trusted_proxies);
        let begun = enter::begin(&state, &body.tenant.0, &body.redirect_uri, &address).await.map_err(Error::from)?;
        Ok(Json(StartedSignIn {
            authorization_url: begun.url,
            sign_in_token: begun.token,
            expires_at: begun.expires_at,
        }))
    }

    /// End a sign-in: trade what the identity provider sent back for a session
    ///
    /// Once, within 10 minutes. The answer is that of a log-in. A user is known by who he is at the provider, the first time by
    /// his e-mail address, which the provider must vouch for.
    #[oai(path = "/v1/auth/oidc/exchange", method = "post", operation_id = "exchangeSignIn", tag = "Tag::Auth")]
    async fn exchange(
        &self,
        state: Data<&State>,
        request: &Request,
        body: Json<ExchangeSignIn>,
    ) -> ApiResult<SessionTokens, { E400 | E401 | E403 | E404 | E409 }> {
        let ExchangeSignIn { sign_in_token, state: returned, code, iss, device_name } = body.0;
        let returned = Returned { token: sign_in_token, state: returned, code, issuer: iss };
        let shared = state.clone();
        let tokens =
            state.run(async move { enter::finish(&shared, returned, device_name.as_ref()).await.map_err(Error::from) });
        let tokens = tokens.await?;
        auth::note(request, &tokens);
        Ok(Json(tokens))
    }

    /// Get the identity provider
    #[oai(path = "/v1/identity-provider", method = "get", operation_id = "getIdentityProvider", tag = "Tag::Tenant")]
    async fn get(&self, actor: Actor, state: Data<&State>) -> ApiResult<IdentityProvider, { E401 | E403 | E404 }> {
        actor.must_be_admin()?;
        let provider = settings::find(&state.db, actor.tenant_id).await?;
        let provider = provider.ok_or_else(|| Refusal::not_found("identity provider"))?;
        Ok(Json(provider.shown(&state)))
    }

    /// Set the identity provider
    ///
    /// All of it at once. The provider is found by discovery before anything is kept. Its client secret is kept and never
    /// shown; left out, it stays, unless issuer or client id change. Users and sessions stay as they are.
    #[oai(path = "/v1/identity-provider", method = "put", operation_id = "setIdentityProvider", tag = "Tag::Tenant")]
    async fn set(
        &self,
        actor: Actor,
        state: Data<&State>,
        body: Json<SetIdentityProvider>,
    ) -> ApiResult<IdentityProvider, { E400 | E401 | E403 | E422 }> {
        actor.must_be_admin()?;
        let provider = settings::set(&state, actor.tenant_id, body.0).await?;
        Ok(Json(provider.shown(&state)))
    }

    /// Delete the identity provider
    ///
    /// Nobody signs in by it any more; sessions go on, and who has a password logs in with it.
    #[oai(
        path = "/v1/identity-provider",
        method = "delete",
        operation_id = "deleteIdentityProvider",
        tag = "Tag::Tenant"
    )]
    async fn delete(&self, actor: Actor, state: Data<&State>) -> Result<NoContent, Fail<{ E401 | E403 | E404 }>> {
        actor.must_be_admin()?;
        settings::remove(&state.db, actor.tenant_id).await?;
        Ok(NoContent::Done)
    }

    /// Forget who a user is at the identity provider
    ///
    /// Admins only. Whoever signs in next with his verified e-mail address is he: for a user whose account at the provider was
    /// made anew.
    #[oai(path = "/v1/users/:id/identity", method = "delete", operation_id = "unlinkUserIdentity", tag = "Tag::Users")]
    async fn unlink(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
    ) -> Result<NoContent, Fail<{ E400 | E401 | E403 | E404 }>> {
        actor.must_be_admin()?;
        let user: user::Model = read::get(&state, &actor, id.0).await?;
        match enter::unlink(&state.db, actor.tenant_id, user.id).await? {
            true => Ok(NoContent::Done),
            false => Err(Refusal::not_found("link to an identity provider").into()),
        }
    }
}
