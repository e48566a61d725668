//! What every page looks like: the document, the frame with its menu, and the parts that several pages are made of.

use maud::{DOCTYPE, Markup, Render, html};

use super::assets;
use super::view::{Look, Theme, View};
use crate::problem::{Code, Refusal};
use crate::words;
use entity::kind::{Locale, Role};

/// Nothing runs, loads or is sent anywhere but what this server serves; inline script and style do not run at all.
pub const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                       form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The places of the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Overview,
    Reports,
    Leads,
    Holds,
    Appeals,
    Rules,
    /// For administrators.
    Imports,
}

const MENU: [(Place, &str, &str, &str); 7] = [
    (Place::Overview, "/", "Overview", "概览"),
    (Place::Reports, "/reports/funnel", "Reports", "报表"),
    (Place::Leads, "/leads", "Leads", "线索"),
    (Place::Holds, "/holds", "Reviews", "复核"),
    (Place::Appeals, "/appeals", "Appeals", "申诉"),
    (Place::Rules, "/rules", "Rules", "规则"),
    (Place::Imports, "/imports", "Imports", "导入"),
];

/// Whether the viewer finds the place in his menu.
fn shows(view: &View, place: Place) -> bool {
    place != Place::Imports || view.actor.role == Role::Admin
}

pub fn document(look: Look, title: &str, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(look.t("en", "zh-CN")) data-theme=(look.theme.as_str()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content=(scheme(look.theme));
                title { (title) " · Waypost" }
                link rel="icon" type="image/svg+xml" href=(assets::path("svg"));
                link rel="stylesheet" href=(assets::path("css"));
                script type="module" src=(assets::path("js")) {}
            }
            body { (body) }
        }
    }
}

fn scheme(theme: Theme) -> &'static str {
    match theme {
        Theme::Auto => "light dark",
        Theme::Light => "light",
        Theme::Dark => "dark",
    }
}

/// A page of who is logged in. `head` is its heading, with what belongs beside it.
pub fn page(view: &View, place: Option<Place>, title: &str, head: Markup, content: Markup) -> Markup {
    let look = view.look;
    let body = html! {
        a.skip href="#main" { (look.t("To the content", "跳到正文")) }
        div.frame data-head=(view.head) {
            header.side {
                a.brand href="/" { span.mark aria-hidden="true" {} "Waypost" }
                nav aria-label=(look.t("Main", "主菜单")) {
                    ul.menu {
                        @for (own, path, en, zh) in MENU.into_iter().filter(|(own, ..)| shows(view, *own)) {
                            li { a href=(path) aria-current=[(place == Some(own)).then_some("page")] { (look.t(en, zh)) } }
                        }
                    }
                }
                div.who {
                    p.name { (view.user.name) br; small { (words::role(view.actor.role, look)) " · " (view.tenant.name) } }
                    form method="post" action="/logout" { button.quiet type="submit" { (look.t("Log out", "退出")) } }
                }
            }
            main #main tabindex="-1" {
                div.head { (head) }
                (content)
                footer.foot {
                    p.live #live role="status" aria-live="polite"
                        data-on=(look.t("Live", "实时")) data-off=(look.t("Live update has stopped. Load the page again.", "实时更新已停止，请刷新页面。"))
                        data-now=(look.t("Updated at", "已更新")) {}
                    (look_switch(look, &view.asked.path))
                }
            }
        }
    };
    document(look, title, body)
}

/// Language and theme. Works without script.
pub fn look_switch(look: Look, next: &str) -> Markup {
    let theme = |theme: Theme| match theme {
        Theme::Auto => look.t("Auto", "自动"),
        Theme::Light => look.t("Light", "浅色"),
        Theme::Dark => look.t("Dark", "深色"),
    };
    html! {
        form.look method="post" action="/look" {
            input type="hidden" name="next" value=(next);
            fieldset {
                legend { (look.t("Language", "语言")) }
                @for (locale, name, lang) in [(Locale::En, "English", "en"), (Locale::Zh, "中文", "zh-CN")] {
                    button type="submit" name="language" value=(locale.as_str()) lang=(lang) aria-pressed=(look.locale == locale) { (name) }
                }
            }
            fieldset {
                legend { (look.t("Colours", "配色")) }
                @for own in Theme::ALL {
                    button type="submit" name="theme" value=(own.as_str()) aria-pressed=(look.theme == own) { (theme(own)) }
                }
            }
        }
    }
}

