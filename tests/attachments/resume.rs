//! The tus protocol, header by header, as its specification says.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use futures_util::StreamExt;
use reqwest::{Method, Response};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::Sender;
use tokio::task::JoinHandle;
use waypost::upload::due;

use super::{attachment, begin, get, pdf, raw, send, tus};
use crate::sync::phone::Phone;
use crate::world::{Person, World, identity, own_world};

#[tokio::test]
async fn an_upload_goes_on_where_it_stopped_on_any_server() {
    let world = World::new().await;
    let lin = world.rep("Lin").await;
    let account = lin.account("Hopton").await;
    let file = pdf(3_000_000);
    let id = attachment(&lin, account, "document", json!({ "bytes": file.len() })).await;

    let said = raw(&lin, Method::OPTIONS, "/v1/uploads", &[], Vec::new()).await.expect(204);
    assert_eq!((said.header("tus-version"), said.header("tus-max-size")), ("1.0.0".into(), "52428800".into()));
    assert_eq!(said.header("tus-extension"), "creation,creation-with-upload,checksum,expiration,termination");
    assert_eq!(said.header("tus-checksum-algorithm"), "sha1,sha256");

    let begun = begin(&lin, id, file.len()).await.expect(201);
    assert_eq!((begun.header("upload-offset"), begun.header("tus-resumable")), ("0".into(), "1.0.0".into()));
    let place = begun.header("location");
    let first = send(&lin, &place, 0, &file[..1_500_000], &[]).await.expect(204);
    assert_eq!(first.header("upload-offset"), "1500000");
    assert!(first.header("upload-expires").ends_with("GMT"));

    let other = world.served_by(waypost::state::State::serving(
        world.state.db.clone(),
        world.state.clock.clone(),
        identity(),
        waypost::state::Beside { files: Some(crate::world::files_in(world.store())), ..Default::default() },
    ));
    let other = other.await;
    let there = other.person(lin.id);
    let stands = tus(&there, Method::HEAD, &place, &[], Vec::new()).await.expect(200);
    assert_eq!((stands.header("upload-offset"), stands.header("upload-length")), ("1500000".into(), "3000000".into()));
    assert!(stands.header("upload-metadata").starts_with("attachmentId "));
    assert_eq!(stands.header("cache-control"), "no-store");

    let wrong = send(&there, &place, 7, &file[7..20], &[]).await.expect(409);
    assert_eq!(wrong.problem().0, "upload_offset");
    assert_eq!(get(&lin, id).await.status, 409, "not yet");
    let last = send(&there, &place, 1_500_000, &file[1_500_000..], &[]).await.expect(204);
    assert_eq!(last.header("upload-offset"), "3000000");
    assert_eq!(get(&lin, id).await.expect(200).bytes, file);
    let over = tus(&lin, Method::HEAD, &place, &[], Vec::new()).await.expect(200);
    assert_eq!(over.header("upload-offset"), "3000000", "whoever missed the answer is told");
    assert_eq!(begin(&lin, id, file.len()).await.expect(409).problem().0, "locked");
    let parts = std::fs::read_dir(world.store().join("uploads")).map_or(0, Iterator::count);
    assert_eq!(parts, 0, "the parts are gone");
}

