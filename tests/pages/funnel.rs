//! The funnel's page: groups, comparisons and past days show the figures that the API tells.

use chrono::Duration;
use entity::kind::Role;
use poem::http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::figures::{MARKUP, opportunity};
use super::reports::pictures;
use super::{Browser, world};
use crate::world::Person;

const STAGES: [&str; 4] = ["Intent", "Pre-sale", "Negotiation", "Signed"];

async fn advance(who: &Person, id: Uuid, to: Value) {
    who.post(&format!("/v1/opportunities/{id}/advance"), to).await.expect(200);
}

async fn sign(who: &Person, id: Uuid, on: &str) {
    advance(who, id, json!({ "stage": "signed", "signedOn": on })).await;
}

/// The part of a page that begins with this.
fn after<'a>(page: &'a str, mark: &str) -> &'a str {
    page.split_once(mark).unwrap_or_else(|| panic!("no {mark}: {page}")).1
}

/// What a reader finds in the cells of the first row after `mark`, but for its head.
fn cells(page: &str, mark: &str) -> Vec<String> {
    let row = after(page, mark).split("</tr>").next().expect("a row");
    row.split("<td").skip(1).map(|cell| text(after(cell, ">"))).collect()
}

/// Without its tags.
fn text(html: &str) -> String {
    html.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text)).collect()
}

/// The share of a stage as the page writes it, which here is always one of few.
fn share(stage: &Value) -> String {
    stage["conversion"].as_f64().map_or("–".to_owned(), |share| format!("{:.0}%*", share * 100.0))
}

async fn chinese(browser: Browser) -> Browser {
    let cookie = [browser.cookies.join("; "), "waypost_language=zh".to_owned()].join("; ");
    Browser { cookies: vec![cookie], ..browser }
}

#[tokio::test]
async fn groups_show_what_the_api_tells_and_lead_to_their_pages() {
    let world = world().await;
    let admin = world.admin().await;
    let (east, west) = (world.team(&admin, "East").await, world.team(&admin, "West").await);
    let lin = world.user(Role::Rep, MARKUP, east).await;
    let zhao = world.user(Role::Rep, "Zhao Yun", west).await;
    for name in ["Fibre", "Router"] {
        let id = opportunity(&lin, name).await;
        lin.patch(&format!("/v1/opportunities/{id}"), json!({ "source": "fair" })).await.expect(200);
    }
    let gone = opportunity(&lin, "Switch").await;
    advance(&lin, gone, json!({ "stage": "lost", "lostReason": "price" })).await;
    sign(&lin, opportunity(&lin, "Campus").await, "2026-03-02").await;
    sign(&zhao, opportunity(&zhao, "Tower").await, "2026-03-02").await;

    let browser = Browser::of(&world, &admin).await;
    assert_eq!(browser.get("/reports").await.headers()["location"], "/reports/funnel");
    assert!(!browser.page("/reports/funnel").await.contains("id=\"groups\""), "no groups until they are asked for");
    for (by, below) in [("team", "teams"), ("user", "people")] {
        let api = admin.get(&format!("/v1/reports/funnel?splitBy={by}")).await.expect(200);
        let page = browser.page(&format!("/reports/funnel?split={by}")).await;
        let groups = api.body["cohort"]["groups"].as_array().expect("groups");
        assert_eq!(groups.len(), 2, "{:#}", api.body);
        for group in groups {
            let own = format!("/{below}/{}", group["id"].as_str().expect("an id"));
            let shown = cells(&page, &format!("href=\"{own}\""));
            for (at, stage) in group["stages"].as_array().expect("stages").iter().enumerate() {
                assert_eq!(shown[2 * at], stage["entered"].to_string(), "{own}: {shown:?}");
                if at < 3 {
                    assert_eq!(shown[2 * at + 1], share(stage), "{own}: {shown:?}");
                }
            }
            assert_eq!(shown[7], "¥120k", "one of each was signed: {shown:?}");
            assert_eq!(browser.get(&own).await.status(), StatusCode::OK, "{own}");
        }
        // Every figure stands below the picture.
        let hers = if by == "team" { east } else { lin.id };
        let one = groups.iter().find(|group| group["id"] == json!(hers)).expect("her group");
        let intent = &one["stages"][0];
        let all = after(after(&page, "id=\"table-groups\""), &format!("href=\"/{below}/{hers}\""));
        let shown = cells(all, "<th scope=\"row\">Intent</th>");
        let told = ["entered", "advanced", "lost", "open"].map(|name| intent[name].to_string());
        assert_eq!(told, ["4", "1", "1", "2"]);
        assert_eq!(shown[..4], told);
        assert!(!page.contains("<script>"), "{page}");
    }
    for by in ["product", "account_kind", "tier", "region", "month", "none", "nonsense"] {
        browser.page(&format!("/reports/funnel?split={by}")).await;
    }

    // Well-known sources have names in both languages, in tables as in pictures.
    let page = browser.page("/reports/funnel?split=source").await;
    assert_eq!(cells(after(&page, "id=\"groups\""), ">trade fair</th>")[..2], ["2", "0%*"]);
    let path = pictures(&page).into_iter().find(|path| path.starts_with("/charts/groups?")).expect("a picture");
    let svg = browser.get(&path).await.text().await.expect("a picture");
    assert!(svg.contains("trade fair") && svg.contains("n=5"), "{svg}");
    let browser = chinese(browser).await;
    let page = browser.page("/reports/funnel?split=source").await;
    for said in ["lang=\"zh-CN\"", "转化漏斗", "分组对比", "展会", "最近十二个月", "去年同期"] {
        assert!(page.contains(said), "{said}: {page}");
    }

    // A rep sees his own, and is led nowhere that he may not go.
    let own = Browser::of(&world, &zhao).await;
    let page = own.page("/reports/funnel?split=team").await;
    assert!(!page.contains("href=\"/teams/") && page.contains("West") && !page.contains("East"), "{page}");
    let page = own.page("/reports/funnel?split=user").await;
    assert!(page.contains(&format!("href=\"/people/{}\"", zhao.id)), "{page}");
    assert!(!page.contains(&format!("/people/{}", lin.id)), "{page}");
}

