//! Sudden death in the middle of pushes: no half push, no lost acknowledgement, and a repeated push changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Server, directory, done, eventually, fed, is_gone, postgres, program};

/// Mutations in one push: an account, and visits to it.
const SIZE: usize = 20;
const PASSWORD: &str = "correct horse";

/// A phone that pushes as fast as it can until the connection breaks.
struct Phone {
    url: String,
    token: String,
    device: Uuid,
    /// What it sent, by the account that the push makes, and whether the server acknowledged it.
    pushes: BTreeMap<Uuid, (Value, bool)>,
}

impl Phone {
    async fn log_in(url: &str) -> Phone {
        let body = json!({ "tenant": "acme", "email": "lin@acme.example", "password": PASSWORD });
        let answer = reqwest::Client::new().post(format!("{url}/v1/auth/login")).json(&body).send().await.unwrap();
        let tokens: Value = answer.json().await.unwrap();
        let token = tokens["accessToken"].as_str().unwrap().to_owned();
        Phone { url: url.to_owned(), token, device: Uuid::now_v7(), pushes: BTreeMap::new() }
    }

    async fn push(&self, body: &Value) -> Option<Value> {
        let request = reqwest::Client::new().post(format!("{}/v1/sync/mutations", self.url));
        let answer = request.bearer_auth(&self.token).json(body).send().await.ok()?;
        if !answer.status().is_success() {
            return None;
        }
        answer.json().await.ok()
    }

    async fn work(&mut self, acknowledged: &AtomicUsize) {
        loop {
            let account = Uuid::now_v7();
            let body = push_of(self.device, account);
            let answer = self.push(&body).await;
            self.pushes.insert(account, (body, answer.is_some()));
            match answer {
                Some(results) => assert!(all_applied(&results), "{results}"),
                None => return,
            }
            acknowledged.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Accounts, and the activities under each, as the server has them.
    async fn replica(&self) -> BTreeMap<Uuid, BTreeSet<Uuid>> {
        let mut accounts: BTreeMap<Uuid, BTreeSet<Uuid>> = BTreeMap::new();
        let request = reqwest::Client::new().get(format!("{}/v1/sync/changes?limit=5000", self.url));
        let answer = request.bearer_auth(&self.token).header("accept", "application/x-ndjson").send().await.unwrap();
        for line in answer.text().await.unwrap().lines() {
            let change: Value = serde_json::from_str(line).unwrap();
            let id = |value: &Value| value.as_str().unwrap().parse::<Uuid>().unwrap();
            match change["kind"].as_str() {
                Some("account") => drop(accounts.entry(id(&change["id"])).or_default()),
                Some("activity") => {
                    let activity = id(&change["id"]);
                    assert!(accounts.entry(id(&change["activity"]["accountId"])).or_default().insert(activity));
                }
                _ => {}
            }
        }
        accounts
    }

    async fn points(&self) -> Value {
        let request = reqwest::Client::new().get(format!("{}/v1/points/balance", self.url));
        request.bearer_auth(&self.token).send().await.unwrap().json().await.unwrap()
    }
}

fn push_of(device: Uuid, account: Uuid) -> Value {
    let mutation = |kind: &str, record: Uuid, fields: Value| {
        let mut mutation = json!({ "mutationId": Uuid::now_v7(), "kind": kind, "op": "create", "recordId": record });
        mutation[kind] = fields;
        mutation
    };
    let mut mutations = vec![mutation("account", account, json!({ "kind": "business", "name": "霍普光通信" }))];
    mutations.extend((1..SIZE).map(|_| {
        let visit =
            json!({ "accountId": account, "kind": "visit", "occurred": "2026-01-05T09:00:00Z", "summary": "谈合同" });
        mutation("activity", Uuid::now_v7(), visit)
    }));
    json!({ "deviceId": device, "mutations": mutations })
}

fn all_applied(results: &Value) -> bool {
    let results = results["results"].as_array().unwrap();
    results.len() == SIZE && results.iter().all(|result| result["status"] == "applied")
}

/// Kills what `victim` picks while four phones push, starts again, and checks what is there.
async fn killed_while_pushing(victim: impl Fn(&Server, i32) -> i32) {
    let directory = directory();
    let data = directory.path();
    let mut server = Server::start(data, &[]);
    let acme = ["tenant", "create", "--slug", "acme", "--name", "Acme", "--time-zone", "Asia/Shanghai"];
    done(program(acme).env("WAYPOST_DATA", data));
    let lin = ["user", "create", "--tenant", "acme", "--email", "lin@acme.example", "--name", "Lin", "--role", "rep"];
    let made = fed(program(lin).arg("--password-stdin").env("WAYPOST_DATA", data), &format!("{PASSWORD}\n"));
    assert!(made.success, "{}", made.err);

    let acknowledged = Arc::new(AtomicUsize::new(0));
    let mut phones = Vec::new();
    for _ in 0..4 {
        let acknowledged = acknowledged.clone();
        let mut phone = Phone::log_in(&server.url).await;
        phones.push(tokio::spawn(async move {
            phone.work(&acknowledged).await;
            phone
        }));
    }
    // Some pushes are behind it; others are under way.
    eventually("pushes are acknowledged", || (acknowledged.load(Ordering::Relaxed) >= 40).then_some(()));
    let postmaster = postgres(data);
    let pid = Pid::from_raw(victim(&server, postmaster)).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    let mut worked = Vec::new();
    for phone in phones {
        worked.push(phone.await.unwrap());
    }
    server.signal(Signal::KILL);
    server.end();
    eventually("Postgres ends", || is_gone(postmaster).then_some(()));

    let server = Server::start(data, &[]);
    let mut fresh = Phone::log_in(&server.url).await;
    let there = fresh.replica().await;
    for phone in &worked {
        for (account, (_, answered)) in &phone.pushes {
            let activities = there.get(account).map(BTreeSet::len);
            assert!(
                activities == Some(SIZE - 1) || (activities.is_none() && !answered),
                "{account}: {activities:?}, answered: {answered}"
            );
        }
    }

    // Whoever is unsure sends everything again: what was there stays as it is, what was lost comes.
    for phone in worked {
        fresh.device = phone.device;
        for (body, _) in phone.pushes.values() {
            let results = fresh.push(body).await.expect("the server lives");
            assert!(all_applied(&results), "{results}");
        }
        fresh.pushes.extend(phone.pushes);
    }
    let whole = fresh.replica().await;
    assert!(there.iter().all(|(account, activities)| whole.get(account) == Some(activities)));
    assert_eq!(whole.len(), fresh.pushes.len());
    let points = fresh.points().await;
    // Beside the month's quota of leads, which a running server gives out.
    let entries = points["entries"].as_i64().unwrap() - i64::from(points["leads"] != 0);
    assert_eq!(entries, ((SIZE - 1) * whole.len()) as i64, "one entry an activity");
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_in_the_middle_of_pushes_loses_nothing_that_it_acknowledged() {
    killed_while_pushing(|server, _| server.process.id().cast_signed()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_killed_in_the_middle_of_pushes_loses_nothing_that_was_acknowledged() {
    killed_while_pushing(|_, postmaster| postmaster).await;
}
