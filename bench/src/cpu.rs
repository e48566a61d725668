//! Processor time of the three that share the machine. On a busy machine it says more than a rate: what a request costs does
//! not depend on who else is running.

use std::fs;
use std::time::Duration;

use crate::Failure;

/// `/proc` counts in hundredths of a second (`USER_HZ`, the same on every Linux).
const TICK: f64 = 0.01;

/// How long they are watched at a time, and how often at most.
const WAIT: Duration = Duration::from_secs(2);
const MOST_WAITS: u32 = 150;

/// Processes whose time is counted.
pub struct Meter {
    server: u32,
    postmaster: u32,
}

/// Seconds since each of them started.
#[derive(Clone, Copy)]
pub struct Spent {
    pub server: f64,
    pub postgres: f64,
    pub load: f64,
}

impl Meter {
    /// The server's process; Postgres is our own child.
    pub fn new(server: u32) -> Result<Self, Failure> {
        let own = std::process::id();
        let postmaster = children(own)?.into_iter().find(|child| *child != server);
        Ok(Meter { server, postmaster: postmaster.ok_or("Postgres is not our child")? })
    }

    /// Waits until server and Postgres have little to do: what a server does unasked begins when it starts.
    pub async fn settle(&self) -> Result<(), Failure> {
        for _ in 0..MOST_WAITS {
            let before = self.read()?;
            tokio::time::sleep(WAIT).await;
            let spent = self.read()?.since(before);
            if spent.server + spent.postgres < WAIT.as_secs_f64() / 10.0 {
                return Ok(());
            }
        }
        Err("server and Postgres are still busy with work that nobody asked for".into())
    }

    pub fn read(&self) -> Result<Spent, Failure> {
        let mut postgres = seconds(self.postmaster)?;
        for backend in children(self.postmaster)? {
            // One that has just ended counts nowhere.
            postgres += seconds(backend).unwrap_or(0.0);
        }
        Ok(Spent { server: seconds(self.server)?, postgres, load: seconds(std::process::id())? })
    }
}

impl Spent {
    pub fn since(self, before: Spent) -> Spent {
        Spent {
            server: self.server - before.server,
            postgres: self.postgres - before.postgres,
            load: self.load - before.load,
        }
    }
}

fn seconds(process: u32) -> Result<f64, Failure> {
    let fields = stat(process)?;
    let field = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).ok_or("a stat without times");
    Ok((field(11)? + field(12)?) * TICK)
}

fn children(parent: u32) -> Result<Vec<u32>, Failure> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Some(process) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if stat(process).is_ok_and(|fields| fields.get(1).is_some_and(|field| *field == parent.to_string())) {
            found.push(process);
        }
    }
    Ok(found)
}

/// The fields of `/proc/<pid>/stat` after the name, which may hold spaces: state, parent, …
fn stat(process: u32) -> Result<Vec<String>, Failure> {
    let text = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let rest = text.rsplit_once(')').ok_or("a stat without name")?.1;
    Ok(rest.split_whitespace().map(str::to_owned).collect())
}
