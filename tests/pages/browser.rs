//! The pages in a real browser: Debian's Chromium, driven by `tests/browser/story.mjs`. Where node, Chromium or the
//! packages are not there, the test says that it did not run; with `WAYPOST_TOOLS=required`, as in CI, it fails.

use std::path::Path;
use std::process::{Command, Stdio};

use chrono::Duration;
use entity::kind::Role;
use serde_json::json;
use waypost::import::job::take_up;

use super::figures::{MARKUP, opportunity};
use super::{PASSWORD, addressed, give_password, place};
use crate::ledger::set_rules;
use crate::tools;
use crate::world::own_world;

const CHROMIUM: &str = "/usr/bin/chromium";

/// What is missing to drive a browser, in words.
fn missing(folder: &Path) -> Option<String> {
    let node = Command::new("node").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !node.is_ok_and(|status| status.success()) {
        return Some("node is not installed".into());
    }
    let chromium = std::env::var("CHROMIUM").unwrap_or_else(|_| CHROMIUM.into());
    if !Path::new(&chromium).exists() {
        return Some(format!("{chromium} is not there: apt-get install chromium"));
    }
    (!folder.join("node_modules/playwright-core").exists())
        .then(|| format!("the packages are not there: npm ci --prefix {}", folder.display()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_works_with_the_pages_in_a_browser() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
    if let Some(missing) = missing(&root.join("tests/browser")) {
        assert!(!tools::are_required(), "{missing}");
        println!("not run: {missing}");
        return;
    }
    // Its jobs would take up the imports of other tests.
    let world = addressed(own_world().await).await;
    let holds = json!({ "burst": null, "similarityPercent": 90, "releaseAfterDays": 3 });
    set_rules(&world, json!({ "holds": holds })).await;
    let admin = world.admin().await;
    let manager = world.manager("Mei Manager").await;
    let (north, west) = (world.team(&admin, "North").await, world.team(&admin, "West").await);
    let rep = world.user(Role::Rep, "Lin Wei", north).await;
    let other = world.user(Role::Rep, MARKUP, west).await;
    let fibre = opportunity(&rep, "Fibre for the campus").await;
    rep.post(
        &format!("/v1/opportunities/{fibre}/advance"),
        json!({ "stage": "negotiation", "expectedOn": "2026-05-01" }),
    )
    .await
    .expect(200);
    for name in ["Switches", "Router", MARKUP] {
        opportunity(&other, name).await;
    }
    // One is lost, one goes back, and there is a goal.
    let [gone, back] = [opportunity(&rep, "Cables").await, opportunity(&rep, "Antennas").await];
    for (id, to) in [
        (gone, json!({ "stage": "lost", "lostReason": "price" })),
        (back, json!({ "stage": "pre_sale" })),
        (back, json!({ "stage": "intent", "reason": "They think again" })),
    ] {
        rep.post(&format!("/v1/opportunities/{id}/advance"), to).await.expect(200);
    }
    let goal =
        json!({ "userId": rep.id, "measure": "visits", "target": "10", "from": "2026-03-01", "to": "2026-03-31" });
    admin.post("/v1/goals", goal).await.expect(201);
    admin.post("/v1/leads", json!({ "name": "Hopton", "source": "fair", "region": "East" })).await.expect(201);
    let account = rep.account("Acme").await;
    // The same words twice: the second award waits for a review.
    for _ in 0..2 {
        let note = json!({ "accountId": account, "kind": "note", "occurred": rep.now().to_rfc3339(), "summary": "Showed the samples to Mr Li" });
        rep.post("/v1/activities", note).await.expect(201);
        world.wait(Duration::days(1));
    }
    // Typed four days late: fined, and appealed against.
    let late = (rep.now() - Duration::hours(100)).to_rfc3339();
    let note =
        json!({ "accountId": account, "kind": "note", "occurred": late, "summary": "Sent the quotation by post" });
    let late = rep.post("/v1/activities", note).await.expect(201).id();
    let fine = rep.get(&format!("/v1/points/entries?sourceId={late}")).await.expect(200).ids()[0];
    let appeal = json!({ "reason": "The phone was being repaired" });
    rep.post(&format!("/v1/points/entries/{fine}/appeal"), appeal).await.expect(201);
    // A draft that pays half.
    let active = admin.get("/v1/rule-sets?status=active").await.expect(200).items()[0].clone();
    let mut rules = active["rules"].clone();
    for bracket in rules["brackets"].as_array_mut().expect("brackets") {
        bracket["percent"] = json!(bracket["percent"].as_i64().expect("a number") / 2);
    }
    let draft = admin.post("/v1/rule-sets", json!({ "rules": rules })).await.expect(201).id();
    let email = give_password(&world, &manager).await;
    let (admins, reps) = (give_password(&world, &admin).await, give_password(&world, &rep).await);
    // What a running server does every second.
    let jobs = world.state.clone();
    tokio::spawn(async move {
        loop {
            take_up(&jobs).await.expect("imports are taken up");
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        }
    });
    let story = json!({
        "base": world.url, "tenant": world.slug, "email": email, "admin": admins, "password": PASSWORD,
        "rep": { "id": rep.id, "token": rep.token().await, "account": account, "email": reps },
        "draft": draft, "team": north,
        "place": place(), "opportunity": fibre, "now": rep.now().to_rfc3339(),
        "screenshots": root.join("target/screenshots"),
    });
    let told = tokio::task::spawn_blocking(move || {
        Command::new("node").arg(root.join("tests/browser/story.mjs")).env("STORY", story.to_string()).output()
    });
    let told = told.await.expect("joins").expect("node starts");
    let text = format!("{}{}", String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr));
    assert!(told.status.success(), "{text}");
    println!("{text}");
    let hold = admin.get("/v1/holds").await.expect(200);
    assert_eq!(hold.body["items"][0]["decision"], "Seen the samples", "{:#}", hold.body);
    let appeal = admin.get("/v1/appeals").await.expect(200);
    assert_eq!(appeal.body["items"][0]["decision"], "Seen the repair slip", "{:#}", appeal.body);
    world.audit().await;
}