#[tokio::test]
async fn what_the_protocol_refuses() {
    let world = World::new().await;
    let (lin, bo) = (world.rep("Lin").await, world.rep("Bo").await);
    let stranger = World::new().await;
    let stranger = stranger.admin().await;
    let account = lin.account("Hopton").await;
    let file = pdf(1_000);
    let id = attachment(&lin, account, "document", json!({ "bytes": file.len() })).await;

    let five_gigabytes = begin(&lin, id, 5_000_000_000).await.expect(413);
    assert_eq!(
        (five_gigabytes.problem().0, five_gigabytes.header("tus-max-size")),
        ("too_large".into(), "52428800".into())
    );
    assert_eq!(begin(&lin, id, 999).await.expect(422).problem().0, "file_refused");
    assert_eq!(begin(&bo, id, file.len()).await.expect(404).problem().0, "not_found");
    assert_eq!(begin(&stranger, id, file.len()).await.expect(404).problem().0, "not_found");
    let nobody = reqwest::Client::new().post(format!("{}/v1/uploads", world.url)).header("tus-resumable", "1.0.0");
    assert_eq!(nobody.send().await.expect("an answer").status(), 401);
    let post = async |headers: &[(&str, &str)]| tus(&lin, Method::POST, "/v1/uploads", headers, Vec::new()).await;
    assert!(post(&[("upload-length", "5")]).await.expect(400).problem().1.contains("Upload-Metadata"));
    assert!(
        post(&[("upload-length", "5"), ("upload-metadata", "attachmentId !")])
            .await
            .expect(400)
            .problem()
            .1
            .contains("Base64")
    );
    assert!(post(&[("upload-length", "-5")]).await.expect(400).problem().1.contains("Upload-Length"));
    assert!(post(&[("upload-defer-length", "1")]).await.expect(400).problem().1.contains("Upload-Length"));
    let old = raw(&lin, Method::POST, "/v1/uploads", &[("tus-resumable", "0.2.2")], Vec::new()).await.expect(412);
    assert_eq!((old.problem().0, old.header("tus-version")), ("protocol_version".into(), "1.0.0".into()));
    let get = tus(&lin, Method::GET, "/v1/uploads", &[], Vec::new()).await.expect(405);
    assert_eq!((get.problem().0, get.header("allow")), ("method_not_allowed".into(), "OPTIONS, POST".into()));

    let place = begin(&lin, id, file.len()).await.expect(201).header("location");
    for who in [&bo, &stranger] {
        assert_eq!(tus(who, Method::HEAD, &place, &[], Vec::new()).await.status, 404);
        assert_eq!(send(who, &place, 0, &file, &[]).await.expect(404).problem().0, "not_found");
        assert_eq!(tus(who, Method::DELETE, &place, &[], Vec::new()).await.expect(404).problem().0, "not_found");
    }
    let plain = [("content-type", "application/pdf"), ("upload-offset", "0")];
    assert_eq!(
        tus(&lin, Method::PATCH, &place, &plain, file.clone()).await.expect(415).problem().0,
        "unsupported_media_type"
    );
    let more = [file.as_slice(), b"more"].concat();
    assert_eq!(send(&lin, &place, 0, &more, &[]).await.expect(413).problem().0, "too_large");

    let sum = |bytes: &[u8]| format!("sha256 {}", STANDARD.encode(Sha256::digest(bytes)));
    let wrong = send(&lin, &place, 0, &file[..500], &[("upload-checksum", &sum(b"other"))]).await.expect(460);
    assert_eq!(wrong.problem().0, "checksum_mismatch");
    assert_eq!(tus(&lin, Method::HEAD, &place, &[], Vec::new()).await.expect(200).header("upload-offset"), "0");
    assert!(
        send(&lin, &place, 0, &file[..500], &[("upload-checksum", "md5 xx")])
            .await
            .expect(400)
            .problem()
            .1
            .contains("sha1")
    );
    send(&lin, &place, 0, &file[..500], &[("upload-checksum", &sum(&file[..500]))]).await.expect(204);

    // A method by another name, for proxies that know no PATCH.
    let headers = [
        ("x-http-method-override", "PATCH"),
        ("content-type", "application/offset+octet-stream"),
        ("upload-offset", "500"),
    ];
    tus(&lin, Method::POST, &place, &headers, file[500..700].to_vec()).await.expect(204);
    tus(&lin, Method::DELETE, &place, &[], Vec::new()).await.expect(204);
    assert_eq!(send(&lin, &place, 700, &file[700..], &[]).await.expect(404).problem().0, "not_found");
    assert_eq!(std::fs::read_dir(world.store().join("uploads")).map_or(0, Iterator::count), 0);
}

#[tokio::test]
async fn a_file_may_come_with_its_creation_and_is_judged_when_it_is_whole() {
    let world = World::new().await;
    let lin = world.rep("Lin").await;
    let account = lin.account("Hopton").await;
    let file = pdf(2_000);
    let name = |id: uuid::Uuid| format!("filename YQ==,attachmentId {}", STANDARD.encode(id.to_string()));
    let create = async |id: uuid::Uuid| {
        let headers = [
            ("upload-length", "2000"),
            ("upload-metadata", &*name(id)),
            ("content-type", "application/offset+octet-stream"),
        ];
        tus(&lin, Method::POST, "/v1/uploads", &headers, file.clone()).await
    };
    let good = attachment(&lin, account, "document", json!({})).await;
    assert_eq!(create(good).await.expect(201).header("upload-offset"), "2000");
    assert_eq!(get(&lin, good).await.expect(200).bytes, file);
    let bad = attachment(&lin, account, "photo", json!({})).await;
    let refused = create(bad).await.expect(422);
    assert_eq!(refused.problem().0, "file_refused");
    let record = lin.get(&format!("/v1/attachments/{bad}")).await.expect(200);
    assert_eq!((record.text("/state"), record.text("/reason")), ("refused".into(), "wrong_type".into()));
}

/// Bytes of a part.
const KEPT: usize = 1024 * 1024;

