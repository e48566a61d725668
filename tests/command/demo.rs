//! The demo as somebody meets it: a banner, logins that work, three commands to paste, and a quick second start.

use std::process::Command;

use reqwest::StatusCode;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::{Server, directory, is_gone, postgres};

#[tokio::test]
async fn the_demo_needs_nothing_and_its_commands_do_what_they_say() {
    let directory = directory();
    let (mut server, banner) = Server::demo(directory.path());
    let ready = reqwest::get(format!("{}/readyz", server.url)).await.unwrap();
    assert_eq!(ready.status(), StatusCode::OK);
    assert!(banner.contains(&format!("{}/docs", server.url)), "{banner}");
    assert!(server.log().contains("Making up a company"), "whoever waits is told for what: {}", server.log());
    assert!(banner.contains(directory.path().to_str().unwrap()), "{banner}");
    for who in ["rep1", "rep35", "manager1", "manager6", "admin"] {
        let login = json!({"tenant": "demo", "email": format!("{who}@demo.example"), "password": "waypost-demo"});
        let sent = reqwest::Client::new().post(format!("{}/v1/auth/login", server.url)).json(&login).send().await;
        assert_eq!(sent.unwrap().status(), StatusCode::OK, "{who}");
    }
    paste(&banner);
    let fleet = banner.lines().find(|line| line.contains(" fleet --url ")).unwrap_or_else(|| panic!("{banner}"));
    let played = Command::new("sh").args(["-c", &format!("{fleet} --phones 3 --rounds 2")]).output().unwrap();
    let told = String::from_utf8(played.stdout).unwrap();
    assert!(played.status.success() && told.contains("converged     3 of 3"), "{told}");
    let pid = postgres(directory.path());
    server.signal(Signal::INT);
    assert!(server.end());
    assert!(is_gone(pid));

    let accounts = |banner: &str| command(banner, "curl -s").split("accountId").nth(1).unwrap()[..40].to_owned();
    let (server, second) = Server::demo(directory.path());
    assert_eq!(accounts(&second), accounts(&banner), "the second start keeps everything");
    server.stop();
}

/// What starts with `start` on a line of its own.
fn command(banner: &str, start: &str) -> String {
    banner.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start}: {banner}")).to_owned()
}

/// Pastes log in, pull, push and pull into a shell, and reads what they print.
fn paste(banner: &str) {
    let [log_in, pull, push] = ["TOKEN=", "PULL=", "curl -s"].map(|start| command(banner, start));
    let script = format!("{log_in}\necho \"$TOKEN\"; echo ----\n{pull}\necho ----\n{push}\necho ----\n{pull}\n");
    let ran = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(ran.status.success() && ran.stderr.is_empty(), "{}", String::from_utf8_lossy(&ran.stderr));
    let out = String::from_utf8(ran.stdout).unwrap();
    let [token, first, pushed, second] = out.split("----\n").collect::<Vec<_>>()[..] else { panic!("{out}") };
    assert_eq!(token.split('.').count(), 3, "{token}");

    let read = |lines: &str| lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>();
    let first = read(first);
    assert_eq!(first.len(), 5, "the end of a long pull");
    assert!(first[4]["cursor"].is_string(), "{first:?}");
    let pushed: Value = serde_json::from_str(pushed).unwrap();
    assert_eq!(pushed["results"][0]["status"], "applied", "{pushed}");
    let second = read(second);
    let visit = second.iter().find(|change| change["kind"] == "activity").unwrap_or_else(|| panic!("{second:?}"));
    assert_eq!(visit["activity"]["verdict"], "verified", "{visit}");
    // The server's own jobs, such as the month's quota of leads, may have written something meanwhile.
    let about = second.iter().filter(|change| change["pointsEntry"]["sourceId"] == visit["id"]);
    assert_eq!(about.count(), 1, "its points: {second:?}");
    assert!(second.iter().any(|change| change["kind"] == "points_balance"), "{second:?}");
}
