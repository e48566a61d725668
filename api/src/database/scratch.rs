//! One throw-away cluster for a whole process of tests or measurements, fast because nothing in it has to survive.
//! Panics where it cannot go on: its callers could not either. Nothing of the product runs on it.

use std::{
    env,
    fs::{self, File},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use rustix::{
    fs::statvfs,
    process::{Pid, test_kill_process},
};
use uuid::Uuid;

use super::{Cluster, Options, Search, administer, install, quoted, sqlstate};

const PREFIX: &str = "waypost-scratch-";
const MEMORY: &str = "/dev/shm";
/// Free memory, in bytes, from which on the cluster is kept there.
const ENOUGH: u64 = 1 << 30;
/// How long `fresh_database` waits for the last connection to its template to end.
const TEMPLATE: Duration = Duration::from_secs(10);

static CLUSTER: OnceLock<Cluster> = OnceLock::new();

/// The cluster of this process, started at the first call. It ends with the process, and its directory goes then; what
/// a killed process left behind goes at the next start.
pub fn scratch() -> &'static Cluster {
    CLUSTER.get_or_init(|| {
        let parent = parent();
        remove_stale(&parent);
        let directory = parent.join(format!("{PREFIX}{}", process::id()));
        let options = Options {
            directory: directory.clone(),
            durable: false,
            settings: Vec::new(),
            max_connections: 300,
            search: Search::Only(vec![programs()]),
        };
        let cluster = Cluster::start(&options).unwrap_or_else(|error| panic!("{error}"));
        remove_after_us(&directory, &cluster);
        cluster
    })
}

/// Makes a database in the scratch cluster, as a copy of `template` if one is named, and answers its URL. Nobody may be
/// connected to the template; a connection that is just ending is waited for.
pub async fn fresh_database(template: Option<&str>) -> String {
    let cluster = scratch();
    let name = format!("scratch_{}", Uuid::new_v4().simple());
    let mut statement =
        format!("CREATE DATABASE {} TEMPLATE {}", quoted(&name), quoted(template.unwrap_or("template0")));
    if cluster.major() >= 15 {
        // Copies files instead of writing every page to the log: several times as fast. Older ones know no other way.
        statement.push_str(" STRATEGY FILE_COPY");
    }
    let patience = Instant::now() + TEMPLATE;
    loop {
        match administer(&cluster.url("postgres"), &statement).await {
            Ok(()) => return cluster.url(&name),
            // 55006: somebody is connected to the template.
            Err(cause) if sqlstate(&cause).as_deref() == Some("55006") && Instant::now() < patience => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Err(cause) => panic!("{statement}: {cause}"),
        }
    }
}

/// The directory of the running program, which for tests and benches is below `target/`.
fn beside_us() -> PathBuf {
    let program = env::current_exe().expect("a running program has a path");
    program.parent().expect("a program lies in a directory").to_owned()
}

/// Postgres' programs. Where they must be fetched, they are kept for the next process.
fn programs() -> PathBuf {
    let cache = beside_us().join("waypost-postgres");
    fs::create_dir_all(&cache).unwrap_or_else(|error| panic!("{}: {error}", cache.display()));
    // Another process may be fetching them at this moment.
    let lock = File::create(cache.join("lock")).and_then(|lock| lock.lock().map(|()| lock));
    let found = install::locate(&Search::System, None, &cache).unwrap_or_else(|error| panic!("{error}"));
    drop(lock);
    found.directory
}

/// Memory if there is enough, else beside us.
fn parent() -> PathBuf {
    let free = statvfs(MEMORY).map_or(0, |memory| memory.f_bavail.saturating_mul(memory.f_frsize));
    if free >= ENOUGH { MEMORY.into() } else { beside_us() }
}

/// Removes the directories of processes that are gone. The lock guards a live one whose number we cannot see, as in
/// another container that shares the memory.
fn remove_stale(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(owner) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else { continue };
        let Some(owner) = owner.parse().ok().and_then(Pid::from_raw) else { continue };
        let ours = owner.as_raw_nonzero().get().cast_unsigned() == process::id();
        if ours || test_kill_process(owner).is_err() {
            let lock = File::open(entry.path().join("lock"));
            if lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
}

/// Leaves a small shell behind that waits for us to end, and then for Postgres, before it removes the directory: a
/// static is never dropped. Its input is a pipe that closes when this process ends, however it ends.
fn remove_after_us(directory: &Path, cluster: &Cluster) {
    let waiting = Command::new("sh")
        .args([
            "-c",
            // Postgres removes that file last.
            "read -r _; n=0; while [ -e \"$1/data/postmaster.pid\" ] && [ $n -lt 200 ]; do n=$((n+1)); sleep 0.1; done; \
             rm -rf -- \"$1\" \"$2\"",
        ])
        .arg("sh")
        .arg(directory)
        .arg(cluster.socket_directory())
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    // Forgotten, so that the pipe stays open as long as the process lives. Without a shell the next start cleans up.
    if let Ok(mut shell) = waiting {
        std::mem::forget(shell.stdin.take());
    }
}
