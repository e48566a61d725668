//! The demo as somebody meets it: a banner, logins that work, three commands to paste, and a quick second start.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Instant;

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
        log_in(&server, who).await;
    }
    paste(&banner);
    let fleet = banner.lines().find(|line| line.contains(" fleet --url ")).unwrap_or_else(|| panic!("{banner}"));
    let (before, begun) = (held(&server).await, Instant::now());
    let played = Command::new("sh").args(["-c", &format!("{fleet} --phones 3 --rounds 2")]).output().unwrap();
    let took = begun.elapsed().as_secs_f64();
    let told = String::from_utf8(played.stdout).unwrap();
    assert!(played.status.success(), "{told}");
    adds_up(&told, &before, &held(&server).await, took);
    let pid = postgres(directory.path());
    server.signal(Signal::INT);
    assert!(server.end());
    assert!(is_gone(pid));

    let accounts = |banner: &str| command(banner, "curl -s").split("accountId").nth(1).unwrap()[..40].to_owned();
    let (server, second) = Server::demo(directory.path());
    assert_eq!(accounts(&second), accounts(&banner), "the second start keeps everything");
    server.stop();
}

/// Logs in; the token.
async fn log_in(server: &Server, who: &str) -> String {
    let login = json!({"tenant": "demo", "email": format!("{who}@demo.example"), "password": "waypost-demo"});
    let sent = reqwest::Client::new().post(format!("{}/v1/auth/login", server.url)).json(&login).send().await.unwrap();
    assert_eq!(sent.status(), StatusCode::OK, "{who}");
    let tokens: Value = sent.json().await.unwrap();
    tokens["accessToken"].as_str().unwrap().to_owned()
}

/// How many records of each kind the first three reps hold together. They are of three teams: what one of them makes counts once.
async fn held(server: &Server) -> BTreeMap<String, f64> {
    let mut held = BTreeMap::new();
    for who in ["rep1", "rep2", "rep3"] {
        let token = log_in(server, who).await;
        let digest = reqwest::Client::new().get(format!("{}/v1/sync/digest", server.url)).bearer_auth(token);
        let digest: Value = digest.send().await.unwrap().json().await.unwrap();
        for kind in digest["kinds"].as_array().unwrap() {
            *held.entry(kind["kind"].as_str().unwrap().to_owned()).or_default() += kind["count"].as_f64().unwrap();
        }
    }
    held
}

/// Every line that three phones printed which were online twice, after five entries each time, beside what the server holds.
fn adds_up(told: &str, before: &BTreeMap<String, f64>, after: &BTreeMap<String, f64>, took: f64) {
    let names: Vec<&str> = told.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names[..6], ["phones", "typed", "pushed", "acknowledged", "unanswered", "vanished"], "{told}");
    assert_eq!(names[6..], ["pulled", "photos", "requests", "online", "took", "converged"], "{told}");
    let said: BTreeMap<&str, Vec<f64>> = names.into_iter().zip(told.lines().map(numbers)).collect();
    let typed = said["typed"][0];
    assert_eq!((said["phones"][0], said["converged"][0], said["converged"][1]), (3.0, 3.0, 3.0), "{told}");
    assert_eq!((said["unanswered"][0], said["vanished"][0]), (0.0, 0.0), "{told}");
    let by_status: f64 = said["acknowledged"][1..].iter().sum();
    assert_eq!((said["acknowledged"][0], by_status), (typed, typed), "{told}");
    assert!(typed >= 30.0 && said["pushed"][0] >= typed, "{told}");

    let grown = |kind: &str| after.get(kind).unwrap_or(&0.0) - before.get(kind).unwrap_or(&0.0);
    let made: f64 = ["account", "contact", "activity", "attachment"].into_iter().map(grown).sum();
    assert!(made > 0.0 && made <= typed, "{made} made, and some corrected: {told}");
    assert_eq!(said["photos"][0], grown("attachment"), "{told}");
    assert!(said["photos"][1] >= said["photos"][0], "none is smaller than a KiB: {told}");
    let held: f64 = before.values().sum();
    assert!(said["pulled"][0] >= held + made, "each phone pulled what its rep held, and what it made: {told}");
    assert!(said["requests"][0] > said["requests"][1] && said["online"][0] <= said["online"][2], "{told}");
    let seconds = said["took"][0];
    assert!(seconds > 0.0 && seconds <= took + 0.1, "{took} s: {told}");
}

/// The numbers in a line.
fn numbers(line: &str) -> Vec<f64> {
    line.split(|it: char| !it.is_ascii_digit() && it != '.').filter_map(|number| number.parse().ok()).collect()
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
