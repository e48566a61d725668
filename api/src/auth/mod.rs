//! Who is asking: log-in, sessions, API keys, and the `Actor` that exists only after they were checked. Here are the
//! routes and what goes over the wire; each part has a file. Who may see what is not decided here.

pub mod actor;
pub mod address;
pub mod api_key;
pub mod credential;
pub mod identity;
pub mod invitation;
pub mod log_in;
pub mod password;
pub mod secret;
pub mod session;
pub mod throttle;
pub mod token;

pub use actor::{Actor, Proof};
pub use identity::Identity;
pub use secret::Secret;

use entity::scalar::{Email, Line};
use entity::{tenant, user};
use poem::Request;
use poem::http::header;
use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::payload::{Json, Response};
use poem_openapi::{ApiResponse, Object, OpenApi};
use sea_orm::DatabaseBackend::Postgres;
use sea_orm::{FromQueryResult, Statement};
use uuid::Uuid;

use self::address::Address;
use self::api_key::{ApiKeyList, CreateApiKey, CreatedApiKey};
use self::session::SessionTokens;
use self::token::Jwks;
use crate::http::RequestContext;
use crate::problem::{ApiResult, E400, E401, E403, E404, E409, E422, E429, Error, Fail, Refusal};
use crate::rest::NoContent;
use crate::state::State;
use crate::tag::Tag;
use crate::write::whole;

/// Public keys change rarely, and a new one is published before it signs: caches may keep them for some minutes.
const JWKS_CACHING: &str = "public, max-age=300";

/// A log-in.
#[derive(Object, Debug)]
#[oai(rename_all = "camelCase", example, deny_unknown_fields, skip_serializing_if_is_none)]
pub struct Login {
    /// The tenant's slug.
    pub tenant: Line,
    pub email: Email,
    pub password: Secret,
    /// What the user calls the device.
    pub device_name: Option<Line>,
    /// What an earlier log-in of this user on this device was answered with. A token that is unknown changes nothing.
    pub device_token: Option<Secret>,
}

impl poem_openapi::types::Example for Login {
    fn example() -> Self {
        Login {
            tenant: Line("northwind".into()),
            email: Email("lin.wei@example.com".into()),
            password: Secret::new("correct horse battery"),
            device_name: Some(Line("Lin's phone".into())),
            device_token: None,
        }
    }
}

/// A refresh token to be traded.
#[derive(Object, Debug)]
#[oai(rename_all = "camelCase", deny_unknown_fields)]
pub struct RefreshSession {
    pub refresh_token: Secret,
}

/// A session to be ended.
#[derive(Object, Debug)]
#[oai(rename_all = "camelCase", deny_unknown_fields)]
pub struct Logout {
    pub refresh_token: Secret,
}

/// A new password of one's own.
#[derive(Object, Debug)]
#[oai(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangePassword {
    pub current_password: Secret,
    /// 10 to 200 characters; not the e-mail address, not the tenant's slug.
    pub new_password: Secret,
}

/// A first password, or one in place of a forgotten one.
#[derive(Object, Debug)]
#[oai(rename_all = "camelCase", deny_unknown_fields)]
pub struct AcceptInvitation {
    /// From the invitation.
    pub token: Secret,
    /// 10 to 200 characters; not the e-mail address, not the tenant's slug.
    pub new_password: Secret,
    /// What the user calls the device.
    pub device_name: Option<Line>,
}

/// Who is logged in, and where.
#[derive(Object, Debug)]
pub struct Me {
    pub user: user::Model,
    pub tenant: tenant::Model,
}

/// The user behind an actor, and his tenant.
///
/// # Errors
/// 401 if he no longer exists.
pub async fn me(state: &State, actor: &Actor) -> Result<Me, Error> {
    let values = [actor.tenant_id.into(), actor.user_id.into()];
    let sql = r#"SELECT * FROM "user" WHERE tenant_id = $1 AND id = $2"#;
    let user = user::Model::find_by_statement(Statement::from_sql_and_values(Postgres, sql, values));
    let sql = "SELECT * FROM tenant WHERE id = $1";
    let tenant = Statement::from_sql_and_values(Postgres, sql, [actor.tenant_id.into()]);
    let tenant = tenant::Model::find_by_statement(tenant);
    let gone = || Refusal::unauthorized("This user no longer exists.");
    Ok(Me {
        user: user.one(&state.db).await?.ok_or_else(gone)?,
        tenant: tenant.one(&state.db).await?.ok_or_else(gone)?,
    })
}

/// Made.
#[derive(ApiResponse)]
pub enum ApiKeyCreated {
    #[oai(status = 201)]
    Created(Json<CreatedApiKey>),
}

pub struct AuthApi;

#[OpenApi]
impl AuthApi {
    /// Log in
    ///
    /// Keep `deviceToken` of the answer and send it with the next log-in of the same user: whoever guesses at his password from
    /// elsewhere then cannot make this device wait. Wrong tries are answered with 401, too many with 429 and `Retry-After`.
    #[oai(path = "/v1/auth/login", method = "post", operation_id = "login", tag = "Tag::Auth")]
    async fn login(
        &self,
        state: Data<&State>,
        request: &Request,
        body: Json<Login>,
    ) -> ApiResult<SessionTokens, { E400 | E401 | E403 | E429 }> {
        let address = Address::of(request, &state.identity.trusted_proxies);
        let shared = state.clone();
        let tokens = state.run(async move { log_in::log_in(&shared, body.0, address).await }).await?;
        note(request, &tokens);
        Ok(Json(tokens))
    }

