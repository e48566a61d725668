//! The limit to measure against: `pgbench -M prepared` with bare SQL that moves the same rows on the same Postgres.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::Failure;

pub struct Bare {
    program: PathBuf,
    url: String,
    folder: PathBuf,
    pub seconds: u64,
}

impl Bare {
    /// `pgbench` comes with Postgres' client programs.
    pub fn new(url: String, folder: &Path, seconds: u64) -> Result<Self, Failure> {
        let program = ["pgbench", "/usr/lib/postgresql/15/bin/pgbench", "/usr/lib/postgresql/17/bin/pgbench"]
            .into_iter()
            .find(|program| Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success()))
            .ok_or("pgbench was not found: install PostgreSQL's client programs (Debian: apt-get install postgresql-contrib)")?;
        Ok(Bare { program: program.into(), url, folder: folder.to_owned(), seconds })
    }

    /// Transactions per second of a script, over so many connections.
    pub fn run(&self, name: &str, script: &str, clients: usize) -> Result<f64, Failure> {
        let file = self.folder.join(format!("{name}.sql"));
        std::fs::write(&file, script)?;
        let output = Command::new(&self.program)
            .args(["-n", "-M", "prepared", "-j", "2"])
            .args(["-c", &clients.to_string(), "-T", &self.seconds.to_string(), "-f"])
            .arg(&file)
            .arg(&self.url)
            .env_remove("PGOPTIONS")
            .output()?;
        // Its connections are ended a moment after it: their time would be taken off what is measured next.
        std::thread::sleep(Duration::from_millis(500));
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines()
            .find_map(|line| line.strip_prefix("tps = "))
            .and_then(|rest| rest.split_whitespace().next())
            .and_then(|tps| tps.parse().ok())
            .ok_or_else(|| format!("pgbench {name} failed: {text}{}", String::from_utf8_lossy(&output.stderr)).into())
    }
}