#[tokio::test]
async fn a_period_stands_beside_the_one_before_and_a_team_beside_another() {
    let world = world().await;
    let admin = world.admin().await;
    let (east, west) = (world.team(&admin, "East").await, world.team(&admin, "West").await);
    let lin = world.user(Role::Rep, "Lin Wei", east).await;
    let zhao = world.user(Role::Rep, "Zhao Yun", west).await;
    let (fibre, tower) = (opportunity(&lin, "Fibre").await, opportunity(&zhao, "Tower").await);
    sign(&lin, fibre, "2026-03-02").await;
    world.wait(Duration::days(30));
    for name in ["Campus", "Router", "Switch"] {
        opportunity(&lin, name).await;
    }
    // Too late for the earlier period, which is followed for as long as the later one: until its own last day.
    sign(&zhao, tower, "2026-04-01").await;

    let browser = Browser::of(&world, &admin).await;
    let days = "from=2026-03-17&to=2026-04-01";
    let before = "compareFrom=2026-03-01&compareTo=2026-03-16&compareAsOf=2026-03-16";
    for (api, page, compared) in [
        (format!("{days}&{before}"), format!("{days}&compare=before"), ["1 Apr 2026", "16 Mar 2026"]),
        (
            format!("teamId={east}&compareTeamId={west}"),
            format!("team={east}&compare={west}"),
            ["East</th>", "West</th>"],
        ),
    ] {
        let api = admin.get(&format!("/v1/reports/funnel?{api}")).await.expect(200);
        let page = browser.page(&format!("/reports/funnel?{page}")).await;
        let table = after(&page, "id=\"table-compared\"");
        assert!(compared.iter().all(|name| table.contains(name)), "{compared:?}: {table}");
        for (at, name) in STAGES.into_iter().enumerate() {
            let [one, two] = [&api.body, &api.body["compared"]].map(|told| &told["cohort"]["stages"][at]);
            let shown = cells(table, &format!("<th scope=\"row\">{name}</th>"));
            let told = [one["entered"].to_string(), share(one), two["entered"].to_string(), share(two)];
            assert_eq!([0usize, 1, 3, 4].map(|cell| shown[cell].clone()), told, "{name}: {shown:?}");
        }
        let path = pictures(&page).into_iter().find(|path| path.starts_with("/charts/compared?")).expect("a picture");
        let answer = browser.get(&path).await;
        assert_eq!(answer.headers()["content-type"], "image/svg+xml", "{path}");
    }

    let page = browser.page(&format!("/reports/funnel?{days}&compare=before")).await;
    let shown = cells(after(&page, "id=\"table-compared\""), "<th scope=\"row\">Intent</th>");
    assert_eq!(shown[..2], ["3", "0%*"]);
    assert_eq!(shown[3..5], ["2", "50%*"]);
    assert_eq!(shown[6..], ["+1", "−50.0*"], "in percentage points, marked as of few");
    assert!(page.contains("had no more time to convert"), "it says how: {page}");

    // A year before there was nothing; before all time there is no period; what is no comparison compares nothing.
    let page = browser.page(&format!("/reports/funnel?{days}&compare=year")).await;
    let shown = cells(after(&page, "id=\"table-compared\""), "<th scope=\"row\">Intent</th>");
    assert_eq!((shown[3].as_str(), shown[4].as_str(), shown[7].as_str()), ("0", "–", "–"));
    let early = browser.get("/reports/funnel?from=1900-01-01&compare=before").await;
    assert_eq!(early.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(early.text().await.expect("a page").contains("There is no such period before these days."));
    let inverted = browser.get("/reports/funnel?from=2026-03-02&to=2026-03-01&compare=before").await;
    assert_eq!(inverted.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(inverted.text().await.expect("a page").contains("The first day lies after the last."));
    for none in ["nonsense".to_owned(), format!("{east}&team={east}")] {
        let page = browser.page(&format!("/reports/funnel?compare={none}")).await;
        assert!(!page.contains("id=\"compared\""), "{none}");
    }
    let page = chinese(browser).await.page(&format!("/reports/funnel?{days}&compare=before")).await;
    assert!(page.contains("转化率（百分点）") && page.contains("上一时段"), "{page}");
}
