//! Start, stop and sudden death.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    os::unix::fs::MetadataExt,
    process::Command,
    thread,
    time::Duration,
};

use reqwest::StatusCode;
use rustix::process::{Pid, Signal, kill_process};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement, TransactionTrait};
use serde_json::{Value, json};
use waypost::database::{Cluster, connect, scratch::fresh_database};

use super::{Server, directory, done, eventually, is_gone, postgres, program, refused};

const ACME: [&str; 8] = ["tenant", "create", "--slug", "acme", "--name", "Acme", "--time-zone", "Asia/Shanghai"];

#[tokio::test]
async fn a_new_server_answers_and_the_next_start_keeps_everything() {
    let directory = directory();
    let data = directory.path();
    let server = Server::start(data, &[]);
    for path in ["/healthz", "/readyz", "/openapi.json", "/docs", "/.well-known/jwks.json"] {
        let answer = reqwest::get(format!("{}{path}", server.url)).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
    }
    let keys = reqwest::get(format!("{}/.well-known/jwks.json", server.url)).await.unwrap().text().await.unwrap();
    assert_eq!(fs::metadata(data.join("signing-key.pem")).unwrap().mode() & 0o777, 0o600);
    // Beside the running server.
    done(program(ACME).env("WAYPOST_DATA", data));
    let pid = postgres(data);
    server.stop();
    assert!(is_gone(pid));

    let server = Server::start(data, &[]);
    let same = reqwest::get(format!("{}/.well-known/jwks.json", server.url)).await.unwrap().text().await.unwrap();
    assert_eq!(same, keys);
    let told = refused(program(ACME).env("WAYPOST_DATA", data));
    assert!(told.contains("--slug: Another tenant has this slug."), "{told}");
    server.stop();
}

/// A server without its Postgres helps nobody: it ends and says why, so that whoever supervises it starts both again.
#[tokio::test]
async fn a_postgres_that_dies_takes_the_server_with_it() {
    let directory = directory();
    let mut server = Server::start(directory.path(), &[]);
    done(program(ACME).env("WAYPOST_DATA", directory.path()));
    let pid = postgres(directory.path());
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    assert!(!server.end(), "it ends with an error");
    let log = server.log();
    assert!(log.contains("error: PostgreSQL ended (signal: 9") && log.contains("postgres.log"), "{log}");
    let server = Server::start(directory.path(), &[]);
    let told = refused(program(ACME).env("WAYPOST_DATA", directory.path()));
    assert!(told.contains("--slug: Another tenant has this slug."), "{told}");
    server.stop();
}

/// As many clients as there are file descriptors, the database's among them, begin a request and never finish it.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_say_nothing_do_not_keep_the_others_out() {
    const DESCRIPTORS: usize = 192;
    let directory = directory();
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!(r#"ulimit -n {DESCRIPTORS}; exec "$0" "$@""#)]);
    let server = Server::launch(shell, "127.0.0.1:0", directory.path(), &[]);
    let begin = || {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: waypost\r\nX: ").unwrap();
        stream
    };
    let silent: Vec<TcpStream> = (0..DESCRIPTORS - 2).map(|_| begin()).collect();
    // They are sent away after half a minute, those first who came first; and the database is reached all the time.
    let mut stream = begin();
    stream.write_all(b"1\r\nConnection: close\r\n\r\n").unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(150))).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    drop(silent);
    server.stop();
}

/// Waits until somebody waits for a lock on this table.
async fn until_locked_out(database: &DatabaseConnection, table: &str) {
    let sql = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = $1::regclass)";
    let ask = Statement::from_sql_and_values(database.get_database_backend(), sql, [table.into()]);
    while !database.query_one_raw(ask.clone()).await.unwrap().unwrap().try_get_by_index::<bool>(0).unwrap() {
        tokio::task::yield_now().await;
    }
}

/// A request that waits for a lock: the server is told to stop, takes nobody new, and still answers it.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_lets_an_open_request_finish() {
    let directory = directory();
    let mut server = Server::start(directory.path(), &[]);
    let url = Cluster::url_of_running(directory.path(), "waypost").unwrap();
    let database = connect(&url, 2).await.unwrap();
    let lock = database.begin().await.unwrap();
    lock.execute_unprepared("LOCK TABLE seaql_migrations IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let open = tokio::spawn(reqwest::get(format!("{}/readyz", server.url)));
    until_locked_out(&database, "seaql_migrations").await;
    server.signal(Signal::TERM);
    eventually("nobody new is taken", || TcpStream::connect(server.address()).is_err().then_some(()));
    assert!(!open.is_finished());
    lock.rollback().await.unwrap();
    database.close().await.unwrap();
    assert_eq!(open.await.unwrap().unwrap().status(), StatusCode::OK);
    let pid = postgres(directory.path());
    assert!(server.end(), "{}", server.log());
    assert!(is_gone(pid));
}