/// A request that hangs: the beginning comes, of which a part is kept; the rest waits for what is said.
async fn hang(who: &Person, place: &str, beginning: &[u8]) -> (Sender<Vec<u8>>, JoinHandle<reqwest::Result<Response>>) {
    let (say, mut hear) = tokio::sync::mpsc::channel::<Vec<u8>>(1);
    let body = futures_util::stream::poll_fn(move |context| hear.poll_recv(context)).map(Ok::<_, std::io::Error>);
    let hanging = who.request(Method::PATCH, place).await.header("tus-resumable", "1.0.0");
    let hanging = hanging.header("content-type", "application/offset+octet-stream").header("upload-offset", "0");
    let hanging = tokio::spawn(hanging.body(reqwest::Body::wrap_stream(body)).send());
    say.send(beginning.to_vec()).await.expect("it listens");
    for _ in 0..200 {
        let offset = tus(who, Method::HEAD, place, &[], Vec::new()).await.expect(200).header("upload-offset");
        if offset == KEPT.to_string() {
            return (say, hanging);
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("a part is kept as soon as it is there");
}

#[tokio::test]
async fn an_upload_that_hangs_holds_up_no_sync() {
    let world = World::new().await;
    let mut phone = Phone::new(&world, world.rep("Lin").await);
    let account = phone.account("Hopton").await;
    let file = pdf(2_000_000);
    let id = attachment(&phone.person, account, "document", json!({})).await;
    let place = begin(&phone.person, id, file.len()).await.expect(201).header("location");
    let (say, hanging) = hang(&phone.person, &place, &file[..1_100_000]).await;
    let other = phone.account("Acme").await;
    phone.pull(100).await;
    assert!(phone.holds("account", other) && phone.holds("attachment", id));
    assert!(!hanging.is_finished());
    say.send(file[1_100_000..].to_vec()).await.expect("it listens");
    drop(say);
    assert_eq!(hanging.await.expect("ends").expect("an answer").status(), 204);
    assert_eq!(get(&phone.person, id).await.expect(200).bytes, file);
}

#[tokio::test]
async fn of_two_requests_the_last_goes_on() {
    let world = World::new().await;
    let lin = world.rep("Lin").await;
    let account = lin.account("Hopton").await;
    let file = pdf(4_000_000);
    let id = attachment(&lin, account, "document", json!({})).await;
    let place = begin(&lin, id, file.len()).await.expect(201).header("location");
    let (say, hanging) = hang(&lin, &place, &file[..1_100_000]).await;
    send(&lin, &place, KEPT, &file[KEPT..], &[]).await.expect(204);
    let _ = say.send(file[1_100_000..3_000_000].to_vec()).await;
    drop(say);
    let late = hanging.await.expect("ends").expect("an answer");
    assert_eq!(late.status(), 409, "another went on with it");
    assert_eq!(get(&lin, id).await.expect(200).bytes, file);
}

#[tokio::test]
async fn nobody_goes_on_and_the_record_says_so() {
    // What is due is done for every tenant of a database.
    let world = own_world().await;
    let lin = world.rep("Lin").await;
    let account = lin.account("Hopton").await;
    let file = pdf(1_000);
    let id = attachment(&lin, account, "document", json!({})).await;
    let place = begin(&lin, id, file.len()).await.expect(201).header("location");
    send(&lin, &place, 0, &file[..300], &[]).await.expect(204);
    world.wait(TimeDelta::days(8));
    assert_eq!(tus(&lin, Method::HEAD, &place, &[], Vec::new()).await.status, 410);
    assert_eq!(send(&lin, &place, 300, &file[300..], &[]).await.expect(410).problem().0, "upload_gone");
    due::run(&world.state).await.expect("runs");
    due::run(&world.state).await.expect("runs twice");
    let record = lin.get(&format!("/v1/attachments/{id}")).await.expect(200);
    assert_eq!((record.text("/state"), record.text("/reason")), ("pending".into(), "expired".into()));
    assert!(record.text("/detail").contains("at 300 of 1000 bytes"), "{:#}", record.body);
    let place = begin(&lin, id, file.len()).await.expect(201).header("location");
    send(&lin, &place, 0, &file, &[]).await.expect(204);
    let record = lin.get(&format!("/v1/attachments/{id}")).await.expect(200);
    assert_eq!((record.text("/state"), record.body["reason"].is_null()), ("ready".into(), true));

    // A deleted attachment's file goes when nobody can have a tombstone of it any more.
    let kept = || world.store().join(world.tenant_id.to_string()).join(id.to_string()).exists();
    lin.delete(&format!("/v1/attachments/{id}")).await.expect(204);
    due::run(&world.state).await.expect("runs");
    assert!(kept());
    world.wait(TimeDelta::days(91));
    due::run(&world.state).await.expect("runs");
    assert!(!kept());
}
