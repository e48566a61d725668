//! Access tokens: JWTs signed with Ed25519, and the keys that sign and verify them. Whether the session and the user
//! behind a token still stand is not known here: `identity`.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey};
use ed25519_dalek::{SigningKey, VerifyingKey};
use entity::scalar::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::secret::{Secret, digest};
use crate::problem::Error;

/// How long an access token is good.
pub const LIFETIME: TimeDelta = TimeDelta::minutes(15);

/// What begins a key in PEM.
const PEM: &str = "-----BEGIN ";
/// What ends the last line of one.
const PEM_END: &str = "-----END ";

/// What an access token says. Times are seconds since 1970 (RFC 7519).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    /// The user.
    pub sub: Uuid,
    /// The tenant.
    pub tid: Uuid,
    /// The session that it belongs to.
    pub sid: Uuid,
    /// The digest, in hex, of the refresh token that it came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rid: Option<String>,
    pub iat: i64,
    pub exp: i64,
}

impl Claims {
    pub fn expired(&self, now: Timestamp) -> bool {
        now.0.timestamp() >= self.exp
    }
}

/// Why keys cannot be used. The text names no key.
#[derive(Debug)]
pub enum KeyError {
    /// Neither a key in PEM nor the path of a file with one.
    Unreadable(io::Error),
    /// The PEM is not an Ed25519 key: PKCS#8 to sign, PKCS#8 or a public key to verify.
    NotEd25519(String),
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyError::Unreadable(cause) => write!(f, "the key file cannot be used: {cause}"),
            KeyError::NotEd25519(cause) => write!(
                f,
                "not an Ed25519 key in PEM ({cause}); `openssl genpkey -algorithm ed25519` makes one that fits"
            ),
        }
    }
}

impl std::error::Error for KeyError {}

impl From<io::Error> for KeyError {
    fn from(cause: io::Error) -> Self {
        KeyError::Unreadable(cause)
    }
}

/// A public key as JWK (RFC 8037).
#[derive(Object, Clone, Debug, PartialEq, Eq)]
pub struct Jwk {
    pub kty: String,
    pub crv: String,
    /// The key in base64url.
    pub x: String,
    /// Names the key in the head of a token: its RFC 7638 thumbprint.
    pub kid: String,
    pub alg: String,
    #[oai(rename = "use")]
    pub purpose: String,
}

/// The keys with which access tokens are verified.
#[derive(Object, Clone, Debug, PartialEq, Eq)]
pub struct Jwks {
    pub keys: Vec<Jwk>,
}

/// One key that signs, and those whose tokens are still good.
pub struct Keys {
    private: SigningKey,
    kid: String,
    signer: EncodingKey,
    verifiers: HashMap<String, DecodingKey>,
    published: Jwks,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("kid", &self.kid).field("published", &self.published).finish_non_exhaustive()
    }
}

impl Keys {
    /// A new key of our own; tokens signed with it are good as long as it is kept.
    pub fn generate() -> Result<Self, KeyError> {
        Self::new(SigningKey::from_bytes(&rand::random()), &[])
    }

    /// `signing`: a private key (PKCS#8 in PEM), or the path of a file with one. `retired`: keys that no longer sign but
    /// whose tokens are still good, private or public, each as PEM or path; several PEMs may stand in one text.
    pub fn read(signing: &str, retired: &[String]) -> Result<Self, KeyError> {
        let mut older = Vec::new();
        for text in retired {
            for pem in split(&pem(text)?) {
                older.push(verifying(pem)?);
            }
        }
        Self::new(private(&pem(signing)?)?, &older)
    }