    /// Trade a refresh token for new tokens
    ///
    /// Each refresh token is good for one use. A second use within 10 seconds is answered with 409: the tokens that the
    /// first received are the ones to go on with. If that answer was lost, send it again after that time: as long as
    /// nobody used either of the tokens in it, new ones come, and its refresh token is void. Any other second use ends the
    /// session: store the new refresh token before you use the access token beside it.
    #[oai(path = "/v1/auth/refresh", method = "post", operation_id = "refreshSession", tag = "Tag::Auth")]
    async fn refresh(
        &self,
        state: Data<&State>,
        request: &Request,
        body: Json<RefreshSession>,
    ) -> ApiResult<SessionTokens, { E400 | E401 | E409 }> {
        let shared = state.clone();
        let tokens = state.run(async move {
            session::refresh(&shared.db, &shared.identity, &body.refresh_token, shared.clock.now()).await
        });
        let tokens = tokens.await?;
        note(request, &tokens);
        Ok(Json(tokens))
    }

    /// End a session
    ///
    /// Ends the session that the refresh token belongs to, with its access tokens. It is no error if it is over already.
    #[oai(path = "/v1/auth/logout", method = "post", operation_id = "logout", tag = "Tag::Auth")]
    async fn logout(&self, state: Data<&State>, body: Json<Logout>) -> Result<NoContent, Fail<E400>> {
        session::log_out(&state.db, &state.identity, &body.refresh_token, state.clock.now()).await?;
        Ok(NoContent::Done)
    }

    /// Change one's password
    ///
    /// Ends all other sessions of the user.
    #[oai(path = "/v1/auth/password", method = "post", operation_id = "changePassword", tag = "Tag::Auth")]
    async fn change_password(
        &self,
        proof: Proof,
        state: Data<&State>,
        request: &Request,
        body: Json<ChangePassword>,
    ) -> Result<NoContent, Fail<{ E400 | E401 | E403 | E422 | E429 }>> {
        let address = Address::of(request, &state.identity.trusted_proxies);
        let shared = state.clone();
        state.run(async move { log_in::change_password(&shared, proof, body.0, address).await }).await?;
        Ok(NoContent::Done)
    }

    /// Accept an invitation
    ///
    /// Sets the password and logs in. Other sessions of the user end. Keep `deviceToken` for the next log-in. An invitation
    /// waits for nobody, however many tries at the user's password are refused meanwhile.
    #[oai(path = "/v1/auth/invitation", method = "post", operation_id = "acceptInvitation", tag = "Tag::Auth")]
    async fn accept_invitation(
        &self,
        state: Data<&State>,
        request: &Request,
        body: Json<AcceptInvitation>,
    ) -> ApiResult<SessionTokens, { E400 | E401 | E422 }> {
        let shared = state.clone();
        let tokens = state.run(async move { log_in::accept_invitation(&shared, body.0).await }).await?;
        note(request, &tokens);
        Ok(Json(tokens))
    }

    /// Get the keys that verify access tokens
    #[oai(path = "/.well-known/jwks.json", method = "get", operation_id = "getJwks", tag = "Tag::Auth")]
    async fn jwks(&self, state: Data<&State>) -> Response<Json<Jwks>> {
        let keys = Json(state.identity.keys.published().clone());
        Response::new(keys).header(header::CACHE_CONTROL, JWKS_CACHING)
    }

    /// Get the user who is logged in
    #[oai(path = "/v1/me", method = "get", operation_id = "getMe", tag = "Tag::Auth")]
    async fn me(&self, actor: Actor, state: Data<&State>) -> ApiResult<Me, { E401 | E403 }> {
        Ok(Json(me(&state, &actor).await?))
    }

    /// List API keys
    #[oai(path = "/v1/api-keys", method = "get", operation_id = "listApiKeys", tag = "Tag::Auth")]
    async fn list_api_keys(&self, actor: Actor, state: Data<&State>) -> ApiResult<ApiKeyList, { E401 | E403 }> {
        actor.must_be_admin()?;
        Ok(Json(api_key::list(&state.db, actor.tenant_id).await?))
    }

    /// Create an API key
    ///
    /// Admins only. The key is in this answer and never to be had again. It acts as a user of role `integration`, who is made
    /// with it: disable that user to stop all his keys, or name him in `userId` to give him another one.
    #[oai(path = "/v1/api-keys", method = "post", operation_id = "createApiKey", tag = "Tag::Auth")]
    async fn create_api_key(
        &self,
        actor: Actor,
        state: Data<&State>,
        body: Json<CreateApiKey>,
    ) -> Result<ApiKeyCreated, Fail<{ E400 | E401 | E403 | E422 }>> {
        actor.must_be_admin()?;
        let wanted = body.0;
        let created = whole(&state, &actor, move |work| {
            let wanted = wanted.clone();
            Box::pin(async move { api_key::create(work, wanted).await })
        });
        Ok(ApiKeyCreated::Created(Json(created.await?)))
    }

    /// Revoke an API key
    #[oai(path = "/v1/api-keys/:id", method = "delete", operation_id = "revokeApiKey", tag = "Tag::Auth")]
    async fn revoke_api_key(
        &self,
        actor: Actor,
        state: Data<&State>,
        id: Path<Uuid>,
    ) -> Result<NoContent, Fail<{ E400 | E401 | E403 | E404 }>> {
        actor.must_be_admin()?;
        api_key::revoke(&state.db, actor.tenant_id, id.0, state.clock.now()).await?;
        state.identity.forget_session(id.0);
        Ok(NoContent::Done)
    }
}

/// Tells the request's log line who has just logged in.
pub fn note(request: &Request, tokens: &SessionTokens) {
    if let Some(context) = RequestContext::of(request) {
        let _ = context.who.set((tokens.tenant_id, tokens.user_id));
    }
}
