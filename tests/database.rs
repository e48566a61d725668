//! The embedded Postgres: for everybody, everywhere, and nothing lost.

mod fetching;
mod other_process;

use std::{
    fs::{self, Permissions},
    io::Write,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
};

use sea_orm::{ConnectionTrait, DatabaseConnection, Statement, TransactionTrait};
use tempfile::TempDir;
use waypost::database::{
    Cluster, Options, Search, StartError, connect, create_database_if_missing,
    scratch::{fresh_database, scratch},
};

/// What `nobody` is called on Linux.
const NOBODY: u32 = 65534;

fn directory(mode: u32) -> TempDir {
    tempfile::Builder::new().prefix("waypost-test-").permissions(Permissions::from_mode(mode)).tempdir().unwrap()
}

fn options(directory: &Path) -> Options {
    Options {
        directory: directory.to_owned(),
        durable: true,
        settings: Vec::new(),
        max_connections: 20,
        search: Search::System,
    }
}

fn start(directory: &Path) -> Cluster {
    Cluster::start(&options(directory)).unwrap_or_else(|error| panic!("{error}"))
}

async fn text(database: &DatabaseConnection, query: &str) -> String {
    let statement = Statement::from_string(database.get_database_backend(), query);
    database.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

/// Connects to a database of the name `kept`, made if it is missing.
async fn kept(cluster: &Cluster) -> DatabaseConnection {
    create_database_if_missing(&cluster.url("postgres"), "kept").await.unwrap();
    connect(&cluster.url("kept"), 2).await.unwrap()
}

async fn works(cluster: &Cluster) {
    let database = kept(cluster).await;
    assert_eq!(text(&database, "SELECT 'yes'::text").await, "yes");
    database.close().await.unwrap();
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Neither running nor stopping. One that nobody has collected yet counts as gone.
fn is_gone(pid: i32) -> bool {
    let status = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output().unwrap();
    let status = String::from_utf8(status.stdout).unwrap();
    status.trim().is_empty() || status.trim().starts_with('Z')
}

#[tokio::test]
async fn a_second_start_finds_what_the_first_stored() {
    let directory = directory(0o755);
    let cluster = start(directory.path());
    let database = kept(&cluster).await;
    database.execute_unprepared("CREATE TABLE note AS SELECT '霍普光通信'::text AS body").await.unwrap();
    database.close().await.unwrap();
    let pid = cluster.pid();
    cluster.stop();
    assert!(is_gone(pid));

    let cluster = start(directory.path());
    let database = kept(&cluster).await;
    assert_eq!(text(&database, "SELECT body FROM note").await, "霍普光通信");
    for setting in ["fsync", "synchronous_commit", "full_page_writes", "data_checksums"] {
        assert_eq!(text(&database, &format!("SHOW {setting}")).await, "on", "{setting}");
    }
    assert_eq!(text(&database, "SHOW listen_addresses").await, "");
    database.execute_unprepared("CREATE EXTENSION pg_trgm").await.unwrap();
    assert_eq!(text(&database, "SELECT cardinality(show_trgm('霍普光通信'))::text").await, "6");
    database.close().await.unwrap();
}

#[tokio::test]
async fn postgres_killed_in_the_middle_of_a_transaction_recovers() {
    let directory = directory(0o755);
    let cluster = start(directory.path());
    let database = kept(&cluster).await;
    database.execute_unprepared("CREATE TABLE visit (number int)").await.unwrap();
    database.execute_unprepared("INSERT INTO visit SELECT generate_series(1, 1000)").await.unwrap();
    let open = database.begin().await.unwrap();
    open.execute_unprepared("INSERT INTO visit SELECT generate_series(1001, 2000)").await.unwrap();
    let pid = rustix::process::Pid::from_raw(cluster.pid()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    // What is left of the connections has nobody to talk to any more.
    drop(open);
    drop(database);
    cluster.stop();

    let cluster = start(directory.path());
    let database = kept(&cluster).await;
    assert_eq!(text(&database, "SELECT count(*)::text FROM visit").await, "1000");
    database.close().await.unwrap();
}

#[test]
fn a_directory_serves_one_instance_at_a_time() {
    let directory = directory(0o755);
    let first = start(directory.path());
    let refused = Cluster::start(&options(directory.path())).unwrap_err();
    assert!(matches!(refused, StartError::InUse(_)), "{refused}");
    assert!(refused.to_string().contains(directory.path().to_str().unwrap()), "{refused}");
    first.stop();
    start(directory.path()).stop();
}

#[tokio::test]
async fn a_directory_may_have_a_long_name_with_spaces() {
    let directory = directory(0o755);
    let long = directory.path().join("Rosa's \"data\", 2026").join("x".repeat(120)).join("销售 data");
    works(&start(&long)).await;
}

#[tokio::test]
async fn root_gives_the_data_to_an_account_that_owns_nothing_else() {
    let directory = directory(0o755);
    let cluster = start(directory.path());
    works(&cluster).await;
    let owner = fs::metadata(directory.path().join("data")).unwrap().uid();
    assert_eq!(owner == rustix::process::geteuid().as_raw(), !is_root());
}

/// Root below a closed directory keeps the data its own, in a user namespace; where a container forbids those, the
/// error says what to do.
#[tokio::test]
async fn a_parent_directory_may_be_closed_to_others() {
    let closed = directory(0o700);
    let directory = closed.path().join("waypost");
    match Cluster::start(&options(&directory)) {
        Ok(cluster) => {
            works(&cluster).await;
            cluster.stop();
            assert_eq!(fs::metadata(directory.join("data")).unwrap().uid(), rustix::process::geteuid().as_raw());
            // Opened later, the same data goes over to the account, and back again.
            fs::set_permissions(closed.path(), Permissions::from_mode(0o755)).unwrap();
            works(&start(&directory)).await;
            fs::set_permissions(closed.path(), Permissions::from_mode(0o700)).unwrap();
            works(&start(&directory)).await;
        }
        Err(refused) => assert!(is_root() && refused.to_string().contains("user namespace"), "{refused}"),
    }
}

/// `sudo` in a home that is closed to others: its owner is the one account that can work there.
#[tokio::test]
async fn root_in_a_closed_home_becomes_its_owner() {
    let home = directory(0o700);
    let owner = if is_root() { NOBODY } else { rustix::process::geteuid().as_raw() };
    chown(home.path(), Some(owner), Some(owner)).unwrap_or_else(|error| assert!(!is_root(), "{error}"));
    let cluster = start(&home.path().join("waypost"));
    works(&cluster).await;
    assert_eq!(fs::metadata(home.path().join("waypost/data")).unwrap().uid(), owner);
}

#[tokio::test]
async fn a_database_is_made_once_whoever_asks() {
    let url = scratch().url("postgres");
    let name = "made \"once\"";
    let made = futures_util::future::join_all((0..4).map(|_| create_database_if_missing(&url, name))).await;
    for result in made {
        result.unwrap();
    }
    let database = connect(&scratch().url(name), 1).await.unwrap();
    assert_eq!(text(&database, "SELECT current_database()::text").await, name);
}

#[tokio::test]
async fn a_template_is_copied_for_each_test_that_wants_it() {
    let template = fresh_database(None).await;
    let database = connect(&template, 1).await.unwrap();
    database.execute_unprepared("CREATE TABLE filled AS SELECT 'before'::text AS moment").await.unwrap();
    let name = text(&database, "SELECT current_database()::text").await;
    database.close().await.unwrap();
    let copies = futures_util::future::join_all((0..3).map(|_| fresh_database(Some(&name)))).await;
    for url in copies {
        let copy = connect(&url, 1).await.unwrap();
        assert_eq!(text(&copy, "SELECT moment FROM filled").await, "before");
    }
}

/// Collects what the product logs.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_database_in_which_chinese_is_not_found_is_warned_of() {
    let administration = connect(&scratch().url("postgres"), 1).await.unwrap();
    // From 17 on the cluster's own provider of locales knows no LC_CTYPE.
    let provider = if scratch().major() >= 17 { "LOCALE_PROVIDER libc" } else { "" };
    let plain = format!("CREATE DATABASE plain_c TEMPLATE template0 LC_CTYPE 'C' LC_COLLATE 'C' {provider}");
    administration.execute_unprepared(&plain).await.unwrap();
    let good = fresh_database(None).await;
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let said = || String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    connect(&good, 1).await.unwrap();
    assert!(!said().contains("LC_CTYPE"), "{}", said());
    connect(&scratch().url("plain_c"), 1).await.unwrap();
    assert!(said().contains("LC_CTYPE of the database is C"), "{}", said());
    drop(guard);
}

#[test]
fn data_of_another_major_version_is_left_alone() {
    let directory = directory(0o755);
    fs::create_dir(directory.path().join("data")).unwrap();
    fs::write(directory.path().join("data/PG_VERSION"), "13\n").unwrap();
    let refused = Cluster::start(&options(directory.path())).unwrap_err().to_string();
    assert!(refused.contains("PostgreSQL 13 (the data directory was made by that version) is needed"), "{refused}");
}
