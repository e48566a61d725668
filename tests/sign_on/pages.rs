//! The pages: the button, there and back, and a session in a cookie.

use std::collections::BTreeMap;

use reqwest::{Client, Method, Response, StatusCode, header, redirect};
use serde_json::json;

use super::{PAGES, Provider, Visitor, set, wanted, world};
use crate::world::World;

/// A browser at the pages.
struct Browser {
    http: Client,
    url: String,
    language: &'static str,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    fn new(world: &World, language: &'static str) -> Self {
        let http = Client::builder().redirect(redirect::Policy::none()).build().expect("a client");
        Browser { http, url: world.url.clone(), language, cookies: BTreeMap::new() }
    }

    async fn send(&mut self, method: Method, path: &str, form: &[(&str, &str)], site: &str) -> Response {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.url))
            .header(header::ACCEPT, "text/html")
            .header(header::ACCEPT_LANGUAGE, self.language)
            .header(header::COOKIE, cookies.join("; "))
            .header("sec-fetch-site", site);
        if !form.is_empty() {
            let body: Vec<String> = form.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body.join("&"));
        }
        let answer = request.send().await.expect("an answer");
        for cookie in answer.headers().get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().expect("text").split(';').next().expect("a pair");
            let (name, value) = pair.split_once('=').expect("a pair");
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    async fn page(&mut self, path: &str) -> String {
        let answer = self.send(Method::GET, path, &[], "same-origin").await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.text().await.expect("a page")
    }

    /// Presses the button; the page that leads away.
    async fn press(&mut self, world: &World, next: &str) -> Response {
        let form = [("tenant", world.slug.as_str()), ("next", next), ("email", ""), ("password", "")];
        self.send(Method::POST, "/login/sign-on", &form, "same-origin").await
    }
}

/// Where a page sends the browser without script.
fn leads_to(page: &str) -> String {
    let (_, rest) = page.split_once("content=\"0; url=").expect("a way out");
    rest.split_once('"').expect("its end").0.replace("&amp;", "&")
}

/// The path at our server that the provider sent the browser to.
fn path(url: &reqwest::Url) -> String {
    assert!(url.as_str().starts_with(PAGES), "{url}");
    format!("{}?{}", url.path(), url.query().expect("a query"))
}

#[tokio::test]
async fn the_button_leads_there_and_back_to_the_page_that_was_wanted() {
    let Some(provider) = Provider::start(false).await else { return };
    let world = world().await;
    let admin = world.admin().await;
    set(&admin, wanted(&provider, json!({ "name": "Hopton <ID>" }))).await.expect(200);
    let claims =
        json!({ "email": "mei@example.com", "email_verified": true, "name": "Mei Manager", "groups": ["leads"] });
    provider.knows("mei", claims).await;

    let mut browser = Browser::new(&world, "en");
    assert!(browser.page("/login").await.contains("Single sign-on"));
    let form = browser.page(&format!("/login?tenant={}&next=/rules", world.slug)).await;
    assert!(form.contains("Sign in with Hopton &lt;ID&gt;"), "{form}");
    let away = browser.press(&world, "/rules").await;
    assert_eq!(away.status(), StatusCode::OK);
    let cookie = away.headers()[header::SET_COOKIE].to_str().expect("text").to_owned();
    for part in ["HttpOnly", "SameSite=Lax", "Path=/login", "Secure", "Max-Age=600"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let to = leads_to(&away.text().await.expect("a page"));
    let back = Visitor::new().log_in(&provider, &to, Some("mei")).await;

    // In another browser it is worth nothing, and stays good for the right one.
    let mut thief = Browser::new(&world, "en");
    let refused = thief.send(Method::GET, &path(&back), &[], "cross-site").await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert!(!thief.cookies.contains_key("waypost_session"));

    let done = browser.send(Method::GET, &path(&back), &[], "cross-site").await;
    assert_eq!(done.status(), StatusCode::SEE_OTHER, "{:?}", done.text().await);
    assert_eq!(done.headers()[header::LOCATION], "/rules");
    let session = done.headers().get_all(header::SET_COOKIE).iter().map(|value| value.to_str().expect("text"));
    assert!(
        session
            .into_iter()
            .any(|cookie| cookie.starts_with("waypost_session=wpr_") && cookie.contains("SameSite=Strict"))
    );
    assert!(browser.page("/").await.contains("Mei Manager"));

    // The same address once more.
    let mut again = Browser::new(&world, "en");
    again.cookies = browser.cookies.clone();
    let replayed = again.send(Method::GET, &path(&back), &[], "cross-site").await;
    assert_eq!(replayed.status(), StatusCode::UNAUTHORIZED);
    let other = Browser::new(&world, "en").page("/login?tenant=nobody").await;
    assert!(!other.contains("Sign in with") && other.contains("Single sign-on"));
}

#[tokio::test]
async fn what_goes_wrong_is_said_in_the_viewer_s_language() {
    let Some(mut provider) = Provider::start(false).await else { return };
    let world = world().await;
    let admin = world.admin().await;
    set(&admin, wanted(&provider, json!({}))).await.expect(200);
    for (language, button, nobody, declined, no_role, down) in [
        (
            "en",
            "Sign in with Hopton ID",
            "Name your company first",
            "You were not signed in there",
            "None of your groups",
            "cannot be used",
        ),
        ("zh-CN", "使用 Hopton ID 登录", "请先填写公司代号", "未能完成登录", "没有对应的角色", "暂时无法使用"),
    ] {
        let mut browser = Browser::new(&world, language);
        assert!(browser.page(&format!("/login?tenant={}", world.slug)).await.contains(button));
        let form = [("tenant", ""), ("next", "/")];
        let unnamed = browser.send(Method::POST, "/login/sign-on", &form, "same-origin").await;
        assert_eq!(unnamed.status(), StatusCode::NOT_FOUND);
        assert!(unnamed.text().await.expect("a page").contains(nobody));

        // Declined at the provider.
        let to = leads_to(&browser.press(&world, "/").await.text().await.expect("a page"));
        let back = Visitor::new().log_in(&provider, &to, None).await;
        let refused = browser.send(Method::GET, &path(&back), &[], "cross-site").await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
        assert!(refused.text().await.expect("a page").contains(declined));

        // In no group.
        provider
            .knows("guest", json!({ "email": "guest@example.com", "email_verified": true, "groups": ["guests"] }))
            .await;
        let to = leads_to(&browser.press(&world, "/").await.text().await.expect("a page"));
        let back = Visitor::new().log_in(&provider, &to, Some("guest")).await;
        let refused = browser.send(Method::GET, &path(&back), &[], "cross-site").await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
        let page = refused.text().await.expect("a page");
        assert!(page.contains(no_role) && page.contains(button), "{page}");

        // Gone while somebody logs in there.
        let to = leads_to(&browser.press(&world, "/").await.text().await.expect("a page"));
        let back = Visitor::new().log_in(&provider, &to, Some("guest")).await;
        provider.stop().await;
        let refused = browser.send(Method::GET, &path(&back), &[], "cross-site").await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(refused.text().await.expect("a page").contains(down));
        provider.start_again().await;
    }
    let mut browser = Browser::new(&world, "en");
    let form = [("tenant", world.slug.as_str()), ("next", "//evil.example")];
    let foreign = browser.send(Method::POST, "/login/sign-on", &form, "cross-site").await;
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN, "no other site begins a sign-in");
    browser.press(&world, "//evil.example").await;
    assert!(!browser.cookies["waypost_sign_in"].contains("evil"), "{:?}", browser.cookies);
}
