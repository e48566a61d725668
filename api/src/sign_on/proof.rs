//! From a provider's answer to who somebody is: trades the code, checks the token that comes, and asks for what it leaves out.
//! What must be checked (signature, issuer, audience, expiry, nonce) is checked by the library; nothing is believed before.

use entity::kind::Locale;
use entity::scalar::Email;
use openidconnect::core::{CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey, CoreJwsSigningAlgorithm};
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClaimsVerificationError, HttpRequest, IdTokenClaims, IdTokenVerifier, Nonce,
    OAuth2TokenResponse, PkceCodeVerifier, RedirectUrl, RequestTokenError, SignatureVerificationError, TokenResponse,
    UserInfoClaims, UserInfoError,
};
use serde_json::{Map, Value};

use super::admit::Told;
use super::ask::{Extra, Found, TokenRefusal, Tokens, Unusable, carry, client, discover, discover_again};
use super::attempt::Attempt;
use super::settings::Provider;
use crate::state::State;

/// How a token may be signed: with a key that only the provider has. The client secret is no such key.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// Why an answer proves nobody.
#[derive(Debug)]
pub enum Unproven {
    Unusable(Unusable),
    /// The provider does not take the code: it was used, is too old, or was made for another sign-in.
    Code,
    /// What came is not for this sign-in, or not from this provider. The words are for the log.
    Forged(String),
}

impl From<Unusable> for Unproven {
    fn from(cause: Unusable) -> Self {
        Unproven::Unusable(cause)
    }
}

/// The claims of a token that was checked.
type Claims = IdTokenClaims<Extra, CoreGenderClaim>;
type Info = UserInfoClaims<Extra, CoreGenderClaim>;

/// Who the provider says it was that came back with this code.
pub async fn prove(state: &State, provider: &Provider, attempt: &Attempt, code: &str) -> Result<Told, Unproven> {
    let redirect = RedirectUrl::new(attempt.redirect_uri.clone());
    let redirect = redirect.map_err(|_| Unusable::new("the address to come back to is none"))?;
    let metadata = discover(state, &provider.issuer).await?;
    let found = client(&metadata, provider).set_redirect_uri(redirect);
    let tokens = trade(state, &found, attempt, code).await?;
    let claims = match verified(state, &found, &tokens, attempt) {
        Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey)) => {
            let metadata = discover_again(state, &provider.issuer).await?;
            verified(state, &client(&metadata, provider), &tokens, attempt)
        }
        verified => verified,
    };
    let claims = claims.map_err(|cause| Unproven::Forged(cause.to_string()))?;
    let claim = provider.rules.claim.as_deref();
    let lacks_claim = claim.is_some_and(|claim| member(&claims.additional_claims().members, claim).is_none());
    let info = match found.user_info_url() {
        Some(_) if claims.email().is_none() || lacks_claim => Some(ask_more(state, &found, &tokens, &claims).await?),
        _ => None,
    };
    Ok(tell(&claims, info.as_ref(), claim))
}

async fn trade(state: &State, found: &Found, attempt: &Attempt, code: &str) -> Result<Tokens, Unproven> {
    let http = |request: HttpRequest| carry(state.clone(), request);
    let request = found.exchange_code(AuthorizationCode::new(code.to_owned()));
    let request = request.map_err(|_| Unusable::new("it has no token endpoint"))?;
    let verifier = PkceCodeVerifier::new(attempt.verifier.expose().to_owned());
    request.set_pkce_verifier(verifier).request_async(&http).await.map_err(untraded)
}

fn untraded(error: RequestTokenError<Unusable, TokenRefusal>) -> Unproven {
    let words = match error {
        RequestTokenError::ServerResponse(refusal) => match refusal.error() {
            CoreErrorResponseType::InvalidGrant => return Unproven::Code,
            CoreErrorResponseType::InvalidClient | CoreErrorResponseType::UnauthorizedClient => {
                "it does not know this client id and secret; tell an administrator"
            }
            _ => "it refuses the exchange; tell an administrator",
        },
        RequestTokenError::Request(cause) => return cause.into(),
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => "its answer cannot be read",
    };
    Unusable::new(words).into()
}

/// Checks the token, and that the access token beside it belongs to it where it says so.
fn verified(
    state: &State,
    found: &Found,
    tokens: &Tokens,
    attempt: &Attempt,
) -> Result<Claims, ClaimsVerificationError> {
    let token = tokens.id_token().ok_or_else(|| ClaimsVerificationError::Other("no ID token".into()))?;
    let now = state.clock.now().0;
    let verifier: IdTokenVerifier<'_, CoreJsonWebKey> = found.id_token_verifier();
    let verifier = verifier.set_allowed_algs(ALGORITHMS).set_time_fn(move || now);
    let claims = token.claims(&verifier, &Nonce::new(attempt.nonce.clone()))?;
    if let Some(expected) = claims.access_token_hash() {
        let algorithm = token.signing_alg().map_err(ClaimsVerificationError::SignatureVerification)?;
        let key = token.signing_key(&verifier).map_err(ClaimsVerificationError::SignatureVerification)?;
        let actual = AccessTokenHash::from_token(tokens.access_token(), algorithm, key);
        if actual.is_ok_and(|actual| actual != *expected) {
            return Err(ClaimsVerificationError::Other("the access token is another one's".into()));
        }
    }
    Ok(claims.clone())
}

