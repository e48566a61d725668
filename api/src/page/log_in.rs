//! The log-in: the API's own, with its protection against guessing; the session's token goes into a cookie.

use entity::scalar::{Email, Line};
use poem::Request;
use poem::http::StatusCode;

use super::answer::{Answer, status};
use super::browser;
use super::login_form::{Typed, form as page};
use super::view::{Asked, Look, local};
use crate::auth::address::Address;
use crate::auth::{Login, Secret, log_in};
use crate::problem::{Code, Error};
use crate::state::State;

/// What the list of sessions calls it.
const DEVICE: &str = "Browser";

pub async fn form(state: State, request: Request, asked: Asked, look: Look) -> Result<Answer, Error> {
    let next = local(asked.query("next").unwrap_or("/")).to_owned();
    if browser::proof(&state, &request).await?.is_some() {
        return Ok(Answer::Go(next, Vec::new()));
    }
    let tenant = browser::cookie(&request, browser::TENANT).unwrap_or_default().to_owned();
    Ok(Answer::Page(page(look, &Typed { tenant, email: String::new(), next }, None)))
}

pub async fn submit(state: State, request: Request, asked: Asked, look: Look) -> Result<Answer, Error> {
    let typed = Typed {
        tenant: asked.field("tenant").to_lowercase(),
        email: asked.field("email").to_owned(),
        next: local(asked.field("next")).to_owned(),
    };
    let wrong = look.t("Company, e-mail address or password is wrong.", "公司代号、邮箱或密码不正确。");
    let password = asked.form.get("password").map(String::as_str).unwrap_or_default();
    let (Ok(tenant), Ok(email)) = (Line::parse(&typed.tenant), Email::parse(&typed.email)) else {
        return Ok(Answer::Refused(StatusCode::UNAUTHORIZED, None, page(look, &typed, Some(wrong))));
    };
    let login = Login { tenant, email, password: Secret::new(password), device_name: Some(Line(DEVICE.to_owned())) };
    let address = Address::of(&request, &state.identity.trusted_proxies);
    let shared = state.clone();
    match state.run(async move { log_in::log_in(&shared, login, address).await }).await {
        Ok(tokens) => {
            // A session that this browser had before is not left behind.
            if let Some(former) = browser::session_token(&request) {
                let former = Secret::new(former);
                crate::auth::session::log_out(&state.db, &state.identity, &former, state.clock.now()).await?;
            }
            let cookies = browser::begin(&state, tokens.refresh_token.expose(), &typed.tenant);
            Ok(Answer::Go(typed.next, cookies))
        }
        Err(Error::Refusal(refusal)) => {
            let told = match refusal.code {
                Code::Unauthorized => wrong.to_owned(),
                Code::Forbidden => look
                    .t("This user has been disabled. Ask an administrator.", "该用户已停用，请联系管理员。")
                    .to_owned(),
                Code::TooManyRequests => {
                    let seconds = refusal.retry_after.unwrap_or(1);
                    look.t(
                        format!("Too many attempts. Try again in {seconds} s."),
                        format!("尝试次数过多，请在 {seconds} 秒后重试。"),
                    )
                }
                _ => refusal.detail.clone(),
            };
            Ok(Answer::Refused(status(&refusal), refusal.retry_after, page(look, &typed, Some(&told))))
        }
        Err(error) => Err(error),
    }
}
