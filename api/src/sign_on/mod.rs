//! Single sign-on: people log in at their company's own identity provider (OpenID Connect, authorization code with PKCE).
//!
//! `settings` keeps a tenant's provider, `ask` finds it and speaks to it, `attempt` keeps a sign-in until its answer comes,
//! `proof` makes of the answer who somebody is, `admit` decides whether he comes in and as what, `enter` puts these together:
//! the API's routes and the pages both go through it. Sessions and passwords are `auth`'s.

pub mod admit;
pub mod ask;
pub mod attempt;
pub mod enter;
mod person;
mod proof;
pub mod routes;
pub mod settings;
pub mod wire;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use openidconnect::core::CoreProviderMetadata;
use uuid::Uuid;

use crate::auth::address::Address;
use crate::auth::secret::digest;
use crate::http::rate::Rate;
use crate::problem::Refusal;
use crate::state::State;
pub use routes::SignOnApi;

/// Sign-ins that one address may begin in a minute: an office may sit behind it.
const BEGINS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(120).expect("is not zero");

/// How long what a provider says of itself is believed; keys that it does not know make it ask again.
const BELIEVED: Duration = Duration::from_secs(10 * 60);

/// Providers remembered; each has at most some hundred KiB.
const REMEMBERED: u64 = 200;

/// What a server keeps for sign-ins, beside the database.
pub struct SignOn {
    begins: Rate,
    /// By issuer.
    known: Cache<String, Arc<CoreProviderMetadata>>,
}

impl Default for SignOn {
    fn default() -> Self {
        let known = Cache::builder().max_capacity(REMEMBERED).time_to_live(BELIEVED).build();
        SignOn { begins: Rate::new(BEGINS_PER_MINUTE), known }
    }
}

impl SignOn {
    /// Whoever begins a sign-in is a stranger, and makes us call somebody else: so not at will.
    ///
    /// # Errors
    /// 429.
    fn take(&self, address: &Address) -> Result<(), Refusal> {
        let hash = digest(address.as_str());
        self.begins.take(Uuid::from_slice(&hash[..16]).unwrap_or_default()).1
    }

    /// Forgets who has not begun one lately.
    pub fn tidy(&self) {
        self.begins.tidy();
    }
}

/// Where a provider sends browsers back to that came from the pages: to be registered there.
pub fn callback(state: &State) -> String {
    format!("{}/login/callback", state.identity.issuer)
}
