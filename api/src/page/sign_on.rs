//! Signing in at the company's identity provider: there and back. What the sign-in needs on the way back is in a cookie, which
//! unlike the session's is sent when the provider leads the browser here.

use poem::Request;
use poem::http::StatusCode;

use super::answer::{Answer, status};
use super::browser;
use super::html::leave;
use super::log_in::{self, end_former};
use super::login_form::{self, Typed};
use super::view::{Asked, Look, local};
use crate::auth::address::Address;
use crate::auth::{Secret, note};
use crate::problem::{Code, Error};
use crate::sign_on::enter::{self, Failed, Returned};
use crate::sign_on::{callback, settings};
use crate::state::State;

/// What is kept in the browser until it comes back.
struct Kept {
    token: String,
    tenant: String,
    /// Where to go after it.
    next: String,
}

impl Kept {
    fn to_cookie(&self) -> String {
        let pairs = [("token", &self.token), ("tenant", &self.tenant), ("next", &self.next)];
        serde_urlencoded::to_string(pairs).unwrap_or_default()
    }

    fn of(request: &Request) -> Option<Self> {
        let pairs = serde_urlencoded::from_str::<Vec<(String, String)>>(browser::cookie(request, browser::SIGN_IN)?);
        let pairs = pairs.ok()?;
        let value = |name: &str| pairs.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
        Some(Kept { token: value("token")?, tenant: value("tenant")?, next: local(&value("next")?).to_owned() })
    }
}

/// Sends the browser to the provider of the company that was named.
pub async fn begin(state: State, request: Request, asked: Asked, look: Look) -> Result<Answer, Error> {
    let tenant = asked.field("tenant").to_lowercase();
    let next = local(asked.field("next")).to_owned();
    let address = Address::of(&request, &state.identity.trusted_proxies);
    match enter::begin(&state, &tenant, &callback(&state), &address).await {
        Ok(begun) => {
            let kept = Kept { token: begun.token.expose().to_owned(), tenant, next };
            let cookie = browser::carry(&state, browser::SIGN_IN, &kept.to_cookie());
            Ok(Answer::Leave(leave(look, &begun.url), vec![cookie]))
        }
        Err(failed) => refused(&state, look, &tenant, next, failed).await,
    }
}

/// Takes what the provider sends the browser back with.
pub async fn back(state: State, request: Request, asked: Asked, look: Look) -> Result<Answer, Error> {
    let Some(kept) = Kept::of(&request) else {
        return refused(&state, look, "", "/".to_owned(), Failed::Over).await;
    };
    let Kept { token, tenant, next } = kept;
    let (Some(code), Some(given)) = (asked.query("code"), asked.query("state")) else {
        let reason = asked.query("error").unwrap_or("nothing");
        tracing::info!(tenant, reason = reason.chars().take(80).collect::<String>(), "a provider sent nobody back");
        return declined(&state, look, &tenant, next).await;
    };
    let returned = Returned {
        token: Secret::new(token),
        state: given.to_owned(),
        code: code.to_owned(),
        issuer: asked.query("iss").map(str::to_owned),
    };
    let shared = state.clone();
    let done =
        state.run(async move { Ok::<_, Error>(enter::finish(&shared, returned, Some(&log_in::device())).await) });
    match done.await? {
        Ok(tokens) => {
            note(&request, &tokens);
            end_former(&state, &request).await?;
            let mut cookies = browser::begin(&state, tokens.refresh_token.expose(), &tenant);
            cookies.push(browser::drop_carried(&state, browser::SIGN_IN));
            Ok(Answer::Go(next, cookies))
        }
        Err(failed) => refused(&state, look, &tenant, next, failed).await,
    }
}

/// The person, or the provider, said no.
async fn declined(state: &State, look: Look, tenant: &str, next: String) -> Result<Answer, Error> {
    let told = look.t(
        "You were not signed in there. Try again, or log in with a password.",
        "未能完成登录。请重试，或使用密码登录。",
    );
    page(state, look, tenant, next, StatusCode::FORBIDDEN, None, told).await
}

/// The log-in again, with the reason.
async fn refused(state: &State, look: Look, tenant: &str, next: String, failed: Failed) -> Result<Answer, Error> {
    let told = match &failed {
        Failed::Nowhere if tenant.is_empty() => look.t("Name your company first.", "请先填写公司代号。").to_owned(),
        Failed::Nowhere => look.t("This company has no single sign-on.", "该公司未启用单点登录。").to_owned(),
        Failed::Over | Failed::Code | Failed::Forged => look
            .t(
                "This sign-in was begun elsewhere, was used or took too long. Try again.",
                "本次登录已失效（已使用、超时或来自其他浏览器），请重试。",
            )
            .to_owned(),
        Failed::Unusable(_) => look
            .t(
                "Your company's identity provider cannot be used right now. Try again later, or log in with a password.",
                "身份提供方暂时无法使用。请稍后重试，或使用密码登录。",
            )
            .to_owned(),
        Failed::Denied(denied) => {
            let (en, zh) = denied.texts();
            look.t(en, zh)
        }
        Failed::Error(_) => String::new(),
    };
    if let Failed::Error(error) = failed {
        // Too many from one address is the only one that a person can meet.
        return match error {
            Error::Refusal(refusal) if refusal.code == Code::TooManyRequests => {
                let seconds = refusal.retry_after.unwrap_or(1);
                let told = look.t(
                    format!("Too many attempts. Try again in {seconds} s."),
                    format!("尝试次数过多，请在 {seconds} 秒后重试。"),
                );
                page(state, look, tenant, next, status(&refusal), refusal.retry_after, &told).await
            }
            error => Err(error),
        };
    }
    let refusal = Error::from(failed).refusal();
    page(state, look, tenant, next, status(&refusal), None, &told).await
}

async fn page(
    state: &State,
    look: Look,
    tenant: &str,
    next: String,
    status: StatusCode,
    retry_after: Option<u32>,
    told: &str,
) -> Result<Answer, Error> {
    let sign_on = settings::name_of(&state.db, tenant).await?;
    let typed = Typed { tenant: tenant.to_owned(), email: String::new(), next, sign_on };
    Ok(Answer::Refused(status, retry_after, login_form::form(look, &typed, Some(told))))
}
