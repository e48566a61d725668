//! The binary and its life: what it says, how it starts, and that it ends without leaving anything behind.

mod crash;
mod demo;
mod imports;
mod ledger;
mod life;
#[cfg(target_os = "linux")]
mod memory;
mod people;
mod settings;
mod upload;
mod webhooks;

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_waypost");

fn directory() -> TempDir {
    let open = fs::Permissions::from_mode(0o755);
    tempfile::Builder::new().prefix("waypost-test-").permissions(open).tempdir().unwrap()
}

/// The program with these arguments, and without what the environment of the tests may say.
fn program<I: IntoIterator<Item: AsRef<OsStr>>>(arguments: I) -> Command {
    let mut command = Command::new(PROGRAM);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        // Where Postgres is found on this machine is not for a test to change.
        if text == "DATABASE_URL" || (text.starts_with("WAYPOST_") && !text.starts_with("WAYPOST_POSTGRES_")) {
            command.env_remove(&name);
        }
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

/// What a command said: standard output and standard error.
struct Said {
    success: bool,
    out: String,
    err: String,
}

fn said(output: &Output) -> Said {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Said { success: output.status.success(), out: text(&output.stdout), err: text(&output.stderr) }
}

fn run(command: &mut Command) -> Said {
    said(&command.output().unwrap())
}

/// Runs it and expects success; what it said on standard output.
fn done(command: &mut Command) -> String {
    let said = run(command);
    assert!(said.success, "{}{}", said.out, said.err);
    said.out
}

/// Runs it and expects failure; what it said on standard error.
fn refused(command: &mut Command) -> String {
    let said = run(command);
    assert!(!said.success, "{}{}", said.out, said.err);
    said.err
}

/// Runs it with this on its standard input.
fn fed(command: &mut Command, input: &str) -> Said {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    said(&child.wait_with_output().unwrap())
}

/// A server in a process of its own, with its log in a file.
struct Server {
    process: Child,
    log: PathBuf,
    /// As `http://127.0.0.1:4711`.
    url: String,
    /// Kept open, so that writing to it never fails.
    _out: Option<BufReader<ChildStdout>>,
}

impl Server {
    /// `serve` on a free port with these settings, ready.
    fn start(data: &Path, settings: &[(&str, &str)]) -> Server {
        Server::start_at("127.0.0.1:0", data, settings)
    }

    /// The same on this address.
    fn start_at(address: &str, data: &Path, settings: &[(&str, &str)]) -> Server {
        Server::launch(Command::new("env"), address, data, settings)
    }

    /// The same by a program that replaces itself with the one that its arguments name.
    fn launch(mut by: Command, address: &str, data: &Path, settings: &[(&str, &str)]) -> Server {
        waypost::webhook::reach::encrypt();
        let log = data.join("test.log");
        let plain = program(["serve", "--listen", address]);
        let command = by.arg(plain.get_program()).args(plain.get_args()).stdin(Stdio::null());
        for (name, value) in plain.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.env("WAYPOST_DATA", data).envs(settings.iter().copied()).stderr(fs::File::create(&log).unwrap());
        let mut process = command.spawn().unwrap();
        let url = eventually("the server is ready", || {
            let said = fs::read_to_string(&log).unwrap();
            assert!(process.try_wait().unwrap().is_none(), "it ended:\n{said}");
            let at = said.find("ready at http://")? + "ready at ".len();
            Some(said[at..].split(['"', '\n']).next()?.to_owned())
        });
        Server { process, log, url, _out: None }
    }

    /// `demo`, from its banner.
    fn demo(data: &Path) -> (Server, String) {
        let log = data.join("test.log");
        let mut command = program::<[&str; 0]>([]);
        command.env("WAYPOST_DATA", data).env("WAYPOST_LISTEN", "127.0.0.1:0");
        // Somebody's other project.
        command.env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing");
        let mut process = command.stdout(Stdio::piped()).stderr(fs::File::create(&log).unwrap()).spawn().unwrap();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        let mut banner = String::new();
        while !banner.contains("Ctrl-C") {
            assert!(out.read_line(&mut banner).unwrap() > 0, "{banner}{}", fs::read_to_string(&log).unwrap());
        }
        let at = banner.find("http://").unwrap();
        let url = banner[at..].lines().next().unwrap().trim().to_owned();
        (Server { process, log, url, _out: Some(out) }, banner)
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.process.id().cast_signed()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for its end; whether it was a good one.
    fn end(&mut self) -> bool {
        let (process, log) = (&mut self.process, &self.log);
        let status = eventually("the server ends", || process.try_wait().unwrap());
        assert!(!fs::read_to_string(log).unwrap().contains("panicked"), "{}", fs::read_to_string(log).unwrap());
        status.success()
    }

    fn stop(mut self) {
        self.signal(Signal::TERM);
        assert!(self.end(), "{}", self.log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let patience = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < patience, "not within a minute: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The number of the Postgres that works on this data directory.
fn postgres(data: &Path) -> i32 {
    let told = fs::read_to_string(data.join("data/postmaster.pid")).unwrap();
    told.lines().next().unwrap().trim().parse().unwrap()
}

/// Neither running nor stopping. One that nobody has collected yet counts as gone.
fn is_gone(pid: i32) -> bool {
    let status = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output().unwrap();
    let status = String::from_utf8(status.stdout).unwrap();
    status.trim().is_empty() || status.trim().starts_with('Z')
}
