//! The database that a command works on: the one that `DATABASE_URL` names, or the embedded one, which is started for
//! as long as the command runs, unless a server runs it already.

use std::error::Error as StdError;
use std::time::Duration;

use sea_orm::DatabaseConnection;
use sea_orm::sqlx::{Connection, PgConnection};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::Outcome;
use crate::auth::Identity;
use crate::auth::token::Keys;
use crate::clock::Clock;
use crate::config::{ConfigError, Database};
use crate::database::{
    Cluster, ConnectError, StartError, connect, connect_as_owner, create_database_if_missing, migrate,
};
use crate::problem::{Error, Refusal};
use crate::state::State;

/// The database in the embedded cluster.
const NAME: &str = "waypost";
/// Connections of a command that is not a server.
const FEW: u32 = 4;
/// How often the embedded Postgres is looked after.
const LOOK: Duration = Duration::from_secs(1);
/// How long what a request left running in the database may still take when a command has ended.
pub(super) const LEFTOVERS: Duration = Duration::from_secs(1);

pub(super) struct Home {
    url: String,
    /// Whether `url` came from `DATABASE_URL`.
    elsewhere: bool,
    connections: u32,
    /// Ours to stop.
    cluster: Option<Cluster>,
}

impl Home {
    /// For a server: an embedded Postgres that runs already belongs to another one, which is an error.
    pub(super) fn for_server(database: &Database, connections: u32) -> Outcome<Home> {
        if let Some(url) = database.url()? {
            return Ok(Home { url: url.to_owned(), elsewhere: true, connections, cluster: None });
        }
        let cluster = Cluster::start(&database.data.cluster(connections)).map_err(|error| -> Box<dyn StdError> {
            let remedy = match &error {
                StartError::InUse(_) => "",
                StartError::Path { .. } => ". Choose a directory that this user may write",
                _ => return error.into(),
            };
            ConfigError::new("WAYPOST_DATA", format!("{error}{remedy}")).into()
        })?;
        Ok(Home { url: cluster.url(NAME), elsewhere: false, connections, cluster: Some(cluster) })
    }

    /// For a command that may run beside a server.
    pub(super) fn for_command(database: &Database) -> Outcome<Home> {
        match Cluster::url_of_running(&database.data.directory, NAME) {
            Some(url) if database.url()?.is_none() => {
                Ok(Home { url, elsewhere: false, connections: FEW, cluster: None })
            }
            _ => Home::for_server(database, FEW),
        }
    }

    /// Brings the schema up to date, does `job`, and stops what was started. If the embedded Postgres ends meanwhile, so does
    /// this: without it nothing can be answered, and whoever supervises the process starts both again.
    pub(super) fn run<T>(self, job: impl AsyncFnOnce(DatabaseConnection) -> Outcome<T>) -> Outcome<T> {
        let runtime = Runtime::new()?;
        let done = runtime.block_on(async {
            let pool = self.open().await?;
            let done = tokio::select! {
                done = job(pool.clone()) => Some(done),
                () = gone(self.cluster.as_ref()) => None,
            };
            if timeout(LEFTOVERS, pool.close()).await.is_err() {
                tracing::warn!("what is still under way in the database is given up");
            }
            Outcome::<Option<Outcome<T>>>::Ok(done)
        });
        // While the runtime still lives: it hears the second Ctrl-C.
        let ended = self.cluster.map(Cluster::end);
        runtime.shutdown_timeout(LEFTOVERS);
        done?.unwrap_or_else(|| Err(obituary(&ended.unwrap_or_default()).into()))
    }

    async fn open(&self) -> Outcome<DatabaseConnection> {
        if let Some(cluster) = &self.cluster {
            create_database_if_missing(&cluster.url("postgres"), NAME).await?;
        }
        // First of all, because it finds out whether the database can be used at all.
        match connect_as_owner(&self.url, 1).await {
            Ok(owner) => owner.close().await?,
            Err(cause) => return Err(self.blame(self.reason(cause).await)),
        }
        for name in migrate(&self.url).await.map_err(|cause| self.blame(cause.to_string()))? {
            tracing::info!("migrated: {name}");
        }
        connect(&self.url, self.connections).await.map_err(|cause| self.blame(cause.to_string()))
    }

    fn blame(&self, problem: String) -> Box<dyn std::error::Error> {
        if self.elsewhere { format!("DATABASE_URL: {problem}").into() } else { problem.into() }
    }

    /// A pool tries again for a while, and then only says that it took too long: so one more attempt without it.
    async fn reason(&self, told: ConnectError) -> String {
        match PgConnection::connect(&self.url).await {
            Err(cause) => format!(
                "the database cannot be reached: {cause}. Check host, port, user, password and name, and whether it runs"
            ),
            Ok(_) => told.to_string(),
        }
    }
}

/// Waits until the embedded Postgres has ended, which is for ever where there is none.
async fn gone(cluster: Option<&Cluster>) {
    while !cluster.is_some_and(Cluster::has_ended) {
        tokio::time::sleep(LOOK).await;
    }
}

fn obituary(status: &str) -> String {
    format!(
        "PostgreSQL ended ({status}), and so does Waypost. postgres.log in the data directory may say why. Start Waypost \
         again: whatever was acknowledged is kept"
    )
}

/// Runs `job` to its end on the database that the command means.
pub(super) fn with_state<T: Send + 'static, F: Future<Output = Result<T, Error>> + Send + 'static>(
    database: &Database,
    job: impl FnOnce(State) -> F,
) -> Outcome<T> {
    // It proves nobody and signs nothing, so any key will do.
    let identity = Identity::new(Keys::generate()?, "", "", Vec::new());
    Home::for_command(database)?.run(async |pool| {
        let state = State::new(pool, Clock::system(), identity);
        state.run(job(state.clone())).await.map_err(told)
    })
}

/// What the person at the terminal is told: the refusal, with flags for fields, or the cause in full; it is their own
/// server.
fn told(cause: Error) -> Box<dyn std::error::Error> {
    let refusal = cause.refusal();
    match refusal.code.status() {
        500.. => cause.into(),
        _ if refusal.errors.is_empty() => refusal.detail.into(),
        _ => refused_flags(&refusal).into(),
    }
}

/// `/timeZone: …` → `--time-zone: …`
pub(super) fn refused_flags(refusal: &Refusal) -> String {
    let flag = |pointer: &str| {
        let name: String = pointer
            .trim_start_matches('/')
            .chars()
            .flat_map(|c| c.is_ascii_uppercase().then_some('-').into_iter().chain(c.to_lowercase()))
            .collect();
        name.strip_suffix("-id").unwrap_or(&name).to_owned()
    };
    let lines: Vec<String> =
        refusal.errors.iter().map(|fault| format!("--{}: {}", flag(&fault.pointer), fault.detail)).collect();
    lines.join("\n")
}