/// A part of a page that is brought up to date by itself: `id` finds it again.
pub fn card(id: &str, title: &str, aside: impl Render, content: impl Render) -> Markup {
    html! {
        section.card id=(id) data-live aria-labelledby=(format!("{id}-title")) {
            div.card-head { h2 id=(format!("{id}-title")) { (title) } div.aside { (aside) } }
            (content)
        }
    }
}

/// A bar of a length between 0 and 1. What it says stands beside it as text.
pub fn bar(share: f64, class: &str) -> Markup {
    let width = format!("{:.1}%", share.clamp(0.0, 1.0) * 100.0);
    html! {
        svg.bar.(class) aria-hidden="true" focusable="false" {
            rect.track width="100%" height="100%" rx="4" {}
            rect.fill width=(width) height="100%" rx="4" {}
        }
    }
}

pub fn nothing(text: &str) -> Markup {
    html! { p.nothing { (text) } }
}

/// What went wrong, for people.
pub fn error(look: Look, refusal: &Refusal) -> Markup {
    let (title, told) = match refusal.code {
        Code::NotFound => (
            look.t("Nothing here", "没有找到"),
            look.t("This page does not exist, or you may not see what it shows.", "该页面不存在，或您无权查看其内容。"),
        ),
        Code::Forbidden => (
            look.t("Not allowed", "没有权限"),
            look.t("Your role may not see or do this.", "您的角色无权查看此页或执行此操作。"),
        ),
        Code::RevisionMismatch | Code::Conflict => (
            look.t("Somebody was faster", "内容已变化"),
            look.t(
                "This has changed since you opened the page. Look at it again.",
                "打开页面后内容已有变化，请重新查看。",
            ),
        ),
        Code::Internal | Code::Unavailable | Code::Timeout => (
            look.t("That did not work", "出错了"),
            look.t(
                "It is our fault and has been logged. Try again in a moment.",
                "这是我们的问题，已记录。请稍后重试。",
            ),
        ),
        _ => (look.t("That cannot be done", "无法完成"), look.t("", "请求未被接受，请返回检查后重试。")),
    };
    let detail = if refusal.code == Code::NotFound { "" } else { refusal.detail.as_str() };
    let reads_english = look.locale == Locale::En;
    let body = html! {
        main.login #main {
            div.login-card {
                p.brand { span.mark aria-hidden="true" {} "Waypost" }
                h1 { (title) }
                @if !told.is_empty() { p { (told) } }
                // The detail is the API's, which speaks English: for others it is folded away.
                @if !detail.is_empty() && reads_english { p.muted { (detail) } }
                @if !detail.is_empty() && !reads_english {
                    details { summary { "详细信息（英文）" } p.muted lang="en" { (detail) } }
                }
                p { a.button href="/" { (look.t("To the overview", "返回概览")) } }
            }
        }
    };
    document(look, title, body)
}

/// Sends the browser to another site, without script. A redirect would not do: the policy lets no form end elsewhere.
pub fn leave(look: Look, url: &str) -> Markup {
    let title = look.t("Sign in", "登录");
    html! {
        (DOCTYPE)
        html lang=(look.t("en", "zh-CN")) data-theme=(look.theme.as_str()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content=(scheme(look.theme));
                meta http-equiv="refresh" content=(format!("0; url={url}"));
                title { (title) " · Waypost" }
                link rel="stylesheet" href=(assets::path("css"));
            }
            body {
                main.login #main {
                    div.login-card {
                        p.brand { span.mark aria-hidden="true" {} "Waypost" }
                        h1 { (title) }
                        p { (look.t("You are being sent to your company's identity provider.", "正在前往贵公司的身份提供方。")) }
                        p { a.button href=(url) { (look.t("Go there", "前往")) } }
                    }
                }
            }
        }
    }
}

/// Asks for the same page again, this time from a page of ours.
pub fn again(look: Look) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(look.t("en", "zh-CN")) {
            head { meta charset="utf-8"; title { "Waypost" } meta http-equiv="refresh" content="0"; }
            body {}
        }
    }
}
