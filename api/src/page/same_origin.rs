//! Whether a post was sent by a page of ours. The session cookie is `SameSite=Strict` already; this holds where a browser
//! is old, a subdomain is not ours, or the cookie is about to be set by a log-in that somebody else made up.

use poem::http::{HeaderMap, Uri, header};

pub fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("sec-fetch-site") {
        Some(site) => site == "same-origin",
        // Before browsers said so: the origin is the host that was asked.
        None => {
            let origin = text(header::ORIGIN.as_str()).and_then(|origin| origin.parse::<Uri>().ok());
            match (origin.as_ref().and_then(|origin| origin.authority()), text(header::HOST.as_str())) {
                (Some(origin), Some(host)) => origin.as_str().eq_ignore_ascii_case(host),
                _ => false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::http::HeaderValue;

    #[test]
    fn only_a_page_of_ours_posts() {
        let host = ("host", "crm.example:8080");
        for (given, same) in [
            (vec![("sec-fetch-site", "same-origin"), host], true),
            (vec![("sec-fetch-site", "same-site"), host], false),
            (vec![("sec-fetch-site", "cross-site"), ("origin", "http://crm.example:8080"), host], false),
            (vec![("sec-fetch-site", "none"), host], false),
            (vec![("origin", "http://crm.example:8080"), host], true),
            (vec![("origin", "http://crm.example"), host], false),
            (vec![("origin", "https://evil.example"), host], false),
            (vec![("origin", "null"), host], false),
            (vec![host], false),
            (vec![], false),
        ] {
            let headers: HeaderMap = given
                .iter()
                .map(|(name, value)| (name.parse().expect("a name"), HeaderValue::from_static(value)))
                .collect();
            assert_eq!(is_same_origin(&headers), same, "{given:?}");
        }
    }
}
