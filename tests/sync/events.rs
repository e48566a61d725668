//! The events that say when a pull is worth it.

use std::time::Duration;

use futures_util::StreamExt;
use reqwest::{Method, header};
use serde_json::{Value, json};
use tokio::time::timeout;
use waypost::auth::Identity;
use waypost::auth::identity::TRUST;
use waypost::auth::token::Keys;
use waypost::state::State;

use super::phone::Phone;
use crate::world::{Person, World, own_world};

/// How long a test waits for what should come at once.
const SOON: Duration = Duration::from_secs(20);

/// The next event's data.
async fn event(stream: &mut (impl StreamExt<Item = reqwest::Result<impl AsRef<[u8]>>> + Unpin)) -> Value {
    loop {
        let chunk = timeout(SOON, stream.next()).await.expect("an event in time").expect("no end").expect("bytes");
        let text = String::from_utf8(chunk.as_ref().to_vec()).expect("text");
        if let Some(data) = text.lines().find_map(|line| line.strip_prefix("data:")) {
            assert!(text.contains("event:head") || text.contains("event: head"), "{text}");
            return serde_json::from_str(data.trim()).expect("JSON");
        }
    }
}

/// A phone that listens is told nothing any more once its user is disabled or has logged out elsewhere.
/// Waits until the stream tells of a head as new as this one: jobs of the server may move it as well.
async fn reaches(stream: &mut (impl StreamExt<Item = reqwest::Result<impl AsRef<[u8]>>> + Unpin), head: i64) {
    while event(stream).await["head"].as_i64().expect("a head") < head {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_is_disabled_hears_no_more() {
    let world = World::new().await;
    let (admin, lin, wu) = (world.admin().await, world.rep("Lin Wei").await, world.rep("Wu Jie").await);
    let listen = async |person: &Person| {
        let answer = person.request(Method::GET, "/v1/sync/events").await.send().await.expect("an answer");
        Box::pin(answer.bytes_stream())
    };
    let (mut of_lin, mut of_wu) = (listen(&lin).await, listen(&wu).await);
    event(&mut of_lin).await;
    event(&mut of_wu).await;
    admin.patch(&format!("/v1/users/{}", lin.id), json!({ "disabled": true })).await.expect(200);
    // At the latest when the proof is asked again.
    let end = timeout(2 * TRUST, async { while of_lin.next().await.is_some() {} }).await;
    assert!(end.is_ok(), "the stream ends by itself");
    assert!(event(&mut of_wu).await["head"].is_number(), "the colleague hears on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_pokes_listeners_here_and_on_other_servers() {
    // Its jobs would go through the tenants of other tests.
    let world = own_world().await;
    let lin = Phone::new(&world, world.rep("Lin Wei").await);
    // Another server on the same database; its clock and keys are its own.
    let identity = Identity::new(Keys::generate().expect("a key"), "https://waypost.example", "waypost", Vec::new());
    let elsewhere = State::new(world.state.db.clone(), world.state.clock.clone(), identity);
    let there = world.served_by(elsewhere.clone()).await;
    let polling = waypost::jobs::start(elsewhere.clone());
    let far = there.person(lin.person.id);

    let listen = async |person: &Person| {
        let answer = person.request(Method::GET, "/v1/sync/events").await.send().await.expect("an answer");
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/event-stream");
        Box::pin(answer.bytes_stream())
    };
    let (mut near, mut far) = (listen(&lin.person).await, listen(&far).await);
    let head = event(&mut near).await["head"].as_i64().expect("the head now");
    reaches(&mut far, head).await;

    lin.account("Hopton").await;
    let moved = lin.ask(1).await.body["head"].as_i64().expect("a head");
    assert!(moved > head);
    reaches(&mut near, moved).await;
    reaches(&mut far, moved).await;

    elsewhere.stopping.cancel();
    polling.await.expect("the jobs end");
    let end = timeout(SOON, async { while far.next().await.is_some() {} }).await;
    assert!(end.is_ok(), "a server that stops ends its streams");
}
