//! What the pages show, and to whom.

use poem::http::StatusCode;
use serde_json::json;
use uuid::Uuid;

use super::{Browser, world};
use crate::world::Person;

/// Text that would be a script if a page took it for HTML.
pub const MARKUP: &str = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>";

pub async fn opportunity(who: &Person, name: &str) -> Uuid {
    let account = who.account(&format!("{name} Ltd")).await;
    let body = json!({ "accountId": account, "name": name, "amount": "120000.00", "currency": "CNY" });
    let id = who.post("/v1/opportunities", body).await.expect(201).id();
    let visit = json!({ "accountId": account, "opportunityId": id, "kind": "visit", "occurred": who.now().to_rfc3339(), "summary": format!("Visited {name}") });
    who.post("/v1/activities", visit).await.expect(201);
    id
}

#[tokio::test]
async fn a_rep_sees_his_own_figures_a_manager_those_below_him_an_admin_all() {
    let world = world().await;
    let admin = world.admin().await;
    let (east, west) = (world.team(&admin, "East").await, world.team(&admin, "West").await);
    let lin = world.user(entity::kind::Role::Rep, "Lin Wei", east).await;
    let zhao = world.user(entity::kind::Role::Rep, "Zhao Yun", west).await;
    let mei = world.user(entity::kind::Role::Manager, "Mei Manager", east).await;
    let (fibre, switch) = (opportunity(&lin, "Fibre").await, opportunity(&zhao, "Switch").await);

    let own = Browser::of(&world, &lin).await;
    let page = own.page("/").await;
    assert!(page.contains("Visited Fibre") && !page.contains("Visited Switch"));
    assert!(page.contains("My figures"));
    for (path, status) in [
        (format!("/people/{}", lin.id), StatusCode::OK),
        (format!("/people/{}", zhao.id), StatusCode::NOT_FOUND),
        (format!("/teams/{east}"), StatusCode::NOT_FOUND),
        (format!("/opportunities/{fibre}"), StatusCode::OK),
        (format!("/opportunities/{switch}"), StatusCode::NOT_FOUND),
        ("/opportunities/nonsense".to_owned(), StatusCode::NOT_FOUND),
    ] {
        assert_eq!(own.get(&path).await.status(), status, "{path}");
    }

    let leads = Browser::of(&world, &mei).await;
    let page = leads.page("/").await;
    assert!(page.contains("Visited Fibre") && !page.contains("Visited Switch"));
    for (path, status) in [
        (format!("/people/{}", lin.id), StatusCode::OK),
        (format!("/people/{}", zhao.id), StatusCode::NOT_FOUND),
        (format!("/teams/{east}"), StatusCode::OK),
        (format!("/teams/{west}"), StatusCode::NOT_FOUND),
        (format!("/opportunities/{switch}"), StatusCode::NOT_FOUND),
    ] {
        assert_eq!(leads.get(&path).await.status(), status, "{path}");
    }

    let all = Browser::of(&world, &admin).await;
    let page = all.page("/").await;
    assert!(page.contains("Visited Fibre") && page.contains("Visited Switch"));
    assert!(page.contains("East") && page.contains("West"));

    let elsewhere = super::world().await;
    let foreign = Browser::of(&elsewhere, &elsewhere.admin().await).await;
    for path in [format!("/people/{}", lin.id), format!("/teams/{east}"), format!("/opportunities/{fibre}")] {
        let answer = foreign.get(&path).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        assert!(answer.text().await.expect("a page").starts_with("<!DOCTYPE html>"));
    }
}

#[tokio::test]
async fn what_a_rep_types_never_becomes_html() {
    let world = world().await;
    let lin = world.rep(MARKUP).await;
    let id = opportunity(&lin, MARKUP).await;
    let lead = json!({ "name": MARKUP, "source": MARKUP, "region": MARKUP });
    let admin = world.admin().await;
    admin.post("/v1/leads", lead).await.expect(201);
    let browser = Browser::of(&world, &admin).await;
    for path in ["/".into(), format!("/people/{}", lin.id), format!("/opportunities/{id}"), "/leads".into()] {
        let page = browser.page(&path).await;
        assert!(page.contains("&lt;script&gt;"), "{path} shows it");
        assert!(!page.contains("<script>") && !page.contains("<img src=x"), "{path} runs it");
    }
    let search = browser.page("/leads?search=%22%3E%3Cscript%3Ealert(3)%3C/script%3E").await;
    assert!(!search.contains("<script>"));
}

#[tokio::test]
async fn a_page_tells_the_figures_that_the_api_tells() {
    let world = world().await;
    let admin = world.admin().await;
    let lin = world.rep("Lin Wei").await;
    for name in ["Fibre", "Switch", "Router"] {
        opportunity(&lin, name).await;
    }
    let funnel = admin.get("/v1/reports/funnel").await.expect(200);
    assert_eq!(funnel.body["cohort"]["stages"][0]["entered"], 3);
    let page = Browser::of(&world, &admin).await.page("/").await;
    assert!(page.contains("<td class=\"num strong\">3</td>"), "three came in");
    assert!(page.contains("¥360k"), "and they are worth 360,000");
    let chinese = Browser::of(&world, &admin).await;
    let cookie = [chinese.cookies.join("; "), "waypost_language=zh".to_owned()].join("; ");
    let chinese = Browser { cookies: vec![cookie], ..chinese }.page("/").await;
    assert!(chinese.contains("lang=\"zh-CN\"") && chinese.contains("转化漏斗") && chinese.contains("¥36.0万"));
}

#[tokio::test]
async fn charts_are_pictures_of_the_reports_each_with_its_table() {
    let world = world().await;
    let lin = world.rep("Lin Wei").await;
    opportunity(&lin, "Fibre").await;
    let browser = Browser::of(&world, &lin).await;
    let page = browser.page("/").await;
    for name in ["forecast", "weeks"] {
        let at = format!("/charts/{name}?");
        let path = page.split('"').find(|text| text.starts_with(&at)).expect("a picture").replace("&amp;", "&");
        let answer = browser.get(&path).await;
        assert_eq!(answer.headers()["content-type"], "image/svg+xml", "{path}");
        assert!(answer.text().await.expect("a picture").contains("<svg"), "{path}");
        assert!(page.contains(&format!("id=\"table-{name}\"")), "{name} has a table");
    }
    assert_eq!(browser.get("/charts/nonsense").await.status(), StatusCode::NOT_FOUND);
    let stranger = Browser::new(&world).get("/charts/forecast").await;
    assert_eq!(stranger.status(), StatusCode::SEE_OTHER, "a picture is as private as a page");
}
