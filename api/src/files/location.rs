//! From what the operator says to a store: a directory, or `s3://bucket/prefix`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;
use object_store::RetryConfig;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;

use crate::webhook::reach::encrypt;

/// Opens the store. The error says what is wrong with the location and what to do; it repeats no secret.
pub fn open(location: &str) -> Result<Arc<dyn ObjectStore>, String> {
    match location.split_once("://") {
        Some(("s3", rest)) => bucket(rest, AmazonS3Builder::from_env()),
        Some(_) => Err("must be a directory, or s3://bucket/prefix".to_owned()),
        None => directory(Path::new(location)),
    }
}

/// The same for a bucket, with credentials that are not the environment's.
pub fn open_as(location: &str, key: &str, secret: &str) -> Result<Arc<dyn ObjectStore>, String> {
    let rest = location.strip_prefix("s3://").ok_or("must be s3://bucket/prefix")?;
    bucket(rest, AmazonS3Builder::new().with_access_key_id(key).with_secret_access_key(secret))
}

fn directory(path: &Path) -> Result<Arc<dyn ObjectStore>, String> {
    let failed = |cause: &dyn std::fmt::Display| {
        format!("{}: {cause}. Name a directory that this user may make and write", path.display())
    };
    std::fs::create_dir_all(path).map_err(|cause| failed(&cause))?;
    let store = LocalFileSystem::new_with_prefix(path).map_err(|cause| failed(&cause))?;
    // What was acknowledged is on disk, also when the power fails.
    Ok(Arc::new(store.with_fsync(true).with_automatic_cleanup(true)))
}

/// `bucket/prefix?region=…&endpoint=…`; who may use it, and what is not said here, comes from the usual variables (AWS_…).
fn bucket(rest: &str, builder: AmazonS3Builder) -> Result<Arc<dyn ObjectStore>, String> {
    encrypt();
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (name, prefix) = place.split_once('/').unwrap_or((place, ""));
    if name.is_empty() {
        return Err("names no bucket: write it as s3://bucket/prefix".to_owned());
    }
    let mut builder = builder.with_bucket_name(name).with_retry(patience());
    let mut endpoint = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query)
        .map_err(|_| "cannot be read after the question mark: write ?region=…&endpoint=…".to_owned())?;
    for (key, value) in pairs {
        match key.as_str() {
            "region" => builder = builder.with_region(value),
            "endpoint" => endpoint = Some(value),
            _ => {
                return Err(
                    "takes region and endpoint after the question mark; everything else is AWS_… variables".to_owned()
                );
            }
        }
    }
    if let Some(endpoint) = endpoint {
        if !["http://", "https://"].iter().any(|scheme| endpoint.starts_with(scheme)) {
            return Err("has an endpoint that does not begin with https:// or http://".to_owned());
        }
        builder = builder.with_allow_http(endpoint.starts_with("http://")).with_endpoint(endpoint);
    }
    let store = builder.build().map_err(|cause| {
        format!(
            "cannot be used: {cause}. AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL say how"
        )
    })?;
    Ok(Arc::new(PrefixStore::new(store, prefix)))
}

/// Somebody waits for the answer; whoever sends a file can go on with it later.
fn patience() -> RetryConfig {
    RetryConfig { max_retries: 3, retry_timeout: Duration::from_secs(15), ..RetryConfig::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_that_cannot_be_used_is_told_with_the_remedy() {
        for (location, told) in [
            ("gs://bucket", "a directory, or s3://bucket/prefix"),
            ("s3://", "names no bucket"),
            ("s3:///prefix", "names no bucket"),
            ("s3://photos?endpoint=minio:9000", "https://"),
            ("s3://photos?secret=x", "region and endpoint"),
            ("/dev/null/files", "/dev/null/files: "),
        ] {
            let problem = open(location).expect_err(location);
            assert!(problem.contains(told), "{location}: {problem}");
        }
        assert!(open("s3://photos/acme?endpoint=http://127.0.0.1:9000&region=us-east-1").is_ok());
    }
}
