//! The signature of a web form's submission: `t=<seconds since 1970>,v1=<hex>`, where the second part is the HMAC-SHA-256,
//! by the form's secret, of the seconds, a dot and the body as it was sent. Decides only.

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Seconds by which the clocks of the two sides may differ. An older signature proves nothing any more.
const TOLERANCE: i64 = 300;

/// Why a signature is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Unreadable,
    Expired,
    Wrong,
}

/// Checks it; the answer names this very submission.
pub fn check(header: &str, secret: &str, body: &[u8], now: i64) -> Result<String, Fault> {
    let (mut at, mut code) = (None, None);
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", value)) => at = value.parse::<i64>().ok(),
            Some(("v1", value)) => code = Some(value),
            _ => {}
        }
    }
    let (Some(at), Some(code)) = (at, code) else { return Err(Fault::Unreadable) };
    let given = bytes(code).ok_or(Fault::Unreadable)?;
    if now.checked_sub(at).is_none_or(|age| age.abs() > TOLERANCE) {
        return Err(Fault::Expired);
    }
    let mac = mac(secret, at, body);
    mac.verify_slice(&given).map_err(|_| Fault::Wrong)?;
    Ok(code.to_ascii_lowercase())
}

/// The header for a body that leaves now: what a form's server sends.
pub fn sign(secret: &str, body: &[u8], now: i64) -> String {
    let code = mac(secret, now, body).finalize().into_bytes();
    format!("t={now},v1={}", crate::write::hex(&code))
}

fn mac(secret: &str, at: i64, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key of any length");
    mac.update(format!("{at}.").as_bytes());
    mac.update(body);
    mac
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        hex.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len() == 64)?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_body_by_this_secret_at_this_time() {
        let (secret, body, now) = ("wps_secret", br#"{"name":"Acme"}"#, 1_767_225_600);
        let header = sign(secret, body, now);
        assert!(check(&header, secret, body, now + TOLERANCE).is_ok());
        assert!(check(&header, secret, body, now - TOLERANCE).is_ok());
        for (header, secret, body, at, fault) in [
            (header.as_str(), "another", &body[..], now, Fault::Wrong),
            (&header, secret, br#"{"name":"Acne"}"#, now, Fault::Wrong),
            (&header.replace("1767225600", "1767225601"), secret, body, now, Fault::Wrong),
            (&header, secret, body, now + TOLERANCE + 1, Fault::Expired),
            (&header, secret, body, i64::MIN, Fault::Expired),
            ("", secret, body, now, Fault::Unreadable),
            ("t=1767225600", secret, body, now, Fault::Unreadable),
            ("t=1767225600,v1=zz", secret, body, now, Fault::Unreadable),
            ("t=now,v1=00", secret, body, now, Fault::Unreadable),
        ] {
            assert_eq!(check(header, secret, body, at), Err(fault), "{header}");
        }
    }

    #[test]
    fn a_signature_anybody_can_make() {
        // printf '1767225600.{"name":"Acme"}' | openssl dgst -sha256 -hmac wps_secret
        let header = sign("wps_secret", br#"{"name":"Acme"}"#, 1_767_225_600);
        assert_eq!(header, "t=1767225600,v1=0dd814426fd5ce1f8ebe8b7e3d30b2e643a23fa5bef7e2314111f471309ea2ad");
    }
}