    /// The key in the file at `path`, which is made, readable by its owner alone, if there is none.
    pub fn read_or_create(path: &Path) -> Result<Self, KeyError> {
        match fs::read_to_string(path) {
            Ok(pem) => Self::new(private(&pem)?, &[]),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                let keys = Self::generate()?;
                write_private(path, keys.to_pem()?.expose())?;
                Ok(keys)
            }
            Err(cause) => Err(cause.into()),
        }
    }

    /// The private key (PKCS#8), to be kept.
    pub fn to_pem(&self) -> Result<Secret, KeyError> {
        let pem = self.private.to_pkcs8_pem(LineEnding::LF).map_err(not_ed25519)?;
        Ok(Secret::new(pem.as_str()))
    }

    /// The public keys.
    pub fn published(&self) -> &Jwks {
        &self.published
    }

    /// Signs with the current key.
    pub fn sign(&self, claims: &Claims) -> Result<Secret, Error> {
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        let token = jsonwebtoken::encode(&header, claims, &self.signer);
        token.map(Secret::new).map_err(|err| Error::Internal(format!("a token cannot be signed: {err}")))
    }

    /// Signs something that is no token: a JWS in compact form (RFC 7515) with the document as payload.
    pub fn sign_document(&self, document: &impl Serialize) -> Result<String, Error> {
        let header = Header { kid: Some(self.kid.clone()), typ: None, ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, document, &self.signer)
            .map_err(|err| Error::Internal(format!("a document cannot be signed: {err}")))
    }

    /// With what every document begins that the current key signs.
    pub fn document_head(&self) -> Result<String, Error> {
        let signed = self.sign_document(&serde_json::Value::Null)?;
        Ok(signed.split('.').next().unwrap_or_default().to_owned())
    }

    /// The claims, if one of our keys signed them for this issuer and audience. The caller's clock judges the expiry.
    pub fn verify(&self, token: &str, issuer: &str, audience: &str) -> Option<Claims> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        let key = self.verifiers.get(header.kid.as_deref()?)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        // The library asks the system's clock.
        validation.validate_exp = false;
        Some(jsonwebtoken::decode(token, key, &validation).ok()?.claims)
    }

    fn new(private: SigningKey, retired: &[VerifyingKey]) -> Result<Self, KeyError> {
        let der = private.to_pkcs8_der().map_err(not_ed25519)?;
        let mut published: Vec<Jwk> = Vec::new();
        let mut verifiers = HashMap::new();
        for key in std::iter::once(&private.verifying_key()).chain(retired) {
            let jwk = jwk(key);
            let verifier = DecodingKey::from_ed_components(&jwk.x).map_err(not_ed25519)?;
            if verifiers.insert(jwk.kid.clone(), verifier).is_none() {
                published.push(jwk);
            }
        }
        Ok(Keys {
            kid: jwk(&private.verifying_key()).kid,
            signer: EncodingKey::from_ed_der(der.as_bytes()),
            verifiers,
            published: Jwks { keys: published },
            private,
        })
    }
}

fn jwk(key: &VerifyingKey) -> Jwk {
    let x = URL_SAFE_NO_PAD.encode(key.as_bytes());
    // RFC 7638, section 3: the required members in lexical order, without white space.
    let kid = URL_SAFE_NO_PAD.encode(digest(&format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)));
    Jwk { kty: "OKP".into(), crv: "Ed25519".into(), x, kid, alg: "EdDSA".into(), purpose: "sig".into() }
}

/// The PEM itself, or what is in the file that `text` names. An environment variable cannot always hold line breaks:
/// `\n` in letters stands for one.
fn pem(text: &str) -> Result<String, KeyError> {
    if text.contains(PEM) { Ok(text.replace("\\n", "\n")) } else { Ok(fs::read_to_string(text.trim())?) }
}

/// The single PEMs of a text that may hold several.
fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(PEM_END)
        .scan(0, |from, part| {
            let start = *from;
            *from += part.len();
            // The rest of the last line belongs to this PEM.
            let end = text[*from..].find('\n').map_or(text.len(), |length| *from + length + 1);
            Some(text[start..end].find(PEM).map(|at| &text[start + at..end]))
        })
        .flatten()
}

fn private(pem: &str) -> Result<SigningKey, KeyError> {
    SigningKey::from_pkcs8_pem(pem.trim()).map_err(not_ed25519)
}

fn verifying(pem: &str) -> Result<VerifyingKey, KeyError> {
    let public = VerifyingKey::from_public_key_pem(pem.trim());
    public.or_else(|_| private(pem).map(|key| key.verifying_key()))
}

fn not_ed25519(cause: impl fmt::Display) -> KeyError {
    KeyError::NotEd25519(cause.to_string())
}

