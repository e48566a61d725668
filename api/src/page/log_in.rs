//! The log-in: the API's own, with its protection against guessing; the session's token goes into a cookie.

use entity::scalar::{Email, Line};
use poem::Request;
use poem::http::StatusCode;

use super::answer::{Answer, status};
use super::browser;
use super::login_form::{Typed, form as page};
use super::view::{Asked, Look, local};
use crate::auth::address::Address;
use crate::auth::{Login, Secret, log_in, session};
use crate::problem::{Code, Error};
use crate::sign_on::settings;
use crate::state::State;

/// What the list of sessions calls it.
const DEVICE: &str = "Browser";

pub fn device() -> Line {
    Line(DEVICE.to_owned())
}

pub async fn form(state: State, request: Request, asked: Asked, look: Look) -> Result<Answer, Error> {
    let next = local(asked.query("next").unwrap_or("/")).to_owned();
    if browser::proof(&state, &request).await?.is_some() {
        return Ok(Answer::Go(next, Vec::new()));
    }
    let named = asked.query("tenant").or_else(|| browser::cookie(&request, browser::TENANT));
    let tenant = named.unwrap_or_default().to_lowercase();
    let sign_on = settings::name_of(&state.db, &tenant).await?;
    Ok(Answer::Page(page(look, &Typed { tenant, email: String::new(), next, sign_on }, None)))
}

pub async fn submit(state: State, request: Request, asked: Asked, look: Look) -> Result<Answer, Error> {
    let tenant = asked.field("tenant").to_lowercase();
    let typed = Typed {
        sign_on: settings::name_of(&state.db, &tenant).await?,
        tenant,
        email: asked.field("email").to_owned(),
        next: local(asked.field("next")).to_owned(),
    };
    let wrong = look.t("Company, e-mail address or password is wrong.", "公司代号、邮箱或密码不正确。");
    let password = asked.form.get("password").map(String::as_str).unwrap_or_default();
    let (Ok(tenant), Ok(email)) = (Line::parse(&typed.tenant), Email::parse(&typed.email)) else {
        return Ok(Answer::Refused(StatusCode::UNAUTHORIZED, None, page(look, &typed, Some(wrong))));
    };
    let kept = browser::device(&tenant.0, &email.0);
    let device_token = browser::cookie(&request, &kept).map(Secret::new);
    let login = Login { tenant, email, password: Secret::new(password), device_name: Some(device()), device_token };
    let address = Address::of(&request, &state.identity.trusted_proxies);
    let shared = state.clone();
    match state.run(async move { log_in::log_in(&shared, login, address).await }).await {
        Ok(tokens) => {
            end_former(&state, &request).await?;
            let mut cookies = browser::begin(&state, tokens.refresh_token.expose(), &typed.tenant);
            cookies.extend(tokens.device_token.map(|token| browser::remember(&state, &kept, token.expose())));
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

/// A session that this browser had before is not left behind.
pub async fn end_former(state: &State, request: &Request) -> Result<(), Error> {
    match browser::session_token(request) {
        Some(former) => session::log_out(&state.db, &state.identity, &Secret::new(former), state.clock.now()).await,
        None => Ok(()),
    }
}
