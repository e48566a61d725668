//! Sudden death while a fleet of phones pushes: nothing that was acknowledged is lost, nothing comes twice, and all phones
//! converge with the server that follows.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use reqwest::Client;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use waypost::fleet::{Login, Plan, Step, play};

use super::{Server, directory, done, eventually, fed, is_gone, postgres, program};

const PASSWORD: &str = "correct horse";
/// Times that all phones together are online.
const SYNCS: usize = PHONES * ROUNDS;
const PHONES: usize = 6;
const ROUNDS: usize = 12;

/// Two reps of a company, with three phones each.
fn fleet(data: &Path, url: &str) -> Plan {
    let waypost = |arguments: &str| {
        let mut command = program(arguments.split(' '));
        command.env("WAYPOST_DATA", data);
        command
    };
    done(&mut waypost("tenant create --slug acme --name Acme --time-zone Asia/Shanghai"));
    let login = |name: &str| {
        let email = format!("{name}@acme.example");
        let made = format!("user create --tenant acme --email {email} --name {name} --role rep --password-stdin");
        let made = fed(&mut waypost(&made), &format!("{PASSWORD}\n"));
        assert!(made.success, "{}", made.err);
        Login { email, password: PASSWORD.to_owned() }
    };
    Plan {
        url: url.to_owned(),
        tenant: "acme".to_owned(),
        logins: ["lin", "zhao"].map(login).to_vec(),
        phones: PHONES,
        rounds: ROUNDS,
        entries: 20,
        photos: 10,
        loss: 10,
        patience: Duration::from_secs(120),
        seed: 5,
    }
}

/// Activities of a rep, and entries in his book beside the month's quota of leads.
async fn books(plan: &Plan, login: &Login) -> (i64, i64) {
    let http = Client::new();
    let who = json!({ "tenant": plan.tenant, "email": login.email, "password": login.password });
    let ask = async |request: reqwest::RequestBuilder| -> Value {
        request.send().await.expect("an answer").error_for_status().expect("good").json().await.expect("JSON")
    };
    let session = ask(http.post(format!("{}/v1/auth/login", plan.url)).json(&who)).await;
    let token = session["accessToken"].as_str().expect("a token");
    let get = async |path: &str| ask(http.get(format!("{}{path}", plan.url)).bearer_auth(token)).await;
    let digest = get("/v1/sync/digest").await;
    let kinds = digest["kinds"].as_array().expect("kinds");
    let activities = kinds.iter().find(|kind| kind["kind"] == "activity").expect("activities");
    let balance = get("/v1/points/balance").await;
    let entries = balance["entries"].as_i64().expect("a number") - i64::from(balance["leads"] != 0);
    (activities["count"].as_i64().expect("a number"), entries)
}

/// Picks what is killed, of a server and the number of its Postgres.
type Victim = fn(&Server, i32) -> i32;

/// Kills it twice in the middle of the day, and starts the server again at the same address.
fn kill(mut server: Server, data: &Path, victim: Victim, synced: &AtomicUsize) -> Server {
    for part in [SYNCS / 4, SYNCS / 2] {
        eventually("phones were online", || (synced.load(SeqCst) >= part).then_some(()));
        let postmaster = postgres(data);
        kill_process(Pid::from_raw(victim(&server, postmaster)).unwrap(), Signal::KILL).unwrap();
        // It does not outlive its Postgres.
        server.end();
        eventually("Postgres ends", || is_gone(postmaster).then_some(()));
        assert!(synced.load(SeqCst) < SYNCS, "the day was over before");
        server = Server::start_at(server.address(), data, &[]);
    }
    server
}

async fn killed_while_phones_push(victim: Victim) {
    let directory = directory();
    let data = directory.path().to_owned();
    let server = Server::start(&data, &[]);
    let plan = fleet(&data, &server.url);
    let synced = Arc::new(AtomicUsize::new(0));
    let count = |step| {
        if step == Step::Synced {
            synced.fetch_add(1, SeqCst);
        }
    };
    let (seen, at) = (synced.clone(), data.clone());
    let killing = tokio::task::spawn_blocking(move || kill(server, &at, victim, &seen));
    let (report, server) = tokio::join!(play(&plan, count), killing);
    let server = server.expect("killed and started again");
    let report = report.expect("a day");
    assert!(report.is_good(), "{report}");
    let tally = &report.tally;
    assert_eq!((tally.results.values().sum::<u64>(), tally.results.get("rejected")), (tally.typed, None), "{report}");
    assert!(tally.sent > tally.typed, "something was sent again: {report}");
    for login in &plan.logins {
        let (activities, entries) = books(&plan, login).await;
        assert!(activities > 100 && activities == entries, "{activities} activities, {entries} entries: {report}");
    }
    done(program(["ledger", "verify"]).env("WAYPOST_DATA", &data));
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_in_the_middle_of_pushes_loses_nothing_that_it_acknowledged() {
    killed_while_phones_push(|server, _| server.process.id().cast_signed()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_killed_in_the_middle_of_pushes_loses_nothing_that_was_acknowledged() {
    killed_while_phones_push(|_, postmaster| postmaster).await;
}