async fn ask_more(state: &State, found: &Found, tokens: &Tokens, claims: &Claims) -> Result<Info, Unproven> {
    let http = |request: HttpRequest| carry(state.clone(), request);
    let request = found.user_info(tokens.access_token().clone(), Some(claims.subject().clone()));
    let request = request.map_err(|_| Unusable::new("it has no address for what it knows of users"))?;
    request.request_async(&http).await.map_err(|error| match error {
        UserInfoError::Request(cause) => cause.into(),
        UserInfoError::ClaimsVerification(cause) => Unproven::Forged(cause.to_string()),
        _ => Unusable::new("what it knows of users cannot be read").into(),
    })
}

/// Standard claims, from wherever they come.
struct Said {
    email: Option<String>,
    verified: Option<bool>,
    name: Option<String>,
    locale: Option<String>,
}

/// Both kinds of claims have the same methods, and no trait for them.
macro_rules! said {
    ($claims:expr) => {{
        let claims = $claims;
        let given = claims.given_name().and_then(|name| name.get(None)).map(|name| name.as_str());
        let family = claims.family_name().and_then(|name| name.get(None)).map(|name| name.as_str());
        let whole = claims.name().and_then(|name| name.get(None)).map(|name| name.as_str().to_owned());
        let parts: Vec<&str> = given.into_iter().chain(family).collect();
        Said {
            // An address that we could not keep is none.
            email: claims.email().and_then(|email| Email::parse(email).ok()).map(String::from),
            verified: claims.email_verified(),
            name: whole
                .or_else(|| (!parts.is_empty()).then(|| parts.join(" ")))
                .or_else(|| claims.preferred_username().map(|name| name.as_str().to_owned())),
            locale: claims.locale().map(|locale| locale.as_ref().to_owned()),
        }
    }};
}

/// The address comes with the word on it from one place: an address from here with a word from there would prove nothing.
fn tell(claims: &Claims, info: Option<&Info>, claim: Option<&str>) -> Told {
    let token = said!(claims);
    let info_said = info.map(|info| said!(info));
    let sources = [Some(&token), info_said.as_ref()];
    let with_email = sources.into_iter().flatten().find(|said| said.email.is_some());
    let first = |get: fn(&Said) -> Option<&String>| sources.into_iter().flatten().find_map(get).cloned();
    let members = [Some(claims.additional_claims()), info.map(|info| info.additional_claims())];
    let values = claim.and_then(|claim| members.into_iter().flatten().find_map(|extra| member(&extra.members, claim)));
    let chinese = first(|said| said.locale.as_ref()).is_some_and(|locale| locale.to_lowercase().starts_with("zh"));
    Told {
        subject: claims.subject().as_str().to_owned(),
        email: with_email.and_then(|said| said.email.clone()),
        verified: with_email.and_then(|said| said.verified),
        name: first(|said| said.name.as_ref()),
        locale: if chinese { Locale::Zh } else { Locale::En },
        values: values.map(texts).unwrap_or_default(),
    }
}

/// A claim by its name, or by the JSON pointer to it.
fn member<'a>(members: &'a Map<String, Value>, claim: &str) -> Option<&'a Value> {
    let Some(path) = claim.strip_prefix('/') else { return members.get(claim) };
    let (first, rest) = path.split_once('/').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let inner = members.get(&first.replace("~1", "/").replace("~0", "~"))?;
    rest.map_or(Some(inner), |rest| inner.pointer(&format!("/{rest}")))
}

/// One text or several.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(one) => vec![one.clone()],
        Value::Array(several) => several.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_claim_is_found_by_its_name_or_by_a_pointer() {
        let claims = json!({
            "groups": ["a", "b", 3],
            "https://example.com/roles": "boss",
            "realm_access": { "roles": ["c"] },
            "x/y": "d",
        });
        let members = claims.as_object().expect("an object");
        let found = |claim: &str| member(members, claim).map(texts);
        assert_eq!(found("groups"), Some(vec!["a".into(), "b".into()]));
        assert_eq!(found("https://example.com/roles"), Some(vec!["boss".into()]));
        assert_eq!(found("/realm_access/roles"), Some(vec!["c".into()]));
        assert_eq!(found("/x~1y"), Some(vec!["d".into()]));
        assert_eq!(found("/realm_access"), Some(Vec::new()));
        for absent in ["roles", "/realm_access/none", "/none/roles", "/groups/a", "/", ""] {
            assert_eq!(found(absent), None, "{absent}");
        }
    }
}
