//! Passwords: what is accepted as one, how it is hashed and verified. Where hashes are kept: `credential`.

use std::sync::{Arc, LazyLock};
use std::thread::available_parallelism;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use super::secret::Secret;
use crate::problem::{Error, Refusal};

/// Characters. NIST SP 800-63B asks for at least 8 and for at least 64 to be allowed.
const SHORTEST: usize = 10;
const LONGEST: usize = 200;

/// Argon2id with 19 MiB, 2 passes, 1 lane: the OWASP Password Storage Cheat Sheet's first choice below 46 MiB.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// How long a log-in waits for its turn to hash before the server says that it is busy.
const PATIENCE: Duration = Duration::from_secs(5);

/// Is verified when there is no hash, so that an unknown user costs the same time as a wrong password.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash(rand::random::<[u8; 16]>().as_slice()).unwrap_or_default());

/// Whether a new password is acceptable. `email` and `tenant` (its slug) are what a guesser tries first.
pub fn check(password: &Secret, email: &str, tenant: &str) -> Result<(), Refusal> {
    let refuse = |detail: &str| Err(Refusal::invalid("/newPassword", detail));
    let text = password.expose();
    let length = text.chars().count();
    if !(SHORTEST..=LONGEST).contains(&length) {
        return refuse(&format!("Must have {SHORTEST} to {LONGEST} characters."));
    }
    let lower = text.to_lowercase();
    if lower == email.to_lowercase() || lower == tenant.to_lowercase() {
        return refuse("Must not be the e-mail address or the name of the company.");
    }
    Ok(())
}

/// Hashes on tokio's blocking threads, at most one a processor: each takes 19 MiB and some ten milliseconds of one, and
/// log-ins must not starve the other requests.
#[derive(Clone, Debug)]
pub struct Hasher(Arc<Semaphore>);

impl Hasher {
    pub fn new() -> Self {
        Hasher(Arc::new(Semaphore::new(available_parallelism().map_or(1, usize::from))))
    }

    /// The hash to keep, in PHC format.
    pub async fn hash(&self, password: &Secret) -> Result<String, Error> {
        let password = password.clone();
        self.run(move || hash(password.expose().as_bytes())).await?
    }

    /// Whether `password` belongs to `stored`; without a stored hash, never, after the same time.
    pub async fn verify(&self, password: &Secret, stored: Option<String>) -> Result<bool, Error> {
        let password = password.clone();
        self.run(move || {
            let parsed = PasswordHash::new(stored.as_deref().unwrap_or(&NOBODY));
            let parsed = parsed.map_err(|err| Error::Internal(format!("unreadable password hash: {err}")))?;
            let right = Argon2::default().verify_password(password.expose().as_bytes(), &parsed).is_ok();
            Ok(right && stored.is_some())
        })
        .await?
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let turn = tokio::time::timeout(PATIENCE, self.0.clone().acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(Refusal::unavailable(5).into()) };
        // The turn moves along: a client that hangs up does not stop the hashing.
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        });
        done.await.map_err(|err| Error::Internal(format!("hashing did not end: {err}")))
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Hasher::new()
    }
}

fn hash(password: &[u8]) -> Result<String, Error> {
    let failed = |err: &dyn std::fmt::Display| Error::Internal(format!("a password cannot be hashed: {err}"));
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|err| failed(&err))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password(password).map(|hash| hash.to_string()).map_err(|err| failed(&err))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_long_and_not_obvious_is_accepted() {
        let accepted = |text: &str| check(&Secret::new(text), "lin.wei@example.com", "northwind-traders").is_ok();
        for good in ["correct horse", "十个汉字也是好密码的", &"x".repeat(200)] {
            assert!(accepted(good), "{good}");
        }
        for bad in ["", "nine char", &"x".repeat(201), "Lin.Wei@example.com", "Northwind-Traders"] {
            assert!(!accepted(bad), "{bad}");
        }
    }

    #[tokio::test]
    async fn only_the_right_password_fits_and_no_hash_fits_nothing() {
        let hasher = Hasher::new();
        let right = Secret::new("correct horse");
        let stored = hasher.hash(&right).await.expect("hashes");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_ne!(hasher.hash(&right).await.expect("hashes"), stored, "every hash has its own salt");
        assert!(hasher.verify(&right, Some(stored.clone())).await.expect("verifies"));
        assert!(!hasher.verify(&Secret::new("wrong horse"), Some(stored)).await.expect("verifies"));
        assert!(!hasher.verify(&right, None).await.expect("verifies"));
        assert!(matches!(hasher.verify(&right, Some("not a hash".into())).await, Err(Error::Internal(_))));
    }

    /// The cost is in the hash's parameters: the stand-in for unknown users must have those of a real one.
    #[test]
    fn an_unknown_user_costs_the_same() {
        let params = |text: &str| Params::try_from(&PasswordHash::new(text).expect("a hash")).expect("parameters");
        let real = hash(b"correct horse").expect("hashes");
        let (nobody, real) = (params(&NOBODY), params(&real));
        assert_eq!((nobody.m_cost(), nobody.t_cost(), nobody.p_cost()), (real.m_cost(), real.t_cost(), real.p_cost()));
    }
}
