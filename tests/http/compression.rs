//! Which answers are compressed, with what, and what caches are told.

use super::{LONG, server};
use reqwest::Client;

#[tokio::test]
async fn the_coding_follows_from_what_the_client_accepts() {
    let url = server().await;
    let raw = Client::builder().no_gzip().no_zstd().build().expect("a client");
    for (path, accept, coding, varies) in [
        ("/v1/long", Some("zstd"), Some("zstd"), true),
        ("/v1/long", Some("gzip"), Some("gzip"), true),
        ("/v1/long", Some("gzip, deflate, br, zstd"), Some("zstd"), true),
        ("/v1/long", Some("zstd;q=0.5, gzip"), Some("gzip"), true),
        ("/v1/long", Some("zstd;q=0, gzip;q=0"), None, true),
        ("/v1/long", Some("identity"), None, true),
        ("/v1/long", None, None, true),
        ("/v1/things", Some("gzip"), None, true),
        ("/nowhere", Some("gzip"), None, true),
        ("/events", Some("gzip, zstd"), None, false),
    ] {
        let mut request = raw.get(format!("{url}{path}"));
        if let Some(accept) = accept {
            request = request.header("accept-encoding", accept);
        }
        let response = request.send().await.expect("an answer");
        let header = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok());
        assert_eq!(header("content-encoding"), coding, "{path} {accept:?}");
        assert_eq!(header("vary"), varies.then_some("accept-encoding"), "{path} {accept:?}");
        assert_eq!(header("content-length").is_some(), coding.is_none() && varies, "{path} {accept:?}");
        if path == "/v1/long" {
            let bytes = response.bytes().await.expect("a body");
            assert_eq!(bytes == LONG.as_bytes(), coding.is_none(), "{accept:?}");
            assert_eq!(bytes.len() < LONG.len() / 2, coding.is_some(), "{accept:?}");
        }
    }
}

#[tokio::test]
async fn what_is_compressed_can_be_read_again() {
    let url = server().await;
    for (client, name) in [(Client::builder().no_zstd(), "gzip"), (Client::builder().no_gzip(), "zstd")] {
        let client = client.build().expect("a client");
        let response = client.get(format!("{url}/v1/long")).send().await.expect("an answer");
        assert_eq!(response.text().await.expect("a body"), LONG, "{name}");
    }
}
