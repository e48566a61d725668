//! A report in its other forms: the table, and pictures that hold no script and say how many they are of.

use std::collections::BTreeSet;

use entity::kind::StageKey::{Intent, PreSale};
use poem::http::{HeaderMap, header};
use poem::{Endpoint, Request};
use waypost::app::app;

use super::model::Opportunity;
use super::wire::log_in;
use super::{World, opportunity};

const NOW: &str = "2026-03-31T09:00:00Z";
/// What nobody should ever be shown as more than a text.
const NASTY: &str = "<script>alert(1)</script>&\"'</svg>";

async fn send(world: &World, path: &str, headers: &[(header::HeaderName, &str)]) -> (u16, HeaderMap, Vec<u8>) {
    let token = log_in(world).await;
    let mut request = Request::builder().uri_str(path).header("Authorization", format!("Bearer {token}"));
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    let mut response = app(world.state.clone()).get_response(request.finish()).await;
    let body = response.take_body().into_vec().await.expect("a body");
    (response.status().as_u16(), response.headers().clone(), body)
}

fn text(body: Vec<u8>) -> String {
    String::from_utf8(body).expect("UTF-8")
}

async fn filled() -> World {
    let world = World::new("UTC", NOW).await;
    let product = world.product(NASTY).await;
    let moves = [("2026-02-01T00:00:00Z", Intent), ("2026-02-03T00:00:00Z", PreSale)];
    let one = Opportunity { product: Some(product), ..opportunity(&world.rui, &moves) };
    world.store(&[one, opportunity(&world.sam, &moves[..1]), opportunity(&world.sam, &moves[..1])]).await;
    world
}

/// Whether nothing in it can run or fetch.
fn assert_harmless(svg: &str) {
    for forbidden in ["<script", "javascript:", "onload=", "onclick=", "<foreignObject", "href=", "url(http", "@import"]
    {
        assert!(!svg.contains(forbidden), "{forbidden}: {svg}");
    }
}

#[tokio::test]
async fn a_funnel_is_a_picture_too() {
    let world = filled().await;
    let accept = [(header::ACCEPT, "image/svg+xml")];
    let (status, headers, body) = send(&world, "/v1/reports/funnel", &accept).await;
    assert_eq!((status, &headers[header::CONTENT_TYPE]), (200, &"image/svg+xml".parse().expect("a value")));
    let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().expect("text");
    assert!(policy.starts_with("default-src 'none'") && policy.ends_with("sandbox"), "{policy}");
    assert!(headers[header::VARY].to_str().expect("text").contains("accept"), "caches keep the forms apart");
    let svg = text(body);
    assert_harmless(&svg);
    for told in ["Funnel", "n=3", "Intent", "33%", "2025-04-01 – 2026-03-31", "role=\"img\""] {
        assert!(svg.contains(told), "{told}: {svg}");
    }

    let (_, headers, same) = send(&world, "/v1/reports/funnel?format=svg&locale=zh&theme=dark", &[]).await;
    assert_eq!(headers[header::CONTENT_TYPE], "image/svg+xml");
    let chinese = text(same);
    assert!(chinese.contains("销售漏斗") && chinese.contains("n=3"), "{chinese}");

    let (status, headers, png) = send(&world, "/v1/reports/funnel?format=png", &accept).await;
    assert_eq!((status, &headers[header::CONTENT_TYPE]), (200, &"image/png".parse().expect("a value")));
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    // Width and height stand in the header; a picture of one colour would be smaller by far.
    let side = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().expect("four bytes"));
    assert!(side(16) == 800 && side(20) > 150 && png.len() > 5_000, "{} x {}, {} bytes", side(16), side(20), png.len());

    let (status, _, _) = send(&world, "/v1/reports/funnel?format=pdf", &[]).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn what_users_type_is_text_in_every_form() {
    let world = filled().await;
    let (_, _, body) = send(&world, "/v1/reports/funnel?splitBy=product&format=svg", &[]).await;
    let svg = text(body);
    assert_harmless(&svg);
    assert!(svg.contains("&lt;script&gt;"), "{svg}");
    // Well-formed: what opens closes, and nothing closes early.
    let elements: BTreeSet<&str> =
        svg.split('<').skip(1).filter_map(|rest| rest.split([' ', '>', '/']).next()).collect();
    assert!(!elements.contains("script"), "{elements:?}");
    assert_eq!(svg.matches("</svg>").count(), 1);

    let (_, headers, body) = send(&world, "/v1/reports/funnel?splitBy=product", &[(header::ACCEPT, "text/csv")]).await;
    assert_eq!(headers[header::CONTENT_TYPE], "text/csv");
    let csv = text(body);
    let mut reader = csv::Reader::from_reader(csv.trim_start_matches('\u{feff}').as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    let told: Vec<[&str; 4]> = rows.iter().map(|row| [&row[1], &row[2], &row[3], &row[4]]).collect();
    assert_eq!(told[0], ["", "intent", "3", "1"]);
    assert_eq!(told[4], [NASTY, "intent", "1", "1"]);
    assert_eq!(told[8], ["none", "intent", "2", "0"], "those without a product");
    assert_eq!(rows.len(), 12);
}

#[tokio::test]
async fn two_periods_and_two_teams_stand_side_by_side() {
    let world = filled().await;
    let ask = async |query: String| {
        let (status, _, body) = send(&world, &format!("/v1/reports/funnel?{query}"), &[]).await;
        let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(status, 200, "{body}");
        let entered = |funnel: &serde_json::Value| {
            let stages = funnel["cohort"]["stages"].as_array().expect("stages").iter();
            stages.map(|stage| stage["entered"].as_i64().expect("a count")).collect::<Vec<_>>()
        };
        (entered(&body), entered(&body["compared"]), body)
    };
    let (now, before, _) =
        ask("from=2026-02-02&to=2026-02-28&compareFrom=2026-01-01&compareTo=2026-02-01".into()).await;
    assert_eq!((now, before), (vec![0, 1, 0, 0], vec![3, 0, 0, 0]));
    let (north, south, body) = ask(format!("teamId={}&compareTeamId={}", world.north.id, world.south.id)).await;
    assert_eq!((north, south), (vec![1, 1, 0, 0], vec![2, 0, 0, 0]));
    assert_eq!((&body["team"], &body["compared"]["team"]), (&"North".into(), &"South".into()));

    let path = format!("/v1/reports/funnel?teamId={}&compareTeamId={}&format=svg", world.north.id, world.south.id);
    let svg = text(send(&world, &path, &[]).await.2);
    assert!(svg.contains("North") && svg.contains("South"), "{svg}");
}
