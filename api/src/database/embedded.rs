//! A private Postgres below a data directory: made, started, recovered and stopped by us, reached through a socket that
//! nobody else can open. Where its programs come from is `install.rs`; as whom and how they run is `spawn.rs`.
//!
//! ```text
//! <directory>/lock            held while an instance of ours uses the directory
//! <directory>/data/           the cluster; `data.new` while it is being made
//! <directory>/postgres/       the programs, where they had to be fetched
//! <directory>/postgres.log    what Postgres says
//! ```

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read, Seek, SeekFrom},
    os::unix::{
        fs::{DirBuilderExt, OpenOptionsExt},
        net::UnixStream,
    },
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::{
    install::{self, Programs, Search},
    socket::{SOCKET, prepare_socket_directory, socket_directory},
    spawn::{Identity, Kept},
    start_error::{StartError, at},
};

/// The cluster's one role, its superuser. The socket's directory is its password.
const ROLE: &str = "waypost";
/// How long a predecessor may take to let go of the data directory.
const PREDECESSOR: Duration = Duration::from_secs(15);
/// How long Postgres may take to be ready, recovery after a crash included, and to stop.
const READY: Duration = Duration::from_secs(300);
const STOPPED: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(5);
/// The log starts afresh, keeping one predecessor, when a start finds it larger than this many bytes.
const LOG_LIMIT: u64 = 16 << 20;

/// What to start, and where.
#[derive(Clone, Debug)]
pub struct Options {
    /// Holds everything; made when missing. One instance at a time.
    pub directory: PathBuf,
    /// `true`: what was committed survives a power cut. `false`: fast, for data that may be lost.
    pub durable: bool,
    /// Further settings of Postgres by name and value; they win over ours.
    pub settings: Vec<(String, String)>,
    /// The connections that Postgres admits.
    pub max_connections: u32,
    /// Where to look for the programs.
    pub search: Search,
}

/// A running Postgres. Dropping it stops Postgres; so does, on Linux, any death of this process.
#[derive(Debug)]
pub struct Cluster {
    server: Option<Kept>,
    pid: Pid,
    major: u32,
    socket: PathBuf,
    _lock: File,
}

impl Cluster {
    /// Starts Postgres on the directory, making the cluster when there is none, and waits until it takes connections.
    /// Blocks, for about a second the first time (longer if Postgres has to be fetched), and 0.1 s later.
    pub fn start(options: &Options) -> Result<Cluster, StartError> {
        let root = &options.directory;
        fs::create_dir_all(root).map_err(at(root))?;
        let root = fs::canonicalize(root).map_err(at(root))?;
        let lock = lock(&root)?;
        let data = root.join("data");
        let made_by = match fs::read_to_string(data.join("PG_VERSION")) {
            Ok(version) => Some(version.trim().parse().map_err(|_| StartError::Failed {
                what: "reading PG_VERSION",
                said: format!("{} is not a PostgreSQL data directory", data.display()),
            })?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(at(&data)(error)),
        };
        let programs = install::locate(&options.search, made_by, &root)?;
        let identity = Identity::choose(&[&data, &programs.directory.join("postgres")]);
        let socket = socket_directory(&root)?;
        end_orphan(&data, &socket);
        prepare_socket_directory(&socket, identity)?;
        if made_by.is_none() {
            make_cluster(options, &programs, identity, &root, &data)?;
        }
        identity.own(&data).map_err(at(&data))?;
        let patience = Instant::now() + PREDECESSOR;
        let server = loop {
            match launch(options, &programs, identity, &root, &socket) {
                Err(StartError::Failed { said, .. }) if still_held(&said) && Instant::now() < patience => {
                    thread::sleep(Duration::from_millis(200));
                }
                // Nobody is left to listen there.
                launched => break launched.inspect_err(|_| drop(fs::remove_dir_all(&socket)))?,
            }
        };
        Ok(Cluster { pid: server.pid, server: Some(server), major: programs.major, socket, _lock: lock })
    }

    /// The URL of one of its databases. `postgres` always exists. Every field is given, because the driver fills gaps
    /// from `PG*` variables.
    pub fn url(&self, database: &str) -> String {
        url(&self.socket, database)
    }

    /// The URL of a database of the Postgres that another process runs on the directory; `None` if none answers there,
    /// or its socket is not ours to use.
    pub fn url_of_running(directory: &Path, database: &str) -> Option<String> {
        let socket = socket_directory(&fs::canonicalize(directory).ok()?).ok()?;
        UnixStream::connect(socket.join(SOCKET)).is_ok().then(|| url(&socket, database))
    }

    /// The number of Postgres' first process.
    pub fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Its major version, for example 18.
    pub fn major(&self) -> u32 {
        self.major
    }

    /// Whether Postgres has ended, by itself or by somebody's hand.
    pub fn has_ended(&self) -> bool {
        self.server.as_ref().is_none_or(Kept::has_ended)
    }

    /// Stops Postgres if it still runs, and tells how it ended.
    pub fn end(mut self) -> String {
        self.stop_server().unwrap_or_else(|| "unknown".to_owned())
    }

    /// Where the socket lies; nothing else does.
    pub(super) fn socket_directory(&self) -> &Path {
        &self.socket
    }

    /// Ends connections, writes everything out and stops Postgres. Blocks until it is gone.
    pub fn stop(self) {}

    /// Once; how it ended, in words.
    fn stop_server(&mut self) -> Option<String> {
        let server = self.server.take()?;
        // INT is the fast shutdown; QUIT leaves recovery to the next start; both keep what was committed.
        for signal in [Signal::INT, Signal::QUIT, Signal::KILL] {
            if server.has_ended() {
                break;
            }
            let _ = kill_process(self.pid, signal);
            let patience = Instant::now() + STOPPED;
            while !server.has_ended() && Instant::now() < patience {
                thread::sleep(POLL);
            }
        }
        let status = server.wait();
        let _ = fs::remove_dir_all(&self.socket);
        Some(status.map_or_else(|error| error.to_string(), |status| status.to_string()))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop_server();
    }
}

fn url(socket: &Path, database: &str) -> String {
    format!(
        "postgres://{ROLE}@localhost:5432/{}?host={}&sslmode=disable&application_name=waypost",
        percent_encoded(database),
        percent_encoded(&socket.to_string_lossy()),
    )
}

fn lock(root: &Path) -> Result<File, StartError> {
    let path = root.join("lock");
    let file = File::create(&path).map_err(at(&path))?;
    // A program that this process is just starting holds a copy of a lock that was let go for the blink of an eye.
    for _ in 0..20 {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(50)),
            Err(TryLockError::Error(error)) => return Err(at(&path)(error)),
        }
    }
    Err(StartError::InUse(root.to_owned()))
}

