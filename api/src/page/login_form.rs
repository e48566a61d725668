//! What the log-in looks like.

use maud::{Markup, html};

use super::html::{document, look_switch};
use super::view::Look;

/// What was typed, but the password.
pub struct Typed {
    pub tenant: String,
    pub email: String,
    /// Where to go after it.
    pub next: String,
    /// What the company calls its identity provider, if it has one.
    pub sign_on: Option<String>,
}

pub fn form(look: Look, typed: &Typed, wrong: Option<&str>) -> Markup {
    let title = look.t("Log in", "登录");
    let body = html! {
        main.login #main {
            div.login-card {
                p.brand { span.mark aria-hidden="true" {} "Waypost" }
                h1 { (title) }
                p.muted { (look.t("See whether the pipeline converts, and what to do about it today.", "看清商机转化，今天就行动。")) }
                @if let Some(wrong) = wrong {
                    p.alert role="alert" #wrong { (wrong) }
                }
                form method="post" action="/login" {
                    input type="hidden" name="next" value=(typed.next);
                    label for="tenant" { (look.t("Company", "公司代号")) }
                    input #tenant name="tenant" value=(typed.tenant) required autocomplete="organization" autocapitalize="none" spellcheck="false" autofocus[typed.tenant.is_empty()];
                    label for="email" { (look.t("E-mail address", "邮箱")) }
                    input #email name="email" type="email" value=(typed.email) required autocomplete="username" autofocus[!typed.tenant.is_empty()];
                    label for="password" { (look.t("Password", "密码")) }
                    input #password name="password" type="password" required autocomplete="current-password";
                    button.primary type="submit" { (title) }
                    button type="submit" formaction="/login/sign-on" formnovalidate {
                        @match &typed.sign_on {
                            Some(name) => { (look.t("Sign in with ", "使用 ")) (name) (look.t("", " 登录")) }
                            None => { (look.t("Single sign-on", "单点登录")) }
                        }
                    }
                }
                (look_switch(look, "/login"))
            }
        }
    };
    document(look, title, body)
}