/// Neither for half a request, nor for one that waits for a lock which is never released.
#[tokio::test]
async fn who_never_finishes_is_not_waited_for_longer_than_the_limit() {
    let directory = directory();
    let mut server = Server::start(directory.path(), &[("WAYPOST_SHUTDOWN_SECONDS", "1")]);
    let mut half = TcpStream::connect(server.address()).unwrap();
    half.write_all(b"GET /healthz HTTP/1.1\r\nHost: w").unwrap();
    let url = Cluster::url_of_running(directory.path(), "waypost").unwrap();
    let database = connect(&url, 2).await.unwrap();
    let lock = database.begin().await.unwrap();
    lock.execute_unprepared("LOCK TABLE tenant, sync_clock, plan IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let body = json!({ "tenant": "acme", "email": "rosa@acme.example", "password": "correct horse" });
    let login = reqwest::Client::new().post(format!("{}/v1/auth/login", server.url)).json(&body).send();
    let login = tokio::spawn(login);
    until_locked_out(&database, "tenant").await;
    let pid = postgres(directory.path());
    server.signal(Signal::TERM);
    assert!(server.end(), "{}", server.log());
    assert!(is_gone(pid));
    assert!(login.await.unwrap().is_err());
    assert!(half.read(&mut [0]).map_or(true, |read| read == 0), "it was answered");
    drop(lock);
}

#[test]
fn the_second_signal_ends_it_at_once() {
    let directory = directory();
    let mut server = Server::start(directory.path(), &[("WAYPOST_SHUTDOWN_SECONDS", "3600")]);
    let pid = postgres(directory.path());
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: w").unwrap();
    server.signal(Signal::INT);
    eventually("it heard the first", || server.log().contains("stopping").then_some(()));
    server.signal(Signal::INT);
    assert!(!server.end());
    eventually("Postgres ends", || is_gone(pid).then_some(()));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_killed_server_leaves_no_postgres_and_loses_nothing() {
    let directory = directory();
    let data = directory.path();
    let mut server = Server::start(data, &[]);
    done(program(ACME).env("WAYPOST_DATA", data));
    let pid = postgres(data);
    server.signal(Signal::KILL);
    assert!(!server.end());
    eventually("Postgres ends", || is_gone(pid).then_some(()));
    let server = Server::start(data, &[]);
    let told = refused(program(ACME).env("WAYPOST_DATA", data));
    assert!(told.contains("Another tenant"), "{told}");
    server.stop();
}

#[test]
fn a_second_server_on_one_directory_or_port_is_told_so() {
    let directory = directory();
    let server = Server::start(directory.path(), &[]);
    let told = refused(program(["serve", "--listen", "127.0.0.1:0"]).env("WAYPOST_DATA", directory.path()));
    assert!(told.contains("in use by another running instance"), "{told}");
    let told = refused(program(["serve", "--listen", server.address()]).env("WAYPOST_DATA", directory.path()));
    assert!(told.contains("WAYPOST_LISTEN") && told.contains("another program listens there"), "{told}");
    server.stop();
}

#[tokio::test]
async fn many_may_migrate_at_once_and_again() {
    let url = fresh_database(None).await;
    let migrations = (0..3).map(|_| {
        let url = url.clone();
        thread::spawn(move || done(program(["migrate"]).env("DATABASE_URL", url)))
    });
    for migration in migrations.collect::<Vec<_>>() {
        assert_eq!(migration.join().unwrap(), "The database is up to date.\n");
    }
    let again = program(["migrate"]).env("DATABASE_URL", &url).output().unwrap();
    assert!(again.status.success() && again.stderr.is_empty(), "{again:?}");

    let database = connect(&url, 1).await.unwrap();
    database.execute_unprepared("INSERT INTO seaql_migrations VALUES ('m9999_of_tomorrow', 0)").await.unwrap();
    let told = refused(program(["migrate"]).env("DATABASE_URL", &url));
    assert!(told.contains("newer version of Waypost (m9999_of_tomorrow"), "{told}");
}

#[tokio::test]
async fn a_log_for_programs_is_json_and_names_the_request() {
    let directory = directory();
    let mut server = Server::start(directory.path(), &[("WAYPOST_LOG_FORMAT", "json")]);
    let request = reqwest::Client::new().get(format!("{}/readyz", server.url)).header("x-request-id", "phone-7");
    request.send().await.unwrap();
    server.signal(Signal::TERM);
    assert!(server.end());
    let log = server.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let line = lines.iter().find(|line| line["request_id"] == "phone-7").unwrap_or_else(|| panic!("{log}"));
    assert_eq!((&line["operation"], &line["status"]), (&"getReadiness".into(), &200.into()));
}

/// A server whose database is not what it needs says so, and lives.
#[tokio::test]
async fn readiness_follows_the_database() {
    let directory = directory();
    let server = Server::start(directory.path(), &[]);
    let database = connect(&Cluster::url_of_running(directory.path(), "waypost").unwrap(), 1).await.unwrap();
    database.execute_unprepared("DELETE FROM seaql_migrations").await.unwrap();
    let answer = reqwest::get(format!("{}/readyz", server.url)).await.unwrap();
    assert_eq!(
        (answer.status(), answer.headers()["content-type"].to_str().unwrap()),
        (StatusCode::SERVICE_UNAVAILABLE, "application/problem+json")
    );
    let problem: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert!(problem["detail"].as_str().unwrap().contains("waypost migrate"), "{problem}");
    let alive = reqwest::get(format!("{}/healthz", server.url)).await.unwrap();
    assert_eq!(alive.status(), StatusCode::OK);
    database.close().await.unwrap();
    server.stop();
}

/// The clock of every tenant is of another epoch, also when one backup is restored twice.
#[tokio::test]
async fn a_restored_database_is_told_to_the_phones() {
    let url = fresh_database(None).await;
    done(program(ACME).env("DATABASE_URL", &url));
    let database = connect(&url, 1).await.unwrap();
    let epoch = async || -> i64 {
        let read = Statement::from_string(database.get_database_backend(), "SELECT epoch FROM sync_clock");
        database.query_one_raw(read).await.unwrap().unwrap().try_get_by_index(0).unwrap()
    };
    let before = epoch().await;
    let told = done(program(["restore-done"]).env("DATABASE_URL", &url));
    assert!(told.contains("1 tenant"), "{told}");
    let first = epoch().await;
    done(program(["restore-done"]).env("DATABASE_URL", &url));
    assert!(before < first && first < epoch().await);
    assert!(first > 1_700_000_000, "an epoch that depends on the backup alone: {first}");
}
