//! Who gets in, how, and what the browser is told.

use chrono::TimeDelta;
use poem::http::StatusCode;
use reqwest::{Method, Response, header};
use serde_json::{Value, json};

use super::{Browser, PASSWORD, give_password, world};

fn told<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[tokio::test]
async fn a_stranger_is_led_to_the_log_in_and_back() {
    let world = world().await;
    let manager = world.manager("Mei Manager").await;
    let email = give_password(&world, &manager).await;
    let mut browser = Browser::new(&world);
    assert_eq!(told(&browser.get("/").await, "location"), "/login");
    assert_eq!(told(&browser.get("/holds?x=1").await, "location"), "/login?next=%2Fholds%3Fx%3D1");

    let form = browser.get("/login").await;
    assert_eq!(form.status(), StatusCode::OK);
    let policy = told(&form, "content-security-policy").to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(told(&form, "cache-control"), "no-store");

    let wrong = browser.log_in(&world, &email, "not the password").await;
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    assert!(told(&wrong, "set-cookie").is_empty());
    assert!(wrong.text().await.expect("a page").contains("role=\"alert\""));

    let right = browser.log_in(&world, &email, PASSWORD).await;
    assert_eq!(right.status(), StatusCode::SEE_OTHER);
    let cookie = told(&right, "set-cookie");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Secure"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(browser.page("/").await.contains("Mei Manager"));

    browser.post("/logout", &[]).await;
    assert_eq!(told(&browser.get("/").await, "location"), "/login", "the session is over, not only forgotten");
}

#[tokio::test]
async fn a_cookie_is_good_for_pages_only_and_for_a_week() {
    let world = world().await;
    let admin = world.admin().await;
    let rep = world.rep("Lin Wei").await;
    let browser = Browser::of(&world, &rep).await;
    assert_eq!(browser.get("/v1/me").await.status(), StatusCode::UNAUTHORIZED);
    let token = browser.cookies[0].split_once('=').expect("a value").1.to_owned();
    let bearer = browser.http.get(format!("{}/v1/me", world.url)).bearer_auth(&token).send().await.expect("an answer");
    assert_eq!(bearer.status(), StatusCode::UNAUTHORIZED);

    let other = world.rep("Zhao Yun").await;
    let locked = Browser::of(&world, &other).await;
    admin.patch(&format!("/v1/users/{}", other.id), json!({ "disabled": true })).await.expect(200);
    assert_eq!(locked.get("/").await.status(), StatusCode::SEE_OTHER, "a disabled user is out at once");

    assert_eq!(browser.get("/").await.status(), StatusCode::OK);
    world.wait(TimeDelta::days(8));
    world.state.identity.forget(world.tenant_id, rep.id);
    assert_eq!(browser.get("/").await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_browser_that_was_there_before_is_known_wherever_it_is() {
    let world = world().await;
    let rep = world.rep("Lin Wei").await;
    let laptop = Browser::of(&world, &rep).await;
    let email = rep.get("/v1/me").await.expect(200).text("/user/email");
    laptop.post("/logout", &[]).await;
    while Browser::new(&world).log_in(&world, &email, "a guess").await.status() == StatusCode::UNAUTHORIZED {}
    let stranger = Browser::new(&world).log_in(&world, &email, PASSWORD).await;
    assert_eq!(stranger.status(), StatusCode::TOO_MANY_REQUESTS);

    let mut elsewhere = Browser { cookies: laptop.cookies, ..Browser::new(&world) };
    let back = elsewhere.log_in(&world, &email, PASSWORD).await;
    assert_eq!(back.status(), StatusCode::SEE_OTHER);
    let set: Vec<&str> =
        back.headers().get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok()).collect();
    let device = set.iter().find(|cookie| cookie.starts_with("waypost_device_")).expect("the device's cookie");
    for part in ["HttpOnly", "SameSite=Lax", "Path=/login", "Secure"] {
        assert!(device.contains(part), "{device}");
    }
}

#[tokio::test]
async fn no_other_site_makes_a_browser_do_anything() {
    let world = world().await;
    let manager = world.manager("Mei Manager").await;
    let browser = Browser::of(&world, &manager).await;
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example"), ("accept", "*/*")] {
        let post = browser.request(Method::POST, "/logout").header(name, value).send().await.expect("an answer");
        assert_eq!(post.status(), StatusCode::FORBIDDEN, "{name}: {value}");
        assert_eq!(told(&post, "content-type"), "text/html; charset=utf-8");
    }
    assert_eq!(browser.get("/").await.status(), StatusCode::OK, "still logged in");
    let look = browser.post("/look", &[("language", "zh"), ("next", "https://evil.example/")]).await;
    assert_eq!(told(&look, "location"), "/");
}

#[tokio::test]
async fn guessing_is_slowed_here_as_it_is_by_the_api() {
    let world = world().await;
    let email = give_password(&world, &world.rep("Lin Wei").await).await;
    let mut browser = Browser::new(&world);
    for _ in 0..6 {
        browser.log_in(&world, &email, "a wrong guess").await;
    }
    let slowed = browser.log_in(&world, &email, PASSWORD).await;
    assert_eq!(slowed.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(!told(&slowed, "retry-after").is_empty());
}

#[tokio::test]
async fn the_api_stays_as_it_was() {
    let world = world().await;
    let browser = Browser::new(&world);
    let missing = browser.get("/nowhere").await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    assert_eq!(told(&missing, "content-type"), "text/html; charset=utf-8");
    for path in ["/nowhere", "/v1/nowhere", "/v1/me"] {
        let plain = reqwest::get(format!("{}{path}", world.url)).await.expect("an answer");
        assert_eq!(told(&plain, "content-type"), "application/problem+json", "{path}");
    }
    for (path, kind) in
        [("/docs", "text/html"), ("/openapi.json", "application/json"), ("/healthz", "application/json")]
    {
        let answer = browser.get(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert!(told(&answer, "content-type").starts_with(kind), "{path}");
    }
    let document: Value = browser.get("/openapi.json").await.json().await.expect("JSON");
    assert!(document["paths"].get("/login").is_none(), "pages are no part of the API");
}

#[tokio::test]
async fn assets_are_kept_for_good_under_a_name_of_their_own() {
    let world = world().await;
    let browser = Browser::new(&world);
    let page = browser.page("/login").await;
    let names: Vec<&str> = page.split('"').filter(|text| text.starts_with("/assets/")).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    for name in names {
        let answer = browser.get(name).await;
        assert!(told(&answer, "cache-control").contains("immutable"), "{name}");
        let again = browser.request(Method::GET, name).header(header::IF_NONE_MATCH, told(&answer, "etag"));
        assert_eq!(again.send().await.expect("an answer").status(), StatusCode::NOT_MODIFIED, "{name}");
    }
    assert_eq!(browser.get("/assets/app.0000.css").await.status(), StatusCode::NOT_FOUND);
}
