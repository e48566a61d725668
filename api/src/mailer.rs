//! Sends mail through the operator's SMTP server. TLS is a must unless the URL says otherwise; nothing that is told of a
//! failure holds a password.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use reqwest::Url;

/// A server has that long for each answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server to send through, and who sends.
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    pub from: Mailbox,
}

impl Mailer {
    /// `smtps://` is TLS from the beginning, `smtp://` TLS by STARTTLS, and none only with `?tls=none`.
    ///
    /// # Errors
    /// What is wrong with the URL, without repeating it.
    pub fn new(url: &str, from: Mailbox) -> Result<Self, String> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&encrypted(url)?)
            .map_err(|_| "cannot be used: check the host, and write special characters of the password as %-codes")?;
        crate::webhook::reach::encrypt();
        Ok(Mailer { transport: transport.timeout(Some(PATIENCE)).build(), from })
    }

    /// # Errors
    /// Why it was not taken, in words that hold nothing secret.
    pub async fn send(&self, message: Message) -> Result<(), String> {
        self.transport.send(message).await.map(drop).map_err(|error| told(&error))
    }
}

/// The URL as the library wants it, where plain text is the default.
fn encrypted(url: &str) -> Result<String, &'static str> {
    let mut url: Url = url.parse().map_err(|_| "must be a URL such as smtps://user:password@mail.example.com")?;
    if !matches!(url.scheme(), "smtp" | "smtps") {
        return Err("must begin with smtps:// (TLS from the beginning) or smtp:// (STARTTLS)");
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("must name a host, such as smtps://user:password@mail.example.com");
    }
    if !url.username().is_empty() && url.password().is_none() {
        return Err("names a user and no password: write smtps://user:password@mail.example.com");
    }
    let tls = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value.into_owned());
    match (url.scheme(), tls.as_deref()) {
        (_, None | Some("required")) => url.set_query(Some("tls=required")),
        ("smtp", Some("opportunistic")) => {}
        ("smtp", Some("none")) => url.set_query(None),
        _ => return Err("`tls` must be `required`, `opportunistic` or `none`; smtps:// has TLS always"),
    }
    Ok(url.into())
}

fn told(error: &smtp::Error) -> String {
    match error.status() {
        Some(code) if error.is_permanent() => format!("the mail server refused it with {code}"),
        Some(code) => format!("the mail server put it off with {code}"),
        None if error.is_timeout() => format!("the mail server did not answer within {} s", PATIENCE.as_secs()),
        None if error.is_tls() => "no encrypted connection to the mail server, or its certificate does not fit".into(),
        None if error.is_client() => "the mail server lacks what is needed, such as STARTTLS or a way to log in".into(),
        None => "no connection to the mail server".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_unless_the_url_says_otherwise() {
        for (given, used) in [
            ("smtps://u:p@mail.example.com", "smtps://u:p@mail.example.com?tls=required"),
            ("smtp://mail.example.com:2525", "smtp://mail.example.com:2525?tls=required"),
            ("smtp://mail.example.com?tls=none", "smtp://mail.example.com"),
            ("smtp://mail.example.com?tls=opportunistic", "smtp://mail.example.com?tls=opportunistic"),
        ] {
            assert_eq!(encrypted(given).expect("a good one"), used);
        }
        for wrong in ["mail.example.com", "https://mail.example.com", "smtp://", "smtps://h?tls=none", "smtp://u@h"] {
            assert!(encrypted(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_url_repeats_no_password() {
        let from = || "Waypost <waypost@example.com>".parse().expect("a mailbox");
        for url in ["smtp://user:geheim@", "imap://user:geheim@host", "smtps://user:geheim@host?tls=none", "geheim"] {
            let told = Mailer::new(url, from()).err().expect("an error");
            assert!(!told.contains("geheim"), "{told}");
        }
    }
}
