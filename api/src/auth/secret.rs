//! Texts that must never be seen: passwords and tokens. Their `Debug` is blank and they have no `Display`, so that none
//! gets into a log by accident. Here are also the opaque tokens that the database knows by their hash alone.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use poem_openapi::types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// No password or token that we accept is longer, in bytes.
const LONGEST: usize = 1000;

/// A password or a token. On the wire a string.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// The text itself, to be hashed, compared or handed to its owner.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Type for Secret {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "secret".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema {
            min_length: Some(1),
            max_length: Some(LONGEST),
            ..MetaSchema::new_with_format("string", "password")
        }))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

/// The errors do not repeat the value, unlike the framework's own.
impl ParseFromJSON for Secret {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        match value {
            Some(Value::String(text)) if (1..=LONGEST).contains(&text.len()) => Ok(Secret(text)),
            _ => Err(ParseError::custom(format!("expected text of 1 to {LONGEST} bytes"))),
        }
    }
}

impl ToJSON for Secret {
    fn to_json(&self) -> Option<Value> {
        Some(Value::String(self.0.clone()))
    }
}

/// What an opaque token is good for; it is in its first letters, so that a token found in the wrong place is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Refresh,
    ApiKey,
    Invitation,
    Calendar,
    SignIn,
    Device,
}

impl Purpose {
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Purpose::Refresh => "wpr_",
            Purpose::ApiKey => "wpk_",
            Purpose::Invitation => "wpi_",
            Purpose::Calendar => "wpc_",
            Purpose::SignIn => "wpo_",
            Purpose::Device => "wpd_",
        }
    }
}

/// A bearer of 256 random bits. After its prefix come, in base64url, the bits and the tenant, because every statement
/// names its tenant.
#[derive(Debug)]
pub struct Opaque {
    pub tenant_id: Uuid,
    secret: Secret,
}

/// Bytes of randomness.
const RANDOM: usize = 32;

impl Opaque {
    /// A new one, from a cryptographic generator seeded by the system.
    pub fn generate(purpose: Purpose, tenant_id: Uuid) -> Self {
        let mut bytes = rand::random::<[u8; RANDOM]>().to_vec();
        bytes.extend_from_slice(tenant_id.as_bytes());
        Opaque { tenant_id, secret: Secret(format!("{}{}", purpose.prefix(), URL_SAFE_NO_PAD.encode(bytes))) }
    }

    /// Reads one; `None` for anything that we never issued for this purpose.
    pub fn parse(purpose: Purpose, text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(purpose.prefix())?).ok()?;
        let (_, tenant) = bytes.split_at_checked(RANDOM)?;
        Some(Opaque { tenant_id: Uuid::from_slice(tenant).ok()?, secret: Secret::new(text) })
    }

    /// What the database keeps. A plain digest is enough: 256 random bits cannot be guessed.
    pub fn hash(&self) -> Vec<u8> {
        digest(self.secret.expose()).to_vec()
    }

    /// The beginning: enough to tell tokens apart, too little to help a guesser (208 bits stay hidden).
    pub fn shown_prefix(&self) -> String {
        self.secret.expose().chars().take(12).collect()
    }

    /// For its owner; it is not to be had again.
    pub fn into_secret(self) -> Secret {
        self.secret
    }
}

/// SHA-256.
pub fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opaque_token_carries_its_tenant_and_its_purpose() {
        let tenant = Uuid::now_v7();
        let token = Opaque::generate(Purpose::ApiKey, tenant);
        let read = Opaque::parse(Purpose::ApiKey, token.secret.expose()).expect("our own");
        assert_eq!((read.tenant_id, read.hash()), (tenant, token.hash()));
        assert!(token.secret.expose().starts_with(&token.shown_prefix()));
        assert!(Opaque::parse(Purpose::Refresh, token.secret.expose()).is_none());
        for text in ["", "wpk_", "wpk_====", "wpk_AAAA", "wpk_ü"] {
            assert!(Opaque::parse(Purpose::ApiKey, text).is_none(), "{text}");
        }
        assert_ne!(Opaque::generate(Purpose::ApiKey, tenant).hash(), token.hash());
    }

    #[test]
    fn nothing_of_a_secret_is_shown() {
        let token = Opaque::generate(Purpose::Refresh, Uuid::nil());
        let shown = format!("{token:?}");
        assert!(!shown.contains("wpr_"), "{shown}");
        let refused = Secret::parse_from_json(Some(Value::from(12_345_678))).expect_err("a number");
        assert!(!refused.into_message().contains("12345678"));
    }
}
