//! Speaks to a provider: finds it by discovery and carries requests. An administrator of a tenant names the provider, and the
//! provider names its endpoints, so every address passes the guard that webhooks pass; answers are short and soon, or not taken.

use std::sync::Arc;
use std::time::Duration;

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreClientAuthMethod, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreRevocableToken,
    CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalClaims, AuthType, Client, ClientId, ClientSecret, DiscoveryError, EmptyExtraTokenFields,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IdTokenFields, IssuerUrl,
    StandardErrorResponse, StandardTokenResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::settings::Provider;
use crate::problem::{Code, Refusal};
use crate::state::State;
use crate::webhook::reach::told;

/// A provider has that long for each answer.
const PATIENCE: Duration = Duration::from_secs(7);

/// Bytes of an answer; the longest are sets of keys.
const LONGEST: usize = 256 * 1024;

/// Why a provider could not be spoken to, in words that hold nothing of what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable(pub String);

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unusable {}

impl Unusable {
    pub fn new(words: impl Into<String>) -> Self {
        Unusable(words.into())
    }

    pub fn refusal(&self) -> Refusal {
        let detail =
            format!("The identity provider cannot be used: {self}. Try again later, or log in with a password.");
        Refusal::new(Code::IdentityProvider, detail)
    }
}

/// Whatever a provider says beside the standard claims.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Extra {
    #[serde(flatten)]
    pub members: Map<String, Value>,
}

impl AdditionalClaims for Extra {}

type Fields = IdTokenFields<
    Extra,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;

/// What the provider answers to a code.
pub type Tokens = StandardTokenResponse<Fields, CoreTokenType>;

/// Why it does not.
pub type TokenRefusal = StandardErrorResponse<CoreErrorResponseType>;

/// A provider that was found, and who we are to it.
pub type Found = Client<
    Extra,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    TokenRefusal,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Carries one request to the provider. No redirects, no address that the guard refuses.
pub async fn carry(state: State, request: HttpRequest) -> Result<HttpResponse, Unusable> {
    let reach = &state.outbox.reach;
    let url = reach.judge(&request.uri().to_string()).map_err(|wrong| Unusable(format!("its address: {wrong}")))?;
    let client = reach.client().map_err(|_| Unusable::new("this server has no certificates to check others with"))?;
    let (head, body) = request.into_parts();
    let sent = client.request(head.method, url).headers(head.headers).body(body).timeout(PATIENCE).send();
    let mut answer = sent.await.map_err(|error| Unusable::new(told(&error)))?;
    let mut taken = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| Unusable::new(told(&error)))? {
        if taken.len() + chunk.len() > LONGEST {
            return Err(Unusable(format!("its answer is longer than {LONGEST} bytes")));
        }
        taken.extend_from_slice(&chunk);
    }
    let mut response = HttpResponse::new(taken);
    *response.status_mut() = answer.status();
    *response.headers_mut() = answer.headers().clone();
    Ok(response)
}

/// What the provider says of itself and its keys; usually that is remembered.
pub async fn discover(state: &State, issuer: &str) -> Result<Arc<CoreProviderMetadata>, Unusable> {
    if let Some(known) = state.sign_on.known.get(issuer) {
        return Ok(known);
    }
    let url = IssuerUrl::new(issuer.to_owned()).map_err(|_| Unusable::new("its issuer is no address"))?;
    let http = |request: HttpRequest| carry(state.clone(), request);
    let found = CoreProviderMetadata::discover_async(url, &http).await.map_err(undiscovered)?;
    // Where browsers are sent: a script or a file of theirs is no such place.
    let browsable = found.authorization_endpoint().url().scheme() == "https" || issuer.starts_with("http://");
    if !browsable {
        return Err(Unusable::new("it sends browsers to an address that does not begin with https://"));
    }
    let found = Arc::new(found);
    state.sign_on.known.insert(issuer.to_owned(), found.clone());
    Ok(found)
}

/// The same, asked anew: its keys may have changed.
pub async fn discover_again(state: &State, issuer: &str) -> Result<Arc<CoreProviderMetadata>, Unusable> {
    state.sign_on.known.invalidate(issuer);
    discover(state, issuer).await
}

/// The provider as the library speaks to it.
pub fn client(found: &CoreProviderMetadata, provider: &Provider) -> Found {
    let secret = provider.client_secret.as_ref().map(|secret| ClientSecret::new(secret.expose().to_owned()));
    let methods = found.token_endpoint_auth_methods_supported();
    // Absent means basic.
    let posts = methods.is_some_and(|methods| {
        methods.contains(&CoreClientAuthMethod::ClientSecretPost)
            && !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
    });
    let client = Found::from_provider_metadata(found.clone(), ClientId::new(provider.client_id.clone()), secret);
    if posts { client.set_auth_type(AuthType::RequestBody) } else { client }
}

fn undiscovered(error: DiscoveryError<Unusable>) -> Unusable {
    match error {
        DiscoveryError::Request(cause) => cause,
        DiscoveryError::Response(status, ..) if !status.is_success() => {
            Unusable(format!("it answers {} where its configuration or its keys should be", status.as_u16()))
        }
        DiscoveryError::Response(..) | DiscoveryError::Parse(_) => {
            Unusable::new("its configuration or its keys cannot be read")
        }
        DiscoveryError::Validation(_) => Unusable::new("it calls itself by another issuer: write it letter by letter"),
        DiscoveryError::UrlParse(_) => Unusable::new("its issuer is no address"),
        _ => Unusable::new("its configuration cannot be asked for"),
    }
}
