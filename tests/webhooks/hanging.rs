//! Receivers that take a connection and then never answer, or byte by byte without an end: they hold up themselves alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use waypost::webhook::deliver;

use super::{Receiver, hook, send};
use crate::world::{World, own_world};

/// What a silent receiver does with a connection, and one that drips.
async fn keep(mut connection: TcpStream, drips: bool) {
    if !drips {
        // Until the other side hangs up.
        return connection.read_to_end(&mut Vec::new()).await.map_or_else(drop, drop);
    }
    for byte in b"HTTP/1.1 200 OK\r\nx-slow: ".iter().chain(std::iter::repeat(&b'a')) {
        if connection.write_all(&[*byte]).await.is_err() {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
}

struct Hanging {
    url: String,
    /// Connections at this moment, and the most that there were.
    open: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Hanging {
    async fn new(drips: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let (open, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let hanging = Hanging { url, open: open.clone(), most: most.clone() };
        tokio::spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.expect("a connection");
                let (open, most) = (open.clone(), most.clone());
                tokio::spawn(async move {
                    most.fetch_max(open.fetch_add(1, SeqCst) + 1, SeqCst);
                    keep(connection, drips).await;
                    open.fetch_sub(1, SeqCst);
                });
            }
        });
        hanging
    }
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let waited = async {
        while !is_so() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(60), waited).await.unwrap_or_else(|_| panic!("never: {what}"));
}

fn of_accounts(url: &str) -> Value {
    json!({ "url": url, "kinds": ["account"], "ops": ["create"] })
}

#[tokio::test]
async fn a_receiver_that_hangs_holds_up_only_itself_and_misses_nothing() {
    let world = own_world().await;
    let (admin, lin) = (world.admin().await, world.rep("Lin Wei").await);
    let (silent, dripping, good) = (Hanging::new(false).await, Hanging::new(true).await, Receiver::new().await);
    let mut hanging = Vec::new();
    for url in [&silent.url, &dripping.url] {
        hanging.push(hook(&admin, of_accounts(url)).await.0);
    }
    hook(&admin, of_accounts(&good.url)).await;
    lin.account("Acme").await;
    lin.account("Beta").await;

    let begun = Instant::now();
    deliver::send(&world.state).await.expect("begun");
    until("the good one has both", || good.seen.lock().unwrap().len() == 2).await;
    assert!(silent.open.load(SeqCst) == 1 && dripping.open.load(SeqCst) == 1, "the others are still waited for");
    until("both are given up", || silent.open.load(SeqCst) + dripping.open.load(SeqCst) == 0).await;
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    for id in &hanging {
        let path = format!("/v1/webhooks/{id}");
        let mut log = admin.get(&format!("{path}/deliveries")).await.expect(200);
        while log.items().is_empty() {
            sleep(Duration::from_millis(20)).await;
            log = admin.get(&format!("{path}/deliveries")).await.expect(200);
        }
        let [attempt] = log.items() else { panic!("{:#}", log.body) };
        assert_eq!((&attempt["error"], &attempt["status"]), (&json!("no answer in time"), &Value::Null));
        assert!(attempt["millis"].as_i64().is_some_and(|millis| (14_000..20_000).contains(&millis)), "{attempt}");
        admin.patch(&path, json!({ "url": good.url })).await.expect(200);
    }
    good.take();
    world.wait(TimeDelta::seconds(6));
    assert_eq!(send(&world).await, 4);
    let names: Vec<Value> = good.take().iter().map(|(_, body)| body["data"]["record"]["name"].clone()).collect();
    assert_eq!(names, ["Acme", "Beta", "Acme", "Beta"]);
}

#[tokio::test]
async fn one_company_s_hanging_endpoints_leave_places_for_the_others() {
    let world = own_world().await;
    let other = World::on(world.state.db.clone(), world.state.clock.clone()).await;
    let (hanging, good) = (Hanging::new(false).await, Receiver::new().await);
    let admin = world.admin().await;
    for _ in 0..12 {
        hook(&admin, of_accounts(&hanging.url)).await;
    }
    hook(&other.admin().await, of_accounts(&good.url)).await;
    let (lin, zhao) = (world.rep("Lin Wei").await, other.rep("Zhao Yun").await);
    lin.account("Acme").await;
    for (number, name) in ["Beta", "Gamma"].into_iter().enumerate() {
        zhao.account(name).await;
        deliver::send(&world.state).await.expect("begun");
        until("the other company is served", || good.seen.lock().unwrap().len() == number + 1).await;
        until("eight hang", || hanging.open.load(SeqCst) == 8).await;
    }
    assert_eq!(hanging.most.load(SeqCst), 8);
}
