//! How a program of Postgres is run: under whose account, with which environment, and that it dies with us.
//! The only file of this package that may use `unsafe`, for what has to happen between fork and exec.
//! What is run, and when, is decided in `embedded.rs`.
#![allow(unsafe_code, reason = "`pre_exec` is the only way to act between fork and exec")]

use std::{
    collections::BTreeSet,
    fs, io,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread::{self, JoinHandle},
};

use rustix::process::{Pid, getegid, geteuid};

/// What `nobody` is called where the account file does not say.
const NOBODY: u32 = 65534;

/// Who Postgres runs as. It refuses to run as root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// We are an ordinary user, and so is Postgres.
    Ourselves,
    /// We are root and drop to this account, which then owns the data.
    Account { uid: u32, gid: u32 },
    /// We are root, and a directory on the way is closed to every other account: a user namespace in which root is
    /// called by another number. The data stays root's. Linux alone has it; a container may forbid it.
    Namespace,
}

impl Identity {
    /// Picks the account that can reach all of `paths`.
    pub(super) fn choose(paths: &[&Path]) -> Identity {
        if !geteuid().is_root() {
            return Identity::Ourselves;
        }
        let barred: BTreeSet<(u32, u32)> = paths
            .iter()
            .flat_map(|path| path.ancestors().skip(1))
            .filter_map(|directory| fs::metadata(directory).ok())
            .filter(|directory| directory.mode() & 0o001 == 0)
            .map(|directory| (directory.uid(), directory.gid()))
            .collect();
        match barred.first() {
            None => account(),
            // `sudo` inside somebody's closed home: that somebody can reach it.
            Some(&(uid, gid)) if barred.len() == 1 && uid != 0 => Identity::Account { uid, gid },
            Some(_) => Identity::Namespace,
        }
    }

    /// Makes `path` and everything below it belong to this identity, if it does not yet.
    pub(super) fn own(self, path: &Path) -> io::Result<()> {
        let (uid, gid) = match self {
            Identity::Ourselves => return Ok(()),
            Identity::Account { uid, gid } => (uid, gid),
            Identity::Namespace => (geteuid().as_raw(), getegid().as_raw()),
        };
        if fs::symlink_metadata(path)?.uid() == uid { Ok(()) } else { own_tree(path, uid, gid) }
    }

    /// A command that runs `program` under this identity, without the variables by which a shell configures Postgres.
    pub(super) fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PG")) {
            command.env_remove(name);
        }
        command.env("LC_ALL", "C").env("TZ", "UTC").current_dir("/").stdin(Stdio::null());
        match self {
            Identity::Ourselves => {}
            Identity::Account { uid, gid } => {
                command.uid(uid).gid(gid);
            }
            Identity::Namespace => enter_namespace(&mut command),
        }
        command
    }
}

/// The account that Postgres' own packages make, else the one that owns nothing.
fn account() -> Identity {
    let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let numbers = |wanted: &str| {
        accounts.lines().find_map(|line| {
            let mut fields = line.split(':');
            if fields.next() != Some(wanted) {
                return None;
            }
            // macOS writes `nobody` as -2: the same 32 bits.
            let mut number = || fields.next()?.parse::<i64>().ok().map(|number| number as u32);
            number(); // the password's place
            Some((number()?, number()?))
        })
    };
    let (uid, gid) = numbers("postgres").or_else(|| numbers("nobody")).unwrap_or((NOBODY, NOBODY));
    Identity::Account { uid, gid }
}

fn own_tree(path: &Path, uid: u32, gid: u32) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() {
        for entry in fs::read_dir(path)? {
            own_tree(&entry?.path(), uid, gid)?;
        }
        chown(path, Some(uid), Some(gid))
    } else {
        std::os::unix::fs::lchown(path, Some(uid), Some(gid))
    }
}

#[cfg(target_os = "linux")]
fn enter_namespace(command: &mut Command) {
    use rustix::thread::{UnshareFlags, unshare_unsafe};
    // Any number but 0 will do: it is the name by which Postgres sees root's files and itself.
    let users = format!("1000 {} 1", geteuid().as_raw());
    let groups = format!("1000 {} 1", getegid().as_raw());
    // SAFETY: after fork this is the only thread of the child; it makes system calls only and allocates nothing (the
    // paths are short enough for the standard library to keep them on the stack). NEWUSER touches no descriptor.
    unsafe {
        command.pre_exec(move || {
            unshare_unsafe(UnshareFlags::NEWUSER)?;
            fs::write("/proc/self/setgroups", "deny")?;
            fs::write("/proc/self/uid_map", &users)?;
            fs::write("/proc/self/gid_map", &groups)
        });
    }
}

#[cfg(not(target_os = "linux"))]
fn enter_namespace(command: &mut Command) {
    // SAFETY: returns an error without doing anything else.
    unsafe {
        command.pre_exec(|| Err(io::ErrorKind::Unsupported.into()));
    }
}

/// A child that ends when this process ends, however it ends, and the thread that waits for it.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) pid: Pid,
    keeper: JoinHandle<io::Result<ExitStatus>>,
}

impl Kept {
    /// Starts `command` in a process group of its own (so that Ctrl-C reaches us first) on a thread of its own.
    ///
    /// The kernel sends the death signal when the *thread* that started the child ends, so that thread lives as long
    /// as the child does. Elsewhere than on Linux there is no such signal; the next start ends the orphan.
    pub(super) fn start(mut command: Command) -> io::Result<Kept> {
        command.process_group(0);
        die_with_us(&mut command);
        let (report, started) = mpsc::sync_channel::<io::Result<u32>>(1);
        let keeper = thread::Builder::new().name("postgres-keeper".into()).spawn(move || {
            let spawned = command.spawn();
            let _ = report.send(match &spawned {
                Ok(child) => Ok(child.id()),
                Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
            });
            spawned.and_then(|mut child: Child| child.wait())
        })?;
        let pid = started.recv().map_err(io::Error::other)??;
        let pid = Pid::from_raw(pid.cast_signed()).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Kept { pid, keeper })
    }

    /// Whether the child has ended and was reaped: its number may belong to another process now.
    pub(super) fn has_ended(&self) -> bool {
        self.keeper.is_finished()
    }

    /// Waits for the child to end.
    pub(super) fn wait(self) -> io::Result<ExitStatus> {
        self.keeper.join().unwrap_or_else(|_| Err(io::Error::other("the thread that kept the child panicked")))
    }
}

#[cfg(target_os = "linux")]
fn die_with_us(command: &mut Command) {
    use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};
    let ourselves = getpid();
    // SAFETY: two system calls. It runs after the change of user, which would clear the signal, and asks for the parent
    // afterwards, in case we ended in between. INT is Postgres' fast, clean shutdown.
    unsafe {
        command.pre_exec(move || {
            set_parent_process_death_signal(Some(Signal::INT))?;
            if getppid() == Some(ourselves) { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
        });
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_us(_: &mut Command) {}
