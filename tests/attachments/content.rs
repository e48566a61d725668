//! The file: what is taken and what is not, and how it is got back.

use reqwest::Method;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::picture::png;
use super::{attachment, get, pdf, put, put_form, raw};
use crate::world::World;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_file_that_cannot_be_taken_is_refused_with_the_reason_and_another_may_come() {
    let world = World::new().await;
    let lin = world.rep("Lin").await;
    let account = lin.account("Hopton").await;
    let good = png(20, 10);
    let sum = hex(&Sha256::digest(&good));
    let contract = pdf(9_000);
    let document = |file: &[u8], detail| (json!({ "kind": "document" }), file.to_vec(), "damaged", detail);
    let cases = [
        document(&contract[..8_000], "application/pdf, and its end is missing. Send the whole file again"),
        document(b"", "The file is empty"),
        (json!({}), Vec::new(), "damaged", "The file is empty"),
        (json!({}), b"<html><script>alert(1)</script>".to_vec(), "wrong_type", "A photo is JPEG"),
        (json!({}), pdf(100), "wrong_type", "application/pdf"),
        (json!({}), good[..good.len() / 2].to_vec(), "damaged", "damaged or not complete"),
        (json!({ "bytes": good.len() }), good[..good.len() - 1].to_vec(), "wrong_size", "Send the whole file again"),
        (json!({ "sha256": sum }), png(21, 10), "wrong_checksum", "another SHA-256"),
    ];
    for (told, file, reason, detail) in cases {
        let id = attachment(&lin, account, "photo", told).await;
        let refused = put(&lin, id, &file).await.expect(422);
        assert_eq!(refused.problem().0, "file_refused");
        assert!(refused.text("/detail").contains(detail), "{:#}", refused.body);
        let record = lin.get(&format!("/v1/attachments/{id}")).await.expect(200);
        assert_eq!((record.text("/state"), record.text("/reason")), ("refused".into(), reason.into()));
        assert_eq!(record.text("/detail"), refused.text("/detail"));
        assert_eq!(get(&lin, id).await.status, 409);
        let taken = put(&lin, id, &good).await.expect(200);
        assert_eq!((taken.text("/state"), taken.text("/sha256")), ("ready".into(), sum.clone()));
        assert!(taken.body["reason"].is_null() && taken.body["detail"].is_null(), "{:#}", taken.body);
    }
}

#[tokio::test]
async fn a_form_must_hold_a_file_and_a_file_must_not_be_too_long() {
    let world = World::new().await;
    let lin = world.rep("Lin").await;
    let account = lin.account("Hopton").await;
    let id = attachment(&lin, account, "photo", json!({})).await;
    let (slug, told) = put_form(&lin, id, "other", b"x").await.expect(400).problem();
    assert!(slug == "malformed" && told.contains("file (required)"), "{told}");
    let path = format!("/v1/attachments/{id}/content");
    let json_type = [("content-type", "application/json")];
    let (slug, told) = raw(&lin, Method::PUT, &path, &json_type, b"{}".to_vec()).await.expect(415).problem();
    assert!(slug == "unsupported_media_type" && told.contains("multipart/form-data"), "{told}");
    let form = [("content-type", "multipart/form-data; boundary=frontier")];
    let cut = b"--frontier\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nhalf".to_vec();
    assert_eq!(raw(&lin, Method::PUT, &path, &form, cut).await.expect(400).problem().0, "malformed");
    let long = vec![0; 50 * 1024 * 1024 + 1];
    assert_eq!(put_form(&lin, id, "file", &long).await.expect(413).problem().0, "too_large");
    assert_eq!(lin.get(&format!("/v1/attachments/{id}")).await.expect(200).text("/state"), "pending");
}

#[tokio::test]
async fn a_file_is_got_whole_in_parts_and_not_again() {
    let world = World::new().await;
    let lin = world.rep("Lin").await;
    let account = lin.account("Hopton").await;
    let file = pdf(100_000);
    let id = attachment(&lin, account, "document", json!({ "fileName": "x\"; filename=\"evil.html" })).await;
    put(&lin, id, &file).await.expect(200);
    let whole = get(&lin, id).await.expect(200);
    assert_eq!(whole.bytes, file);
    assert_eq!(whole.header("content-type"), "application/pdf");
    assert_eq!(whole.header("x-content-type-options"), "nosniff");
    assert_eq!(whole.header("content-length"), "100000");
    let disposition = whole.header("content-disposition");
    assert!(disposition.starts_with("attachment; filename=\"x__ filename__evil.html\";"), "{disposition}");
    let etag = whole.header("etag");
    assert_eq!(etag, format!("\"{}\"", hex(&Sha256::digest(&file))));

    let path = format!("/v1/attachments/{id}/content");
    let ask = async |name: &str, value: &str| raw(&lin, Method::GET, &path, &[(name, value)], Vec::new()).await;
    assert_eq!(ask("if-none-match", &etag).await.expect(304).bytes, b"");
    let part = ask("range", "bytes=99990-").await.expect(206);
    assert_eq!(
        (part.bytes.as_slice(), part.header("content-range").as_str()),
        (&file[99_990..], "bytes 99990-99999/100000")
    );
    assert_eq!(ask("range", "bytes=0-4").await.expect(206).bytes, b"%PDF-");
    assert_eq!(ask("range", "bytes=100000-").await.expect(416).problem().0, "range_outside");
    assert_eq!(raw(&lin, Method::HEAD, &path, &[], Vec::new()).await.expect(200).header("content-length"), "100000");
    let small = raw(&lin, Method::GET, &format!("/v1/attachments/{id}/thumbnail"), &[], Vec::new()).await;
    assert_eq!(small.expect(404).problem().0, "not_found");
}
