//! Files in an S3-compatible store: the same stories against a server that others wrote, moto, in a process of its own.

use std::process::Stdio;
use std::time::Duration;

use chrono::TimeDelta;
use reqwest::{Client, Method};
use serde_json::json;
use tokio::process::{Child, Command};
use waypost::files::{self, Files, KEPT_DAYS, MOST_BYTES};
use waypost::state::{Beside, State};
use waypost::upload::due;

use super::picture::photo;
use super::{attachment, begin, get, pdf, put, raw, send};
use crate::tools::Python;
use crate::world::{World, identity, own_world};

/// The store, which ends with the test.
struct Store {
    url: String,
    _process: Child,
}

impl Store {
    async fn start() -> Option<Store> {
        let python = Python::of("tests/s3").await?;
        let port =
            std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let mut server = Command::new(python.program("moto_server"));
        server.args(["-H", "127.0.0.1", "-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
        let process = server.kill_on_drop(true).spawn().expect("starts");
        let url = format!("http://127.0.0.1:{port}");
        for _ in 0..600 {
            // It signs nothing and asks for no proof, but takes no request that has none.
            let proof =
                "AWS4-HMAC-SHA256 Credential=a/20260302/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
            let made = Client::new().put(format!("{url}/photos")).header("authorization", proof).send().await;
            if made.is_ok_and(|made| made.status().is_success()) {
                return Some(Store { url, _process: process });
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the store does not start");
    }

    /// How many objects it holds below a prefix.
    async fn count(&self, prefix: &str) -> usize {
        let listed = Client::new().get(format!("{}/photos?list-type=2&prefix={prefix}", self.url)).send().await;
        listed.expect("an answer").text().await.expect("XML").matches("<Key>").count()
    }
}

#[tokio::test]
async fn files_live_in_a_bucket() {
    let Some(store) = Store::start().await else { return };
    let location = format!("s3://photos/acme?endpoint={}&region=us-east-1", store.url);
    let opened = || {
        let opened = files::open_as(&location, "key", "secret").expect("a bucket");
        Some(Files::new(opened, MOST_BYTES, KEPT_DAYS))
    };
    // What is due is done for every tenant of a database.
    let world = own_world().await;
    let served = |files| {
        State::serving(
            world.state.db.clone(),
            world.state.clock.clone(),
            identity(),
            Beside { files, ..Beside::default() },
        )
    };
    let (one, two) = (world.served_by(served(opened())).await, world.served_by(served(opened())).await);
    let lin = one.rep("Lin").await;
    let (there, boss) = (two.person(lin.id), two.manager("Ma").await);
    let account = lin.account("Hopton").await;

    let picture = attachment(&lin, account, "photo", json!({})).await;
    put(&lin, picture, &photo()).await.expect(200);
    assert_eq!(get(&there, picture).await.expect(200).bytes, photo());
    assert!(get(&boss, picture).await.expect(200).bytes.len() < photo().len());
    raw(&boss, Method::GET, &format!("/v1/attachments/{picture}/thumbnail"), &[], Vec::new()).await.expect(200);
    let of = format!("acme/{}/{picture}", world.tenant_id);
    assert_eq!(store.count(&of).await, 3, "as it was sent, as others get it, and small");

    // So long that the store takes it in parts, too.
    let file = pdf(20_000_000);
    let contract = attachment(&lin, account, "document", json!({ "bytes": file.len() })).await;
    let place = begin(&lin, contract, file.len()).await.expect(201).header("location");
    send(&lin, &place, 0, &file[..9_000_001], &[]).await.expect(204);
    assert_eq!(store.count("acme/uploads").await, 9);
    send(&there, &place, 9_000_001, &file[9_000_001..], &[]).await.expect(204);
    assert_eq!(get(&there, contract).await.expect(200).bytes, file);
    let path = format!("/v1/attachments/{contract}/content");
    let part = raw(&lin, Method::GET, &path, &[("range", "bytes=9000000-9000009")], Vec::new()).await.expect(206);
    assert_eq!(part.bytes, file[9_000_000..9_000_010]);
    assert_eq!(store.count("acme/uploads").await, 0);

    lin.delete(&format!("/v1/attachments/{picture}")).await.expect(204);
    world.wait(TimeDelta::days(91));
    due::run(&one.state).await.expect("runs");
    assert_eq!(store.count(&of).await, 0);
}

#[tokio::test]
async fn a_store_that_does_not_answer_loses_nothing() {
    let world = World::new().await;
    // Nobody listens there.
    let opened =
        files::open_as("s3://photos?endpoint=http://127.0.0.1:1&region=us-east-1", "key", "secret").expect("a bucket");
    let deaf = Some(Files::new(opened, MOST_BYTES, KEPT_DAYS));
    let state = State::serving(
        world.state.db.clone(),
        world.state.clock.clone(),
        identity(),
        Beside { files: deaf, ..Beside::default() },
    );
    let deaf = world.served_by(state).await;
    let lin = deaf.rep("Lin").await;
    let account = lin.account("Hopton").await;
    let id = attachment(&lin, account, "photo", json!({})).await;
    let answer = put(&lin, id, &photo()).await.expect(503);
    assert_eq!((answer.problem().0, answer.header("retry-after")), ("unavailable".into(), "10".into()));
    assert_eq!(lin.get(&format!("/v1/attachments/{id}")).await.expect(200).text("/state"), "pending");
    put(&world.person(lin.id), id, &photo()).await.expect(200);
}
