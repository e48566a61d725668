//! The proof that a request was authenticated, and how routes ask for it.

use entity::kind::Role;
use poem::http::{Method, header};
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaSecurityScheme, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use uuid::Uuid;

use crate::http::RequestContext;
use crate::problem::{Error, Refusal};
use crate::state::State;

/// The name of the security scheme in the document.
const SCHEME: &str = "bearerAuth";

/// Who acts, in which tenant. Only `auth` makes one for a request; the command line makes one for itself.
#[derive(Clone, Debug)]
pub struct Actor {
    pub tenant_id: Uuid,
    /// Nil for the product itself: jobs, imports, the command line.
    pub user_id: Uuid,
    pub role: Role,
    /// False for an API key that may only read.
    pub may_write: bool,
}

impl Actor {
    /// The product itself at work in a tenant, with an admin's rights.
    pub fn system(tenant_id: Uuid) -> Self {
        Actor { tenant_id, user_id: Uuid::nil(), role: Role::Admin, may_write: true }
    }

    /// For endpoints beside the document; routes have it as a parameter.
    ///
    /// # Errors
    /// 401 if nobody is proven, 403 if the API key does not reach so far.
    pub async fn of(request: &Request) -> Result<Self, Error> {
        Ok(Proof::of(request).await?.actor)
    }

    /// Whether this actor sees every record of the tenant without being granted it.
    pub fn sees_all(&self) -> bool {
        matches!(self.role, Role::Admin | Role::Integration)
    }

    /// 403 for everybody but admins.
    pub fn must_be_admin(&self) -> Result<(), Refusal> {
        match self.role {
            Role::Admin => Ok(()),
            _ => Err(Refusal::forbidden("Only an administrator may do this.")),
        }
    }
}

/// An actor with what proved him. For routes that deal with the session itself; the others ask for the `Actor`.
#[derive(Clone, Debug)]
pub struct Proof {
    pub actor: Actor,
    /// The session, or the API key.
    pub session_id: Uuid,
    /// False for an API key that may only write.
    pub may_read: bool,
    pub is_api_key: bool,
}

impl Proof {
    /// Who sends this, whatever he may do.
    ///
    /// # Errors
    /// 401 if nobody is proven.
    pub async fn known(request: &Request, state: &State) -> Result<Self, Error> {
        state.identity.prove(&state.db, bearer(request)?, state.clock.now()).await
    }

    /// # Errors
    /// 401 if nobody is proven, 429 if this token asks too often, 403 if the API key does not reach so far.
    async fn of(request: &Request) -> Result<Self, Error> {
        let state = request.data::<State>().ok_or_else(|| Error::Internal("the routes have no state".into()))?;
        let proof = Proof::known(request, state).await?;
        proof.count(request, state)?;
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        if if reads { proof.may_read } else { proof.actor.may_write } {
            Ok(proof)
        } else {
            let scope = if reads { "read" } else { "write" };
            Err(Refusal::forbidden(format!("This API key lacks the scope `{scope}`.")).into())
        }
    }

    /// Counts a request of this token; who sent it and what is left is told with the answer.
    ///
    /// # Errors
    /// 429 if it asks too often.
    pub fn count(&self, request: &Request, state: &State) -> Result<(), Refusal> {
        let (left, taken) = state.identity.rate.take(self.session_id);
        if let Some(context) = RequestContext::of(request) {
            // Set before only if a route asks twice, and then to the same.
            let _ = context.who.set((self.actor.tenant_id, self.actor.user_id));
            let _ = context.left.set(left);
        }
        taken
    }
}

/// The token that the request brings.
///
/// # Errors
/// 401 if there is none.
pub fn bearer(request: &Request) -> Result<&str, Refusal> {
    let value = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (scheme, token) = value.and_then(|value| value.split_once(' ')).unwrap_or_default();
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(token.trim())
    } else {
        Err(Refusal::unauthorized("Send an access token or an API key as `Authorization: Bearer …`."))
    }
}

impl<'a> ApiExtractor<'a> for Proof {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        registry.create_security_scheme(
            SCHEME,
            MetaSecurityScheme {
                ty: "http",
                description: Some("An access token (`POST /v1/auth/login`) or an API key (`wpk_…`)."),
                name: None,
                key_in: None,
                scheme: Some("bearer"),
                bearer_format: None,
                flows: None,
                openid_connect_url: None,
            },
        );
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![SCHEME]
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        Ok(Proof::of(request).await?)
    }
}

impl<'a> ApiExtractor<'a> for Actor {
    const TYPES: &'static [ApiExtractorType] = Proof::TYPES;
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        Proof::register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        Proof::security_schemes()
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        Ok(Proof::from_request(request, body, options).await?.actor)
    }
}
