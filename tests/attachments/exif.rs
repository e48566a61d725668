//! Where a photo was taken, for a reader that others wrote: Pillow, in Python, which also makes the photos.

use serde_json::{Value, json};

use super::picture::photo;
use super::{attachment, get, put};
use crate::tools::Python;
use crate::world::World;

#[tokio::test]
async fn a_reader_that_others_wrote_finds_no_position_in_what_is_shared() {
    let Some(python) = Python::of("tests/exif").await else { return };
    let world = World::new().await;
    let (lin, boss) = (world.rep("Lin").await, world.manager("Ma").await);
    let account = lin.account("Hopton").await;
    let folder = tempfile::TempDir::new().expect("a folder");
    let place = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let run = async |arguments: &[&str]| {
        python.run("tests/exif", "python", &[&["pictures.py"][..], arguments].concat(), &[]).await
    };
    run(&["make", &place("")]).await;
    std::fs::write(place("phone.jpeg"), photo()).expect("written");
    for (name, media_type) in [
        ("photo.jpeg", "image/jpeg"),
        ("photo.png", "image/png"),
        ("photo.webp", "image/webp"),
        ("photo.heic", "image/heic"),
        ("phone.jpeg", "image/jpeg"),
    ] {
        let file = std::fs::read(place(name)).expect("a picture");
        let id = attachment(&lin, account, "photo", json!({})).await;
        assert_eq!(put(&lin, id, &file).await.expect(200).text("/contentType"), media_type);
        for (who, got) in [(&lin, "own"), (&boss, "shared")] {
            std::fs::write(place(got), get(who, id).await.expect(200).bytes).expect("written");
        }
        let told = run(&["tell", &place("own"), &place("shared")]).await;
        let told: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let [own, shared] = told.as_slice() else { panic!("{name}: {told:#?}") };
        assert_eq!(own["position"]["GPSLatitude"], "(31.0, 14.0, 27.18)", "{name}: {own:#}");
        assert_eq!(own["position"]["GPSLongitude"], "(121.0, 28.0, 26.31)", "{name}: {own:#}");
        assert_eq!((&own["upright"], &own["xmp"]), (&json!(6), &json!(true)), "{name}: {own:#}");
        assert_eq!((&shared["position"], &shared["xmp"]), (&json!({}), &json!(false)), "{name}: {shared:#}");
        for same in ["format", "upright", "pixels"] {
            assert_eq!(own[same], shared[same], "{name}");
        }
    }
}
