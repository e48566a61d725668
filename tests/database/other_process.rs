//! What takes a process of its own: another user, another environment, and death.

use std::{
    env, fs,
    io::{BufRead, BufReader, Read},
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Stdio},
    time::{Duration, Instant},
};

use waypost::database::{BIN_VARIABLE, Cluster, SEARCH_VARIABLE, connect, scratch::scratch};

use super::{NOBODY, directory, is_gone, is_root, options, start, text, works};

const DIRECTORY_VARIABLE: &str = "WAYPOST_TEST_DIRECTORY";

fn eventually(what: &str, condition: impl Fn() -> bool) {
    let patience = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < patience, "not within 30 s: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A test of this file, run in a process of its own, as another user if wanted. It tells its story on standard error.
struct Other {
    process: Child,
    said: BufReader<ChildStderr>,
}

impl Other {
    fn run(body: &str, directory: &Path, change: impl FnOnce(&mut Command)) -> Other {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", body, "--ignored", "--nocapture"]).env(DIRECTORY_VARIABLE, directory);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        change(&mut command);
        let mut process = command.spawn().unwrap();
        let said = BufReader::new(process.stderr.take().unwrap());
        Other { process, said }
    }

    /// The rest of the first line that begins with `word`.
    fn tell(&mut self, word: &str) -> String {
        let mut all = String::new();
        loop {
            let begin = all.len();
            if self.said.read_line(&mut all).unwrap() == 0 {
                panic!("it ended without a word of {word}:\n{all}");
            }
            if let Some(rest) = all[begin..].strip_prefix(word) {
                return rest.trim().to_owned();
            }
        }
    }

    /// Lets it finish, and answers what else it says.
    fn finish(mut self) -> String {
        drop(self.process.stdin.take());
        let mut rest = String::new();
        self.said.read_to_string(&mut rest).unwrap();
        let status = self.process.wait().unwrap();
        assert!(status.success(), "{status}:\n{rest}");
        rest
    }
}

#[tokio::test]
#[ignore = "a part of other tests, which run it in a process of its own"]
async fn run_until_input_ends() {
    let directory = PathBuf::from(env::var_os(DIRECTORY_VARIABLE).expect("named by the test that runs this"));
    match Cluster::start(&options(&directory)) {
        Ok(cluster) => {
            works(&cluster).await;
            eprintln!("postgres: {}", cluster.pid());
            std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        }
        Err(error) => eprintln!("refused: {error}"),
    }
}

#[tokio::test]
#[ignore = "a part of another test, which runs it in a process of its own"]
async fn use_the_scratch_cluster() {
    let database = connect(&scratch().url("postgres"), 1).await.unwrap();
    eprintln!("data: {}", text(&database, "SHOW data_directory").await);
}

#[test]
fn an_ordinary_user_needs_no_help() {
    let directory = directory(0o755);
    let program = directory.path().join("suite");
    fs::copy(env::current_exe().unwrap(), &program).unwrap();
    let data = directory.path().join("data of nobody");
    fs::create_dir(&data).unwrap();
    let mut other = Other::run("database::other_process::run_until_input_ends", &data, |command| {
        if is_root() {
            chown(&data, Some(NOBODY), Some(NOBODY)).unwrap();
            let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
            let mut anew = Command::new(&program);
            anew.args(arguments).env(DIRECTORY_VARIABLE, &data).uid(NOBODY).gid(NOBODY).current_dir("/");
            anew.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
            *command = anew;
        }
    });
    let pid: i32 = other.tell("postgres:").parse().unwrap();
    other.finish();
    assert!(is_gone(pid));
    let owner = fs::metadata(data.join("data")).unwrap().uid();
    assert_eq!(owner, fs::metadata(&data).unwrap().uid());
}

#[cfg(target_os = "linux")]
#[test]
fn a_killed_server_leaves_no_postgres_behind() {
    let directory = directory(0o755);
    let mut other = Other::run("database::other_process::run_until_input_ends", directory.path(), |_| {});
    let pid: i32 = other.tell("postgres:").parse().unwrap();
    assert!(!is_gone(pid));
    other.process.kill().unwrap();
    other.process.wait().unwrap();
    // At once: the one before may still be on its way out.
    start(directory.path()).stop();
    eventually("Postgres ends", || is_gone(pid));
}

/// As on systems that cannot tell a child to die with its parent: a Postgres that runs on, at the place of ours.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_orphan_is_replaced() {
    let directory = directory(0o755);
    let data = directory.path().join("data");
    let cluster = start(directory.path());
    let program = fs::read_link(format!("/proc/{}/exe", cluster.pid())).unwrap();
    let url = cluster.url("postgres").replace("%2F", "/");
    let socket = PathBuf::from(url.split(['=', '&']).nth(1).unwrap());
    cluster.stop();

    fs::create_dir(&socket).unwrap();
    let owner = fs::metadata(&data).unwrap();
    chown(&socket, Some(owner.uid()), Some(owner.gid())).unwrap();
    let mut orphan = Command::new(program);
    orphan.arg("-D").arg(&data).arg("-k").arg(&socket).args(["-c", "listen_addresses="]).current_dir("/");
    if is_root() {
        orphan.uid(owner.uid()).gid(owner.gid());
    }
    let mut orphan = orphan.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    eventually("the orphan is ready", || {
        fs::read_to_string(data.join("postmaster.pid")).is_ok_and(|told| told.contains("ready"))
    });
    // Collected when it ends, as the first process of the system would.
    let orphan = std::thread::spawn(move || orphan.wait().unwrap());
    let cluster = start(directory.path());
    works(&cluster).await;
    assert!(orphan.join().unwrap().success());
}

#[test]
fn without_postgres_and_without_a_way_to_fetch_it_the_error_says_what_to_install() {
    let directory = directory(0o755);
    let mut other = Other::run("database::other_process::run_until_input_ends", directory.path(), |command| {
        command.env("PATH", "").env(SEARCH_VARIABLE, "none");
    });
    let refused = other.tell("refused:") + "\n" + &other.finish();
    for help in [
        "PostgreSQL 14 or newer is needed",
        "pip3: not found",
        "npm: not found",
        "Debian, Ubuntu:  sudo apt-get install postgresql",
        "macOS:           brew install postgresql@17",
        "Fedora:          sudo dnf install postgresql-server postgresql-contrib",
        "WAYPOST_POSTGRES_BIN",
        "DATABASE_URL",
    ] {
        assert!(refused.contains(help), "{help} is missing in:\n{refused}");
    }
}

#[test]
fn a_wrong_variable_is_named() {
    let directory = directory(0o755);
    for (variable, value) in [(BIN_VARIABLE, "/nowhere"), (SEARCH_VARIABLE, "perhaps")] {
        let mut other = Other::run("database::other_process::run_until_input_ends", directory.path(), |command| {
            command.env_remove(BIN_VARIABLE).env(variable, value);
        });
        let refused = other.tell("refused:");
        assert!(refused.starts_with(variable), "{refused}");
        other.finish();
    }
}

#[test]
fn the_scratch_cluster_goes_with_its_process() {
    let directory = directory(0o755);
    let mut other = Other::run("database::other_process::use_the_scratch_cluster", directory.path(), |_| {});
    let data = PathBuf::from(other.tell("data:"));
    assert!(data.exists());
    other.finish();
    eventually("the directory is removed", || !data.parent().unwrap().exists());
}
