//! Imports on a server in a process of its own: it is killed in the middle, and a dry run leaves nothing.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{Server, directory, done, eventually, fed, is_gone, postgres, program, refused};

const PASSWORD: &str = "correct horse";

/// A company with an admin, Ada.
pub fn company(data: &Path) {
    let acme = ["tenant", "create", "--slug", "acme", "--name", "Acme", "--time-zone", "Asia/Shanghai"];
    done(program(acme).env("WAYPOST_DATA", data));
    user(data, "ada", "admin");
}

pub fn user(data: &Path, name: &str, role: &str) {
    let email = format!("{name}@acme.example");
    let user = ["user", "create", "--tenant", "acme", "--email", email.as_str(), "--name", name, "--role", role];
    let made = fed(program(user).arg("--password-stdin").env("WAYPOST_DATA", data), &format!("{PASSWORD}\n"));
    assert!(made.success, "{}", made.err);
}

/// Somebody who is logged in.
pub struct Person {
    pub url: String,
    pub token: String,
}

impl Person {
    pub async fn log_in(url: &str, name: &str) -> Person {
        let body = json!({ "tenant": "acme", "email": format!("{name}@acme.example"), "password": PASSWORD });
        let answer = reqwest::Client::new().post(format!("{url}/v1/auth/login")).json(&body).send().await.unwrap();
        let tokens: Value = answer.json().await.unwrap();
        Person { url: url.to_owned(), token: tokens["accessToken"].as_str().unwrap().to_owned() }
    }

    pub async fn import(&self, kind: &str, file: impl AsRef<[u8]>) -> String {
        let head = format!(
            "--b0undary\r\nContent-Disposition: form-data; name=\"kind\"\r\n\r\n{kind}\r\n\
             --b0undary\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f.csv\"\r\n\r\n"
        );
        let body = [head.as_bytes(), file.as_ref(), b"\r\n--b0undary--\r\n"].concat();
        let request = reqwest::Client::new().post(format!("{}/v1/imports", self.url)).bearer_auth(&self.token);
        let request = request.header("content-type", "multipart/form-data; boundary=b0undary").body(body);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 202);
        answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
    }

    pub async fn get(&self, path: &str) -> String {
        let request = reqwest::Client::new().get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        request.send().await.unwrap().error_for_status().unwrap().text().await.unwrap()
    }

    /// Asks until `is_there` says so.
    pub async fn wait(&self, id: &str, is_there: impl Fn(&Value) -> bool) -> Value {
        let patience = Instant::now() + Duration::from_secs(180);
        loop {
            let import: Value = serde_json::from_str(&self.get(&format!("/v1/imports/{id}")).await).unwrap();
            if is_there(&import) {
                return import;
            }
            assert!(Instant::now() < patience, "{import:#}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_goes_on_when_its_server_was_killed() {
    let directory = directory();
    let data = directory.path();
    let mut server = Server::start(data, &[]);
    company(data);
    let ada = Person::log_in(&server.url, "ada").await;
    let rows: String = (0..8_000).map(|n| format!("P-{n},Product {n}\n")).collect();
    let id = ada.import("product", &format!("externalId,name\n{rows}bad,\n")).await;
    let seen = ada.wait(&id, |import| import["created"].as_i64() >= Some(500)).await;
    assert_eq!(seen["status"], "running", "{seen:#}");
    let postmaster = postgres(data);
    server.signal(Signal::KILL);
    server.end();
    eventually("Postgres ends", || is_gone(postmaster).then_some(()));

    let server = Server::start(data, &[]);
    let ada = Person::log_in(&server.url, "ada").await;
    let done = ada.wait(&id, |import| import["status"] == "done").await;
    let counts = ["rowsRead", "created", "unchanged", "refused"].map(|name| done[name].as_i64().unwrap());
    assert_eq!(counts, [8_001, 8_000, 0, 1], "{done:#}");
    assert_eq!(ada.get("/v1/exports?kind=product&format=ndjson").await.lines().count(), 8_000);
    server.stop();
}

#[test]
fn a_dry_run_into_a_company_that_is_not_there_leaves_none() {
    let directory = directory();
    let data = directory.path();
    let mapping = data.join("mapping.toml");
    let files = [
        ("people.csv", "No,Name,Mail\n1,Lin Wei,lin@acme.example\n"),
        ("accounts.csv", "No,Name,Owner\n7,Hopton,1\n8,Seaside,9\n"),
        (
            "mapping.toml",
            r#"
[[file]]
path = "people.csv"
kind = "user"
[file.fields]
externalId = "No"
name = "Name"
email = "Mail"
role = { value = "rep" }
teamId = { value = "Acme", by = "name" }

[[file]]
path = "accounts.csv"
kind = "account"
[file.fields]
externalId = "No"
name = "Name"
kind = { value = "business" }
ownerId = "Owner"
"#,
        ),
    ];
    for (name, text) in files {
        std::fs::write(data.join(name), text).unwrap();
    }
    let import = |more: &[&str]| {
        let mut command = program(["import", "--tenant", "acme", "--mapping", mapping.to_str().unwrap()]);
        command.args(more).env("WAYPOST_DATA", data);
        command
    };
    let new = ["--create-tenant", "Acme", "--time-zone", "Asia/Shanghai"];
    let tried = done(import(&["--dry-run"]).args(new));
    let none = refused(&mut import(&["--dry-run"]));
    assert!(none.contains("tenant as `acme`"), "{none}");
    let made = done(import(&[]).args(new));
    let counts = |told: &str| told.lines().filter(|line| line.contains(".csv")).map(str::to_owned).collect::<Vec<_>>();
    assert!(counts(&tried).len() >= 2, "{tried}");
    assert_eq!(counts(&tried), counts(&made), "the dry run tells what the import does");
    // The company is there now, and stays.
    let again = done(import(&["--dry-run"]).args(new));
    assert_ne!(counts(&again), counts(&made), "{again}");
    // Refused rows go where they are to go, and where they cannot nothing is imported.
    let apart = data.join("refused/today");
    done(&mut import(&["--refused-dir", apart.to_str().unwrap()]));
    assert!(std::fs::read_to_string(apart.join("accounts.refused.csv")).unwrap().contains("Seaside"));
    let told = refused(&mut import(&["--refused-dir", mapping.to_str().unwrap()]));
    assert!(told.contains("mapping.toml/people.refused.csv") && told.contains("--refused-dir"), "{told}");
}
