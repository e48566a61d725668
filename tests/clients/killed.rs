//! The reference client, killed while it reads: between the pages of a pull, while it starts over, while it repairs. Whatever
//! the moment, the next sync goes on from what is on disk and ends with what the server says.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::sleep;
use uuid::Uuid;
use waypost::clock::Clock;

use super::reference::{Device, built, end_cursors};
use crate::world::{Person, own_world_at};

/// So many that a pull has nine pages, and a repair of all of them eight requests.
const CONTACTS: usize = 4_000;
/// Changes in a page (`sync.ts`).
const PULLED: u64 = 500;
/// How long the answer has been under way when it is killed: it has not come, it comes, it is being stored.
const MOMENTS: [u64; 3] = [0, 10, 30];

const PAGE: &str = "GET /v1/sync/changes";
const DIGEST: &str = "GET /v1/sync/digest?kind=";
const FETCH: &str = "POST /v1/sync/records";

/// A link that notices when this has been asked so often.
async fn notice(link: TcpListener, server: String, request: &'static str, nth: usize, noticed: Arc<Notify>) {
    let count = Arc::new(AtomicUsize::new(0));
    loop {
        let (phone, _) = link.accept().await.expect("a connection");
        let there = TcpStream::connect(&server).await.expect("the server");
        let ((mut asks, mut hears), (mut answers, mut listens)) = (phone.into_split(), there.into_split());
        tokio::spawn(async move { copy(&mut answers, &mut hears).await.map_or_else(drop, drop) });
        let (count, noticed) = (count.clone(), noticed.clone());
        tokio::spawn(async move {
            let mut piece = vec![0; 64 * 1024];
            while let Ok(length @ 1..) = asks.read(&mut piece).await {
                let asked = piece[..length].starts_with(request.as_bytes());
                if listens.write_all(&piece[..length]).await.is_err() {
                    return;
                }
                if asked && count.fetch_add(1, SeqCst) + 1 == nth {
                    noticed.notify_one();
                }
            }
        });
    }
}

impl Device<'_> {
    /// Begins a sync and kills it, with SIGKILL, a moment after it has asked for this so often.
    async fn sync_killed_at(&self, request: &'static str, nth: usize, millis: u64) {
        let link = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", link.local_addr().expect("an address"));
        let (server, noticed) = (self.url.trim_start_matches("http://").to_owned(), Arc::new(Notify::new()));
        let watching = tokio::spawn(notice(link, server, request, nth, noticed.clone()));
        let mut child = self.command(&["sync"]).env("WAYPOST_URL", url).stdout(Stdio::null()).spawn().expect("starts");
        tokio::select! {
            () = noticed.notified() => {}
            ended = child.wait() => panic!("{request} was asked less than {nth} times: {ended:?}"),
        }
        sleep(Duration::from_millis(millis)).await;
        child.kill().await.expect("killed");
        watching.abort();
    }

    async fn ends_right(&self, contacts: usize) -> Value {
        let told = self.sync().await;
        assert_eq!(self.show("contact").await, contacts, "{told}");
        assert_eq!(self.sync().await, json!({ "pushed": 0, "pulled": 0, "repaired": 0, "waiting": 0 }));
        told
    }
}

async fn add(rep: &Person, account: Uuid, names: &[String]) {
    let contact = |name: &String| {
        let fields = json!({ "accountId": account, "name": name });
        let (id, record) = (Uuid::now_v7(), Uuid::now_v7());
        json!({ "mutationId": id, "kind": "contact", "op": "create", "recordId": record, "contact": fields })
    };
    for names in names.chunks(500) {
        let mutations: Vec<Value> = names.iter().map(contact).collect();
        let body = json!({ "deviceId": Uuid::now_v7(), "mutations": mutations });
        let results = rep.post("/v1/sync/mutations", body).await.expect(200);
        assert!(!results.body.to_string().contains("rejected"), "{:#}", results.body);
    }
}

#[tokio::test]
async fn the_reference_client_may_be_killed_between_pages_and_while_it_repairs() {
    let Some(npm) = built().await else { return };
    let world = own_world_at(Clock::system()).await;
    let rep = world.rep("Lin Wei").await;
    let account = rep.account("Hopton").await;
    add(&rep, account, &(0..CONTACTS).map(|number| format!("Contact {number}")).collect::<Vec<_>>()).await;
    // Before the last page, to which the next process comes as if it were the only one.
    let held = rep.get("/v1/sync/digest").await.expect(200);
    let held =
        held.body["kinds"].as_array().expect("kinds").iter().map(|kind| kind["count"].as_u64().expect("a count"));
    let pages = usize::try_from(held.sum::<u64>().div_ceil(PULLED)).expect("a number");
    let device = Device::of(&npm, &world, &rep).await;
    device.sync_killed_at(PAGE, pages, 0).await;
    add(&rep, account, &["Late".to_owned()]).await;
    assert_eq!(device.ends_right(CONTACTS + 1).await["repaired"], 0);

    // Between the pages of the first pull, while the server goes on: nothing has to be repaired for it.
    let device = Device::of(&npm, &world, &rep).await;
    for (number, millis) in MOMENTS.into_iter().enumerate() {
        device.sync_killed_at(PAGE, 2, millis).await;
        add(&rep, account, &[format!("Newcomer {number}")]).await;
    }
    let contacts = CONTACTS + 1 + MOMENTS.len();
    assert_eq!(device.ends_right(contacts).await["repaired"], 0);

    // While it starts over; what is gone meanwhile goes from the replica too.
    end_cursors(&world).await;
    let gone = rep.get("/v1/contacts?limit=1").await.expect(200).ids()[0];
    rep.delete(&format!("/v1/contacts/{gone}")).await.expect(204);
    for millis in MOMENTS {
        device.sync_killed_at(PAGE, 2, millis).await;
    }
    assert_eq!(device.ends_right(contacts - 1).await["repaired"], 0);

    // While it repairs.
    let spoil = "DELETE FROM record WHERE kind = 'contact'; UPDATE record SET revision = 99 WHERE kind = 'account'";
    device.spoil(spoil).await;
    for (request, nth) in [(DIGEST, 1), (FETCH, 1), (FETCH, 3)] {
        for millis in MOMENTS {
            device.sync_killed_at(request, nth, millis).await;
        }
    }
    let repaired = device.ends_right(contacts - 1).await["repaired"].as_u64().expect("a number");
    assert!(repaired > 0, "a repair of which a part was killed begins anew");
    world.audit().await;
}
