//! Tools of other languages, installed once from their lock files and run. Where a language is missing on this machine the
//! test says so and does nothing; with `WAYPOST_TOOLS=required`, as in CI, it fails.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::{Mutex, OnceCell};
use tokio::time::timeout;

/// Installing and generating, on a machine that is busy with other tests.
const LIMIT: Duration = Duration::from_mins(15);

/// One installation of each kind at a time.
static INSTALLING: Mutex<()> = Mutex::const_new(());
static PYTHON: OnceCell<Option<PathBuf>> = OnceCell::const_new();

/// The top of the source tree.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").to_owned()
}

/// An npm package in the source tree with what it depends on.
pub struct Npm(PathBuf);

impl Npm {
    pub async fn install(folder: &str) -> Option<Self> {
        let folder = root().join(folder);
        if !(present("node").await && present("npm").await) {
            return None;
        }
        let _alone = INSTALLING.lock().await;
        let lock = std::fs::read(folder.join("package-lock.json")).expect("a lock file");
        let stamp = folder.join("node_modules/.installed");
        if std::fs::read(&stamp).is_ok_and(|installed| installed == lock) {
            return Some(Npm(folder));
        }
        let mut install = Command::new("npm");
        install.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&folder);
        succeed(install).await;
        std::fs::write(stamp, lock).expect("a stamp");
        Some(Npm(folder))
    }

    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Runs a script of the package.
    pub async fn run(&self, script: &str, arguments: &[&str]) -> String {
        let mut command = Command::new("npm");
        command.args(["run", "--silent", script, "--"]).args(arguments).current_dir(&self.0);
        succeed(command).await
    }

    /// Starts a program of the package that goes on until it is dropped; what it prints is there to be read.
    pub fn start(&self, program: &str, variables: &[(&str, String)]) -> tokio::process::Child {
        let mut command = Command::new("node");
        command.arg(program).current_dir(&self.0).envs(variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        command.spawn().expect("starts")
    }

    /// Runs a program of the package.
    pub async fn node(&self, program: &str, variables: &[(&str, String)]) -> String {
        let mut command = Command::new("node");
        command.arg(program).current_dir(&self.0).envs(variables.iter().map(|(name, value)| (name, value)));
        succeed(command).await
    }
}

/// An environment of Python's with the packages of `openapi/python/requirements.txt`.
pub struct Python(PathBuf);

impl Python {
    pub async fn install() -> Option<Self> {
        let home = PYTHON.get_or_init(async || {
            if !present("python3").await {
                return None;
            }
            Some(made("openapi/python", "python").await)
        });
        home.await.clone().map(Python)
    }

    /// The same for the `requirements.txt` of another folder.
    pub async fn of(folder: &str) -> Option<Self> {
        if !present("python3").await {
            return None;
        }
        Some(Python(made(folder, &folder.replace('/', "-")).await))
    }

    /// Where a program of the environment is.
    pub fn program(&self, name: &str) -> PathBuf {
        self.0.join("bin").join(name)
    }

    /// Starts a script of the source tree that goes on until it is dropped; what it prints is there to be read.
    pub fn start(&self, script: &str) -> tokio::process::Child {
        let mut command = Command::new(self.0.join("bin/python"));
        command.arg(root().join(script)).env("PYTHONDONTWRITEBYTECODE", "1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("starts")
    }

    /// Runs a program of the environment in a folder of the source tree.
    pub async fn run(&self, folder: &str, program: &str, arguments: &[&str], variables: &[(&str, String)]) -> String {
        let programs = self.0.join("bin");
        let mut command = Command::new(programs.join(program));
        command.args(arguments).current_dir(root().join(folder)).env("PYTHONDONTWRITEBYTECODE", "1");
        // Programs that call each other find each other.
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(programs).chain(std::env::split_paths(&paths));
        command.env("PATH", std::env::join_paths(paths).expect("folders"));
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        succeed(command).await
    }
}

/// An environment with the packages that a folder asks for.
async fn made(folder: &str, name: &str) -> PathBuf {
    let _alone = INSTALLING.lock().await;
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let wanted = root().join(folder).join("requirements.txt");
    let lock = std::fs::read(&wanted).expect("requirements");
    let stamp = home.join("installed");
    if !std::fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        let mut make = Command::new("python3");
        make.args(["-m", "venv", "--clear"]).arg(&home);
        succeed(make).await;
        let mut install = Command::new(home.join("bin/pip"));
        install.args(["install", "--quiet", "--no-deps", "--only-binary", ":all:", "-r"]).arg(&wanted);
        succeed(install).await;
        std::fs::write(stamp, lock).expect("a stamp");
    }
    home
}

/// Whether a program is there.
pub async fn present(program: &str) -> bool {
    let there = Command::new(program).arg("--version").output().await.is_ok_and(|output| output.status.success());
    told(program, there)
}

/// Whether a library is there.
pub fn present_file(library: &Path) -> bool {
    told(&library.to_string_lossy(), library.exists())
}

/// Whether a test that cannot run for want of a tool fails.
pub fn are_required() -> bool {
    std::env::var_os("WAYPOST_TOOLS").is_some_and(|v| v == "required")
}

fn told(program: &str, there: bool) -> bool {
    assert!(there || !are_required(), "{program} is not installed");
    if !there {
        println!("not run: {program} is not installed here");
    }
    there
}

/// Runs it to its end; what it printed.
#[track_caller]
pub fn succeed(mut command: Command) -> impl Future<Output = String> {
    let at = std::panic::Location::caller();
    async move {
        let output = timeout(LIMIT, command.kill_on_drop(true).output()).await.expect("ends in time").expect("starts");
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{at}: {command:?}: {}\n{told}\n{complaint}", output.status);
        println!("{told}");
        told
    }
}
