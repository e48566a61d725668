//! The server under test as a process of its own, so that its memory can be told from that of the load.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use poem::listener::TcpListener;
use waypost::app::app;
use waypost::auth::Identity;
use waypost::auth::token::Keys;
use waypost::clock::Clock;
use waypost::files::{self, Files, KEPT_DAYS, MOST_BYTES};
use waypost::http::rate::Rate;
use waypost::state::{Beside, State};

use crate::Failure;

pub const ISSUER: &str = "http://bench";
/// Connections of the server's pool.
const POOL: u32 = 16;

/// What `waypost serve` runs, on a database that is there, with files in a directory.
pub async fn serve(url: &str, key: &str, address: SocketAddr, directory: &Path) -> Result<(), Failure> {
    let keys = Keys::read(key, &[])?;
    let db = waypost::database::connect(url, POOL).await?;
    let mut identity = Identity::new(keys, ISSUER, ISSUER, Vec::new());
    // The load is one token each.
    identity.rate = Rate::new(NonZeroU32::MAX);
    let store = files::open(directory.to_str().ok_or("the directory's name is no text")?)?;
    let beside = Beside { files: Some(Files::new(store, MOST_BYTES, KEPT_DAYS)), ..Beside::default() };
    let state = State::serving(db, Clock::system(), identity, beside);
    let jobs = waypost::jobs::start(state.clone());
    poem::Server::new(TcpListener::bind(address)).run(app(state)).await?;
    jobs.abort();
    Ok(())
}

/// A running server; it dies with this value.
pub struct Process {
    child: Child,
    pub address: SocketAddr,
}

impl Process {
    /// Starts this very program as a server and waits until it listens.
    pub async fn start(url: &str, key: &str, files: &Path) -> Result<Self, Failure> {
        let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let child = Command::new(std::env::current_exe()?)
            .args(["server", "--address", &free.to_string(), "--files"])
            .arg(files)
            .env("BENCH_DATABASE_URL", url)
            .env("BENCH_SIGNING_KEY", key)
            .stdin(Stdio::null())
            .spawn()?;
        let process = Process { child, address: free };
        for _ in 0..200 {
            if tokio::net::TcpStream::connect(free).await.is_ok() {
                return Ok(process);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err("the server did not listen within 10 s".into())
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory in mebibytes, where the system tells it.
    pub fn resident_mib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
