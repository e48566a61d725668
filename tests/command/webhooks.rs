//! Sudden death in the middle of deliveries: the server that follows misses no event, and repeats the one at hand at the most.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use poem::http::HeaderMap;
use rustix::process::Signal;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use waypost::database::{Cluster, connect};

use super::{Server, directory, done, eventually, fed, is_gone, postgres, program};
use crate::webhooks::Receiver;

const PASSWORD: &str = "correct horse";
const EVENTS: usize = 60;

async fn post(http: &reqwest::Client, url: String, token: &str, body: Value) -> Value {
    let request = http.post(url).bearer_auth(token).json(&body);
    request.send().await.expect("an answer").error_for_status().expect("good").json().await.expect("JSON")
}

fn ids(seen: &[(HeaderMap, Value)]) -> Vec<String> {
    seen.iter().map(|(headers, _)| headers["webhook-id"].to_str().expect("text").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_in_the_middle_of_deliveries_misses_no_event() {
    let directory = directory();
    let data = directory.path();
    let home = [("WAYPOST_WEBHOOK_NETWORKS", "127.0.0.0/8")];
    let mut server = Server::start(data, &home);
    let url = server.url.clone();
    let acme = ["tenant", "create", "--slug", "acme", "--name", "Acme", "--time-zone", "Asia/Shanghai"];
    done(program(acme).env("WAYPOST_DATA", data));
    let ada = ["user", "create", "--tenant", "acme", "--email", "ada@acme.example", "--name", "Ada", "--role", "admin"];
    let made = fed(program(ada).arg("--password-stdin").env("WAYPOST_DATA", data), &format!("{PASSWORD}\n"));
    assert!(made.success, "{}", made.err);
    let http = reqwest::Client::new();
    let log_in = json!({ "tenant": "acme", "email": "ada@acme.example", "password": PASSWORD });
    let tokens = post(&http, format!("{url}/v1/auth/login"), "", log_in).await;
    let token = tokens["accessToken"].as_str().expect("a token");
    let receiver = Receiver::new().await;
    receiver.answers_after(Duration::from_millis(100));
    let wanted = json!({ "url": receiver.url, "kinds": ["product"], "ops": ["create"] });
    post(&http, format!("{url}/v1/webhooks"), token, wanted).await;
    let products =
        (0..EVENTS).map(|n| post(&http, format!("{url}/v1/products"), token, json!({ "name": format!("P{n}") })));
    let made = join_all(products).await;
    let expected: BTreeSet<String> =
        made.iter().map(|one| format!("product_{}_1", one["id"].as_str().expect("an id"))).collect();

    eventually("some came", || (receiver.count() >= 10).then_some(()));
    let postmaster = postgres(data);
    server.signal(Signal::KILL);
    server.end();
    eventually("Postgres ends", || is_gone(postmaster).then_some(()));
    receiver.answers_after(Duration::ZERO);
    let before = receiver.take();
    assert!((10..EVENTS).contains(&before.len()), "{}", before.len());

    let server = Server::start(data, &home);
    // Nobody waits two minutes for the lease of the one who died.
    let database = connect(&Cluster::url_of_running(data, "waypost").expect("it runs"), 1).await.expect("a pool");
    database.execute_unprepared("UPDATE webhook SET leased_until = now()").await.expect("it is over");
    database.close().await.expect("closed");
    let mut after = Vec::new();
    eventually("the last came", || {
        after.extend(receiver.take());
        let came: BTreeSet<String> = ids(&before).into_iter().chain(ids(&after)).collect();
        (came.len() == EVENTS).then_some(())
    });
    if ids(&after).first() == ids(&before).last() {
        // It was taken, and nobody was left to remember that.
        after.remove(0);
    }
    let all = [before, after].concat();
    let numbers: Vec<i64> = all.iter().map(|(_, body)| body["data"]["seq"].as_i64().expect("a number")).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "in order, and only once: {numbers:?}");
    assert_eq!(ids(&all).into_iter().collect::<BTreeSet<_>>(), expected);
    server.stop();
}
