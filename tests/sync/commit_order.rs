//! Writers that commit at the same time, and a phone that pulls all the while: what is committed late is not missed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use serde_json::json;
use uuid::Uuid;

use super::phone::{Phone, Pulled};
use crate::world::World;

const WRITERS: usize = 6;
const WRITES: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_poller_among_writers_misses_nothing() {
    let world = Arc::new(World::new().await);
    let mut poller = Phone::new(&world, world.manager("Mei").await);
    let writing = Arc::new(AtomicUsize::new(WRITERS));
    let writers = (0..WRITERS).map(|writer| {
        let (world, writing) = (world.clone(), writing.clone());
        tokio::spawn(async move {
            let phone = Phone::new(&world, world.rep(&format!("Rep {writer}")).await);
            let account = phone.account("Hopton").await;
            for at in 0..WRITES {
                let base = i64::try_from(at).expect("a small number") + 1;
                let note = json!({ "baseRevision": base, "account": { "note": at.to_string() } });
                let contact = json!({ "contact": { "accountId": account, "name": "Zhao" } });
                phone
                    .push(&[
                        phone.mutation("contact", "create", Uuid::now_v7(), contact),
                        phone.mutation("account", "update", account, note),
                    ])
                    .await
                    .iter()
                    .for_each(|result| assert_eq!(result["status"], "applied", "{result:#}"));
            }
            writing.fetch_sub(1, Ordering::SeqCst);
        })
    });
    let writers = join_all(writers.collect::<Vec<_>>());
    let polls = async {
        let mut size = 0;
        while writing.load(Ordering::SeqCst) > 0 {
            size = size % 7 + 1;
            assert_ne!(poller.page(size).await, Pulled::Restarted);
        }
        assert_eq!(poller.pull(7).await, Pulled::Whole);
        poller
    };
    let (written, poller) = tokio::join!(writers, polls);
    written.into_iter().for_each(|writer| writer.expect("it wrote everything"));
    assert_eq!(poller.all("contact").count(), WRITERS * WRITES);
    poller.agrees(&world, "after the last write").await;
}

/// Members come and go while others write under the account: whoever is a member in the end has everything.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_member_who_comes_while_others_write_misses_nothing() {
    let world = Arc::new(World::new().await);
    let admin = world.admin().await;
    let owner = Phone::new(&world, world.rep("Lin Wei").await);
    let mut guest = Phone::new(&world, world.rep("Bo Chen").await);
    let account = owner.account("Hopton").await;
    let path = format!("/v1/accounts/{account}/members/{}", guest.person.id);
    let sharing = async {
        for turn in 0..41 {
            match turn % 2 {
                0 => admin.put(&path, json!({ "role": "member" })).await.expect(200),
                _ => admin.delete(&path).await.expect(204),
            };
        }
    };
    let writing = join_all((0..3).map(|_| async {
        for _ in 0..30 {
            let contact = json!({ "contact": { "accountId": account, "name": "Zhao" } });
            owner.applies(owner.mutation("contact", "create", Uuid::now_v7(), contact)).await;
        }
    }));
    let pulling = async {
        for size in 1..30 {
            guest.page(size).await;
        }
        guest
    };
    let (_, _, mut guest) = tokio::join!(sharing, writing, pulling);
    guest.pull(50).await;
    assert_eq!(guest.all("contact").count(), 90);
    guest.agrees(&world, "after the last write").await;
}
