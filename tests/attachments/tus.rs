//! A client of the tus protocol that others wrote: tus-js-client, in Node.

use serde_json::json;
use uuid::Uuid;

use super::{attachment, get, pdf};
use crate::tools::Npm;
use crate::world::{Person, World};

/// What the program is told, for a file in this directory.
pub fn told(url: &str, token: &str, id: Uuid, file: &std::path::Path) -> Vec<(&'static str, String)> {
    vec![
        ("WAYPOST_URL", url.to_owned()),
        ("WAYPOST_TOKEN", token.to_owned()),
        ("ATTACHMENT", id.to_string()),
        ("FILE", file.to_str().expect("UTF-8").to_owned()),
    ]
}

async fn run(npm: &Npm, who: &Person, world: &World, id: Uuid, file: &std::path::Path, stop_at: usize) -> String {
    let mut variables = told(&world.url, &who.token().await, id, file);
    if stop_at > 0 {
        variables.push(("STOP_AT", stop_at.to_string()));
    }
    npm.node("upload.mjs", &variables).await
}

#[tokio::test]
async fn a_client_that_others_wrote_stops_and_goes_on() {
    let Some(npm) = Npm::install("tests/tus").await else { return };
    let world = World::new().await;
    let lin = world.rep("Lin").await;
    let account = lin.account("Hopton").await;
    let bytes = pdf(11_000_000);
    let folder = tempfile::TempDir::new().expect("a folder");
    let file = folder.path().join("contract.pdf");
    std::fs::write(&file, &bytes).expect("written");
    let id = attachment(&lin, account, "document", json!({ "bytes": bytes.len() })).await;

    let first = run(&npm, &lin, &world, id, &file, 4_000_000).await;
    assert_eq!(first.lines().collect::<Vec<_>>(), ["2097152", "4194304"]);
    let second = run(&npm, &lin, &world, id, &file, 0).await;
    assert_eq!(second.lines().collect::<Vec<_>>(), ["6291456", "8388608", "10485760", "11000000", "done"]);
    assert_eq!(get(&lin, id).await.expect(200).bytes, bytes);

    let photo = attachment(&lin, account, "photo", json!({})).await;
    let other = folder.path().join("photo.jpg");
    std::fs::write(&other, pdf(1_000)).expect("written");
    let refused = run(&npm, &lin, &world, photo, &other, 0).await;
    assert!(refused.contains("refused 422") && refused.contains("A photo is JPEG"), "{refused}");
}
