//! The pages that go deeper: reports as of a past day, a rep's route, an account with everything around it.

use chrono::Duration;
use poem::http::StatusCode;
use serde_json::json;

use super::figures::{MARKUP, opportunity};
use super::{Browser, world};
use crate::world::Person;

const TABS: [&str; 7] = ["funnel", "activity", "coverage", "velocity", "forecast", "lost", "goals"];

/// The addresses of a page's pictures.
pub fn pictures(page: &str) -> Vec<String> {
    let addresses = page.split('"').filter(|text| text.starts_with("/charts/"));
    let names: std::collections::BTreeMap<&str, &str> =
        addresses.map(|path| (path.split('?').next().unwrap_or(path), path)).collect();
    names.into_values().map(|path| path.split(' ').next().unwrap_or(path).replace("&amp;", "&")).collect()
}

#[tokio::test]
async fn every_report_has_its_page_with_pictures_and_tables() {
    let world = world().await;
    let admin = world.admin().await;
    let team = world.team(&admin, "East").await;
    let lin = world.user(entity::kind::Role::Rep, MARKUP, team).await;
    let mei = world.user(entity::kind::Role::Manager, "Mei Manager", team).await;
    let (won, gone) = (opportunity(&lin, MARKUP).await, opportunity(&lin, "Switch").await);
    let signed = json!({ "stage": "signed", "signedOn": "2026-03-02" });
    lin.post(&format!("/v1/opportunities/{won}/advance"), signed).await.expect(200);
    let lost = json!({ "stage": "lost", "lostReason": "price" });
    lin.post(&format!("/v1/opportunities/{gone}/advance"), lost).await.expect(200);
    opportunity(&lin, "Router").await;
    let goal =
        json!({ "userId": lin.id, "measure": "visits", "target": "8", "from": "2026-03-01", "to": "2026-03-31" });
    admin.post("/v1/goals", goal).await.expect(201);
    for who in [&lin, &mei, &admin] {
        let browser = Browser::of(&world, who).await;
        assert_eq!(browser.get("/reports").await.status(), StatusCode::SEE_OTHER);
        for tab in TABS {
            let page = browser.page(&format!("/reports/{tab}")).await;
            let names_nobody = matches!(tab, "funnel" | "coverage" | "velocity" | "forecast");
            assert!(page.contains("&lt;script&gt;") || names_nobody, "{tab}");
            assert!(!page.contains("<script>") && !page.contains("<img src=x"), "{tab} runs it");
            let pictures = pictures(&page);
            assert!(!pictures.is_empty(), "{tab} has pictures");
            for path in pictures {
                let answer = browser.get(&path).await;
                assert_eq!(answer.headers()["content-type"], "image/svg+xml", "{path}");
                let svg = answer.text().await.expect("a picture");
                assert!(svg.contains("n=") && !svg.contains("<script"), "{path}: {svg}");
                let name = path.split(['/', '?']).nth(2).expect("a name");
                assert!(page.contains(&format!("id=\"table-{name}\"")), "{name} has a table");
            }
        }
        // Of two that were decided one was won, which the picture tells on a phone too.
        for width in ["", "&width=narrow"] {
            let svg = browser.page(&format!("/charts/won?theme=light{width}")).await;
            assert!(svg.contains("50% (9–91), n=2 *"), "{svg}");
        }
        assert_eq!(browser.get("/reports/nonsense").await.status(), StatusCode::NOT_FOUND);
        let wrong = browser.get("/reports/lost?from=yesterday").await;
        assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(browser.get("/reports/lost?asOf=9999-12-31").await.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let inverted = browser.get("/reports/lost?from=2026-03-02&to=2026-03-01").await;
        assert_eq!(inverted.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let page = inverted.text().await.expect("a page");
        assert!(page.contains("The first day lies after the last."), "the fault is told: {page}");
        assert!(page.contains("id=\"to\"") && page.contains("value=\"2026-03-01\""), "the form is kept: {page}");
        let page = browser.page(&format!("/reports/lost?user={}", lin.id)).await;
        assert!(page.contains(&format!("<p class=\"muted\"><a href=\"/people/{}\">", lin.id)), "it says whose: {page}");
        let removes = page.contains("href=\"/reports/lost\"");
        assert_eq!(removes, who.id != lin.id, "all but he himself can take him away: {page}");
        assert_eq!(browser.get("/reports/lost?team=nonsense").await.status(), StatusCode::NOT_FOUND);
    }
    let stranger = Browser::new(&world).get("/reports/activity").await;
    assert_eq!(stranger.status(), StatusCode::SEE_OTHER, "the log-in comes first");
}

#[tokio::test]
async fn goals_are_shown_to_those_whose_they_are_and_who_lead_them() {
    let world = world().await;
    let admin = world.admin().await;
    let (east, west) = (world.team(&admin, "East").await, world.team(&admin, "West").await);
    let lin = world.user(entity::kind::Role::Rep, "Lin Wei", east).await;
    let han = world.user(entity::kind::Role::Rep, "Han Lei", east).await;
    let mei = world.user(entity::kind::Role::Manager, "Mei Manager", east).await;
    let wu = world.user(entity::kind::Role::Manager, "Wu Manager", west).await;
    for (whose, id) in [("userId", lin.id), ("userId", han.id), ("teamId", east), ("teamId", west)] {
        let goal = json!({ whose: id, "measure": "visits", "target": "4", "from": "2026-03-01", "to": "2026-03-31" });
        admin.post("/v1/goals", goal).await.expect(201);
    }
    opportunity(&lin, "Fibre").await;
    let seen: [(_, &Person, &[&str]); 4] = [
        ("a rep", &lin, &["Lin Wei", "East"]),
        ("his manager", &mei, &["Lin Wei", "Han Lei", "East"]),
        ("another manager", &wu, &["West"]),
        ("an admin", &admin, &["Lin Wei", "Han Lei", "East", "West"]),
    ];
    for (viewer, who, whose) in seen {
        let page = Browser::of(&world, who).await.page("/reports/goals").await;
        let (_, table) = page.split_once("id=\"table-quota\"").expect("a table of goals");
        let table = table.split("</table>").next().expect("its rows");
        for name in ["Lin Wei", "Han Lei", "East", "West"] {
            assert_eq!(table.contains(&format!(">{name}<")), whose.contains(&name), "{viewer}, {name}: {table}");
        }
        let visited = table.contains(">25%<");
        assert_eq!(visited, who.id != wu.id, "{viewer}, one visit of four: {table}");
    }
}

#[tokio::test]
async fn what_was_known_otherwise_then_is_shown() {
    let world = world().await;
    let lin = world.rep("Lin Wei").await;
    let first = opportunity(&lin, "Fibre").await;
    let browser = Browser::of(&world, &lin).await;
    world.wait(Duration::days(1));
    let said = "When that day ended it said";
    for tab in TABS {
        let page = browser.page(&format!("/reports/{tab}?asOf=2026-03-02")).await;
        assert!(!page.contains(said) && page.contains("known as it is now"), "{tab}: nothing came later yet");
    }
    // A day later the sale is taken back and a visit of the day before is told of.
    lin.delete(&format!("/v1/opportunities/{first}")).await.expect(204);
    let account = lin.account("Acme").await;
    let late = (lin.now() - Duration::days(1)).to_rfc3339();
    let visit = json!({ "accountId": account, "kind": "visit", "occurred": late, "durationMinutes": 30 });
    lin.post("/v1/activities", visit).await.expect(201);
    for tab in ["funnel", "activity", "velocity", "forecast"] {
        let page = browser.page(&format!("/reports/{tab}?asOf=2026-03-02")).await;
        assert!(page.contains(said), "{tab} tells of it");
        assert!(page.contains("asOf=2026-03-02"), "and so do its pictures");
    }
}

#[tokio::test]
async fn an_account_and_a_route_are_for_those_who_may_see_them() {
    let world = world().await;
    let admin = world.admin().await;
    let (east, west) = (world.team(&admin, "East").await, world.team(&admin, "West").await);
    let lin = world.user(entity::kind::Role::Rep, "Lin Wei", east).await;
    let mei = world.user(entity::kind::Role::Manager, "Mei Manager", east).await;
    let zhao = world.user(entity::kind::Role::Rep, "Zhao Yun", west).await;
    let body = json!({ "kind": "business", "name": MARKUP, "position": { "latitude": 31.23, "longitude": 121.47 } });
    let account = lin.post("/v1/accounts", body).await.expect(201).id();
    lin.post("/v1/contacts", json!({ "accountId": account, "name": "Li Na" })).await.expect(201);
    lin.post("/v1/plans", json!({ "accountId": account, "plannedOn": "2026-03-09" })).await.expect(201);
    lin.post("/v1/opportunities", json!({ "accountId": account, "name": "Fibre" })).await.expect(201);
    let at = lin.now().to_rfc3339();
    let visit = json!({ "accountId": account, "kind": "visit", "occurred": at, "summary": "Showed the samples", "checkIn": { "at": at, "latitude": 31.2301, "longitude": 121.47, "accuracy": 10 } });
    lin.post("/v1/activities", visit).await.expect(201);
    let (card, route) = (format!("/accounts/{account}"), format!("/people/{}/route?day=2026-03-02", lin.id));
    for who in [&lin, &mei, &admin] {
        let browser = Browser::of(&world, who).await;
        let page = browser.page(&card).await;
        for said in ["&lt;script&gt;", "Li Na", "Showed the samples", "Fibre", "Has no amount yet", "9 Mar 2026"] {
            assert!(page.contains(said), "{said}");
        }
        let page = browser.page(&route).await;
        assert!(page.contains("&lt;script&gt;") && page.contains("17:00") && page.contains("on site"), "{page}");
        assert!(!page.contains("<script>"));
        let path = pictures(&page).remove(0);
        let svg = browser.get(&path).await.text().await.expect("a picture");
        assert!(svg.contains("17:00 &lt;script") && svg.contains(" km") && !svg.contains("<script"), "{svg}");
        let page = browser.page(&format!("/people/{}/route?day=2026-03-01", lin.id)).await;
        assert!(page.contains("No visits on this day.") && page.contains("First visits after: "), "{page}");
        assert!(!page.contains("Last visits before: "), "{page}");
        let wrong = browser.get(&format!("/people/{}/route?day=sunday", lin.id)).await;
        assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
    let browser = Browser::of(&world, &zhao).await;
    for path in [&card, &route, &format!("/charts/route?user={}&from=2026-03-02", lin.id)] {
        assert_eq!(browser.get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}