/// What Postgres tells about itself.
fn postmaster_file(data: &Path) -> Option<String> {
    fs::read_to_string(data.join("postmaster.pid")).ok()
}

/// Its number, and whether it takes connections: line 8 says `ready` then.
fn postmaster(content: &str) -> Option<(Pid, bool)> {
    let pid = Pid::from_raw(content.lines().next()?.trim().parse().ok()?)?;
    Some((pid, content.lines().nth(7).is_some_and(|status| status.trim() == "ready")))
}

/// A Postgres that outlived an instance of ours, on a system where it cannot be told to die with it. It is replaced,
/// not taken over: it may run with other settings. That it answers at our socket proves that the number is its own.
fn end_orphan(data: &Path, socket: &Path) {
    if let Some((pid, true)) = postmaster_file(data).as_deref().and_then(postmaster)
        && UnixStream::connect(socket.join(SOCKET)).is_ok()
    {
        tracing::info!("Stopping the PostgreSQL that an earlier run left behind …");
        let _ = kill_process(pid, Signal::INT);
        let patience = Instant::now() + STOPPED;
        while test_kill_process(pid).is_ok() && Instant::now() < patience {
            thread::sleep(POLL);
        }
    }
}

/// Postgres' words when the one before has not quite ended. They are English, because we set its language.
fn still_held(said: &str) -> bool {
    said.contains("postmaster.pid\" already exists") || said.contains("pre-existing shared memory block")
}

fn make_cluster(
    options: &Options,
    programs: &Programs,
    identity: Identity,
    root: &Path,
    data: &Path,
) -> Result<(), StartError> {
    tracing::info!("Making a PostgreSQL {} cluster in {} …", programs.major, root.display());
    // Named `data` only when it is whole: an initdb that was killed leaves nothing that looks like a cluster.
    let unfinished = root.join("data.new");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(at(&unfinished))?;
    }
    fs::DirBuilder::new().mode(0o700).create(&unfinished).map_err(at(&unfinished))?;
    identity.own(&unfinished).map_err(at(&unfinished))?;
    let mut initdb = identity.command(&programs.directory.join("initdb"));
    initdb.arg("--pgdata").arg(&unfinished).args(["--username", ROLE, "--auth=trust", "--encoding=UTF8"]);
    initdb.arg("--no-instructions");
    // Sorted by code point, yet letters of every script are letters (pg_trgm needs that).
    if cfg!(target_os = "macos") {
        initdb.args(["--locale=C", "--lc-ctype=UTF-8"]);
    } else {
        initdb.arg("--locale=C.UTF-8");
        if programs.major >= 17 {
            initdb.arg("--locale-provider=builtin");
        }
    }
    if programs.major < 18 {
        initdb.arg("--data-checksums"); // the default from 18 on
    }
    if !options.durable {
        initdb.arg("--no-sync");
    }
    let output = initdb.output().map_err(|error| not_run("initdb", identity, &error))?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        return Err(StartError::Failed { what: "initdb", said: String::from_utf8_lossy(&said).into_owned() });
    }
    fs::rename(&unfinished, data).map_err(at(data))?;
    File::open(root).and_then(|directory| directory.sync_all()).map_err(at(root))
}

