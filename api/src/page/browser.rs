//! Cookies: the session, and how the pages are to look. No script reads any of them.

use poem::Request;
use poem::http::header;

use crate::auth::secret::digest;
use crate::auth::{Proof, session};
use crate::http::RequestContext;
use crate::problem::{Code, Error};
use crate::sign_on::attempt;
use crate::state::State;
use crate::write::hex;

const SESSION: &str = "waypost_session";
pub const LANGUAGE: &str = "waypost_language";
pub const THEME: &str = "waypost_theme";
pub const TENANT: &str = "waypost_tenant";
pub const SIGN_IN: &str = "waypost_sign_in";

const YEAR: i64 = 365 * 24 * 60 * 60;

/// The value of a cookie.
pub fn cookie<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let headers = request.headers().get_all(header::COOKIE).into_iter();
    let mut pairs = headers.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(';'));
    pairs.find_map(|pair| pair.trim().split_once('=').filter(|(own, _)| *own == name).map(|(_, value)| value))
}

/// Who the browser is; nobody without a session that is good.
pub async fn proof(state: &State, request: &Request) -> Result<Option<Proof>, Error> {
    let Some(cookie) = cookie(request, SESSION) else { return Ok(None) };
    match state.identity.prove_browser(&state.db, cookie, state.clock.now()).await {
        Ok(proof) => {
            if let Some(context) = RequestContext::of(request) {
                let _ = context.who.set((proof.actor.tenant_id, proof.actor.user_id));
            }
            Ok(Some(proof))
        }
        Err(Error::Refusal(refusal)) if refusal.code == Code::Unauthorized => Ok(None),
        Err(error) => Err(error),
    }
}

/// The token of the session at hand, for its end.
pub fn session_token(request: &Request) -> Option<&str> {
    cookie(request, SESSION)
}

/// Cookies for a session that begins. Its token goes nowhere else.
pub fn begin(state: &State, token: &str, tenant: &str) -> Vec<String> {
    let seconds = session::BROWSER_LIFETIME.num_seconds();
    vec![set(state, SESSION, token, seconds), set(state, TENANT, tenant, YEAR)]
}

pub fn end(state: &State) -> Vec<String> {
    vec![set(state, SESSION, "", 0)]
}

/// A preference that outlives the session.
pub fn keep(state: &State, name: &str, value: &str) -> String {
    set(state, name, value, YEAR)
}

/// Where a browser keeps what shows at a user's next log-in that it is no stranger: several people may share it.
pub fn device(tenant: &str, email: &str) -> String {
    let user = hex(&digest(&format!("{tenant}/{email}")));
    format!("waypost_device_{}", user.get(..16).unwrap_or_default())
}

pub fn remember(state: &State, device: &str, token: &str) -> String {
    carried(state, device, token, YEAR)
}

/// What a browser brings along when another site leads it back here, to the log-in alone.
pub fn carry(state: &State, name: &str, value: &str) -> String {
    carried(state, name, value, attempt::LIFETIME.num_seconds())
}

pub fn drop_carried(state: &State, name: &str) -> String {
    carried(state, name, "", 0)
}

fn carried(state: &State, name: &str, value: &str, seconds: i64) -> String {
    format!("{name}={value}; Path=/login; Max-Age={seconds}; HttpOnly; SameSite=Lax{}", secure(state))
}

fn secure(state: &State) -> &'static str {
    if state.identity.issuer.starts_with("https://") { "; Secure" } else { "" }
}

/// The values are tokens, slugs and words of ours: none has a character that would need quoting.
fn set(state: &State, name: &str, value: &str, seconds: i64) -> String {
    format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{}", secure(state))
}