/// Writes beside the file and renames, so that there is never half a key.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_extension("new");
    match fs::remove_file(&draft) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    path.parent().filter(|p| !p.as_os_str().is_empty()).map_or(Ok(()), |p| File::open(p)?.sync_all())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const ISSUER: &str = "https://waypost.example";
    const AUDIENCE: &str = "waypost";

    fn claims() -> Claims {
        Claims {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            sub: Uuid::now_v7(),
            tid: Uuid::now_v7(),
            rid: None,
            sid: Uuid::now_v7(),
            iat: 1_000,
            exp: 1_900,
        }
    }

    fn pem_of(keys: &Keys) -> String {
        keys.to_pem().expect("a key").expose().to_owned()
    }

    #[test]
    fn a_token_is_good_for_its_issuer_and_audience_alone() {
        let keys = Keys::generate().expect("a key");
        let claims = claims();
        let token = keys.sign(&claims).expect("signs");
        assert_eq!(keys.verify(token.expose(), ISSUER, AUDIENCE), Some(claims));
        assert_eq!(keys.verify(token.expose(), "https://elsewhere.example", AUDIENCE), None);
        assert_eq!(keys.verify(token.expose(), ISSUER, "another"), None);
        assert_eq!(Keys::generate().expect("a key").verify(token.expose(), ISSUER, AUDIENCE), None);
    }

    #[test]
    fn nothing_but_our_signature_counts() {
        let keys = Keys::generate().expect("a key");
        let token = keys.sign(&claims()).expect("signs");
        let parts: Vec<&str> = token.expose().split('.').collect();
        let forged = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims()).expect("JSON"));
        let header = |alg: &str| URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{alg}","kid":"{}"}}"#, keys.kid));
        for bad in [
            format!("{}.{forged}.{}", parts[0], parts[2]),
            format!("{}.{}.", parts[0], parts[1]),
            format!("{}.{}.", header("none"), parts[1]),
            format!("{}.{}.{}", header("HS256"), parts[1], parts[2]),
            format!("{}.{}", parts[0], parts[1]),
            "rubbish".into(),
            String::new(),
        ] {
            assert_eq!(keys.verify(&bad, ISSUER, AUDIENCE), None, "{bad}");
        }
    }

    #[test]
    fn expiry_is_judged_by_the_given_clock() {
        let at = |seconds| Timestamp(chrono::DateTime::from_timestamp(seconds, 0).expect("a time"));
        assert!(!claims().expired(at(1_899)));
        assert!(claims().expired(at(1_900)));
    }

    #[test]
    fn a_retired_key_verifies_but_no_longer_signs() {
        let old = Keys::generate().expect("a key");
        let older = Keys::generate().expect("a key");
        let token = old.sign(&claims()).expect("signs");
        let retired = format!("{}{}", pem_of(&old), pem_of(&older));
        let new = Keys::read(&pem_of(&Keys::generate().expect("a key")), &[retired]).expect("reads");
        assert!(new.verify(token.expose(), ISSUER, AUDIENCE).is_some());
        assert_eq!(new.published().keys.len(), 3);
        assert_ne!(new.kid, old.kid);
        let fresh = new.sign(&claims()).expect("signs");
        assert!(old.verify(fresh.expose(), ISSUER, AUDIENCE).is_none());
    }

    /// Key and thumbprint of RFC 8037, appendix A.
    #[test]
    fn kid_is_the_thumbprint() {
        let public = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").expect("base64url");
        let key = VerifyingKey::from_bytes(&public.try_into().expect("32 bytes")).expect("a point");
        assert_eq!(jwk(&key).kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn a_key_file_is_made_once_and_is_private() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("signing.pem");
        let made = Keys::read_or_create(&path).expect("makes");
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        assert_eq!(Keys::read_or_create(&path).expect("reads").kid, made.kid);
        let named = Keys::read(path.to_str().expect("text"), &[path.to_str().expect("text").to_owned()]);
        let named = named.expect("reads the named file");
        assert_eq!((named.kid.as_str(), named.published().keys.len()), (made.kid.as_str(), 1));
        fs::write(&path, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").expect("writes");
        assert!(matches!(Keys::read_or_create(&path), Err(KeyError::NotEd25519(_))));
    }

    #[test]
    fn a_key_in_one_line_is_read() {
        let keys = Keys::generate().expect("a key");
        let one_line = pem_of(&keys).replace('\n', "\\n");
        assert_eq!(Keys::read(&one_line, &[]).expect("reads").kid, keys.kid);
        assert!(matches!(Keys::read("/nowhere/at/all.pem", &[]), Err(KeyError::Unreadable(_))));
    }

    #[test]
    fn nothing_of_the_private_key_is_shown() {
        let keys = Keys::generate().expect("a key");
        let shown = format!("{keys:?}");
        let secret = URL_SAFE_NO_PAD.encode(keys.private.to_bytes());
        assert!(!shown.contains(&secret) && !shown.contains("private"), "{shown}");
    }
}