fn launch(
    options: &Options,
    programs: &Programs,
    identity: Identity,
    root: &Path,
    socket: &Path,
) -> Result<Kept, StartError> {
    let data = root.join("data");
    let (log, log_path, said_before) = open_log(root)?;
    let mut postgres = identity.command(&programs.directory.join("postgres"));
    postgres.arg("-D").arg(&data);
    let mut set = |name: &str, value: &str| {
        postgres.arg("-c").arg(format!("{name}={value}"));
    };
    set("listen_addresses", "");
    set("port", "5432");
    // A list: quoted, so that a comma in the path does not divide it.
    set("unix_socket_directories", &format!("\"{}\"", socket.to_string_lossy().replace('"', "\"\"")));
    set("unix_socket_permissions", "0700");
    set("max_connections", &options.max_connections.to_string());
    set("timezone", "UTC");
    set("log_timezone", "UTC");
    set("log_min_messages", "warning");
    // Terse: DETAIL quotes whole rows, and people's notes do not belong in a log.
    set("log_error_verbosity", "terse");
    if !options.durable {
        for name in ["fsync", "synchronous_commit", "full_page_writes"] {
            set(name, "off");
        }
        set("wal_level", "minimal");
        set("max_wal_senders", "0");
    }
    for (name, value) in &options.settings {
        set(name, value);
    }
    let log_too = log.try_clone().map_err(at(&log_path))?;
    postgres.stdout(Stdio::from(log)).stderr(Stdio::from(log_too));
    // One that was killed left its file behind, and in a container the next often gets the same number.
    let left_behind = postmaster_file(&data);
    let is_ready = |server: &Kept| {
        let told = postmaster_file(&data);
        told != left_behind && told.as_deref().and_then(postmaster) == Some((server.pid, true))
    };
    let server = Kept::start(postgres).map_err(|error| not_run("postgres", identity, &error))?;
    let begun = Instant::now();
    let mut told = false;
    while !is_ready(&server) {
        if server.has_ended() {
            let status = server.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
            let said = said_since(&log_path, said_before).unwrap_or_default();
            let said = format!("{status}\n{}\n(the whole log: {})", said.trim_end(), log_path.display());
            return Err(StartError::Failed { what: "starting postgres", said });
        }
        if begun.elapsed() > READY {
            let _ = kill_process(server.pid, Signal::QUIT);
            let _ = server.wait();
            let said = format!("not ready after {} s, see {}", READY.as_secs(), log_path.display());
            return Err(StartError::Failed { what: "starting postgres", said });
        }
        if !told && begun.elapsed() > Duration::from_secs(5) {
            told = true;
            tracing::info!("PostgreSQL is recovering …");
        }
        thread::sleep(POLL);
    }
    Ok(server)
}

/// The log, opened for appending, its path, and how long it was.
fn open_log(root: &Path) -> Result<(File, PathBuf, u64), StartError> {
    let path = root.join("postgres.log");
    let length = || fs::metadata(&path).map_or(0, |log| log.len());
    if length() > LOG_LIMIT {
        fs::rename(&path, root.join("postgres.log.old")).map_err(at(&path))?;
    }
    let log = File::options().create(true).append(true).mode(0o600).open(&path).map_err(at(&path))?;
    let length = length();
    Ok((log, path, length))
}

fn said_since(log: &Path, position: u64) -> io::Result<String> {
    let mut file = File::open(log)?;
    file.seek(SeekFrom::Start(position))?;
    let mut said = Vec::new();
    file.read_to_end(&mut said)?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

fn not_run(what: &'static str, identity: Identity, error: &io::Error) -> StartError {
    let mut said = error.to_string();
    if identity == Identity::Namespace {
        said.push_str(
            ". The data directory, or PostgreSQL, lies below a directory that is closed to other accounts, so PostgreSQL \
             needs a user namespace, and this system seems to forbid that: choose a directory that every account can \
             pass through, or do not run as root",
        );
    }
    StartError::Failed { what, said }
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(byte.into()),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
