//! Voice notes: where one was recorded is for who recorded it.

use serde_json::json;

use super::{attachment, begin, get, send};
use crate::world::World;

fn a_box(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    [&(content.len() as u32 + 8).to_be_bytes()[..], name, content].concat()
}

const PLACE: &[u8] = b"+31.2409+121.4906/";

/// As a phone records it: the index at the end, and in it where that was.
fn voice() -> Vec<u8> {
    let place = a_box(b"udta", &a_box(b"\xa9xyz", &[b"\0\x12\x15\xc7", PLACE].concat()));
    let index = a_box(b"moov", &[a_box(b"mvhd", &[0; 100]), place].concat());
    [a_box(b"ftyp", b"M4A \0\0\0\0M4A mp42"), a_box(b"mdat", &[7; 90_000]), index].concat()
}

#[tokio::test]
async fn a_voice_note_comes_whole_and_where_it_was_recorded_stays_with_who_did() {
    let world = World::new().await;
    let (lin, boss) = (world.rep("Lin").await, world.manager("Ma").await);
    let account = lin.account("Hopton").await;
    let file = voice();
    let id = attachment(&lin, account, "voice_note", json!({ "fileName": "note.m4a", "bytes": file.len() })).await;
    let place = begin(&lin, id, file.len()).await.expect(201).header("location");
    send(&lin, &place, 0, &file[..50_000], &[]).await.expect(204);
    send(&lin, &place, 50_000, &file[50_000..], &[]).await.expect(204);
    let record = lin.get(&format!("/v1/attachments/{id}")).await.expect(200);
    assert_eq!((record.text("/state"), record.text("/contentType")), ("ready".into(), "audio/mp4".into()));
    let own = get(&lin, id).await.expect(200);
    assert_eq!((&own.bytes, own.header("content-type")), (&file, "audio/mp4".into()));
    let shared = get(&boss, id).await.expect(200).bytes;
    let tells = |bytes: &[u8]| bytes.windows(PLACE.len()).any(|part| part == PLACE);
    assert!(tells(&file) && !tells(&shared));
    let sound = 90_000 + 32;
    assert_eq!((shared.len(), &shared[..sound]), (file.len(), &file[..sound]), "nothing moves");

    let cut = attachment(&lin, account, "voice_note", json!({ "fileName": "cut.m4a" })).await;
    let short = &file[..file.len() - 20];
    let place = begin(&lin, cut, short.len()).await.expect(201).header("location");
    let (slug, told) = send(&lin, &place, 0, short, &[]).await.expect(422).problem();
    assert!(slug == "file_refused" && told.contains("audio/mp4, and its end is missing"), "{told}");
    let record = lin.get(&format!("/v1/attachments/{cut}")).await.expect(200);
    assert_eq!((record.text("/state"), record.text("/reason")), ("refused".into(), "damaged".into()));
}
