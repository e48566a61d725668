//! The database: connecting to the one that `DATABASE_URL` names, or running a private Postgres below the data
//! directory. Same engine, same SQL. The schema is the `migration` package's; queries are `work.rs`' and the resources'.

mod app_role;
mod embedded;
mod install;
mod migrate;
pub mod scratch;
mod socket;
mod spawn;
mod start_error;

use std::{error::Error, fmt, time::Duration};

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr, RuntimeErr, Statement, TransactionTrait,
};

use sea_orm::sqlx::postgres::{PgConnectOptions, PgPool};

pub use self::{
    app_role::{BOOKS, ROLE},
    embedded::{Cluster, Options},
    install::{BIN_VARIABLE, SEARCH_VARIABLE, Search},
    migrate::{MigrateError, is_migrated, migrate},
    start_error::StartError,
};

/// How long a request may wait for a connection of the pool.
const ACQUIRE: Duration = Duration::from_secs(10);
/// A connection that rested longer is asked whether it still lives before it is used: so that an idle server survives
/// a restart of its database, and a busy one pays nothing.
const IDLE: Duration = Duration::from_secs(30);

/// Why the database cannot be used. The text names no password.
#[derive(Debug)]
pub enum ConnectError {
    /// It does not answer, or refuses us.
    Refused(DbErr),
    /// It is older than the product's SQL; holds its version, for example `13.4`.
    TooOld(String),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectError::Refused(cause) => write!(f, "the database cannot be reached: {cause}"),
            ConnectError::TooOld(version) => {
                write!(f, "the database runs PostgreSQL {version}; {} or newer is needed", install::OLDEST)
            }
        }
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            ConnectError::Refused(cause) => Some(cause),
            ConnectError::TooOld(_) => None,
        }
    }
}

impl From<DbErr> for ConnectError {
    fn from(cause: DbErr) -> Self {
        ConnectError::Refused(cause)
    }
}

/// Opens a pool of at most `max_connections` and checks that the server is one we can work with. It works as the role
/// that only adds to the books (`app_role`), once `migrate` has made it. A database in which trigram search would not
/// find Chinese is warned of, not refused.
pub async fn connect(url: &str, max_connections: u32) -> Result<DatabaseConnection, ConnectError> {
    let owner = connect_as_owner(url, 1).await?;
    let takes = app_role::takes(&owner).await?;
    owner.close().await?;
    Ok(open(url, max_connections, takes.then_some(("role", ROLE))).await?)
}

/// What one sort or hash may take before it goes to disk; Postgres' own default is a quarter of it.
const MEMORY: &str = "16MB";

async fn open(
    url: &str,
    max_connections: u32,
    role: Option<(&'static str, &'static str)>,
) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(max_connections)
        .acquire_timeout(ACQUIRE)
        .test_before_acquire_if_idle_for(IDLE)
        // Compiling a report takes longer than it saves: 1.0 of 2.0 s for a funnel over 100,000 opportunities.
        .map_sqlx_postgres_opts(move |options| {
            options.options([("jit", "off"), ("work_mem", MEMORY)].into_iter().chain(role))
        })
        .sqlx_logging(false);
    Database::connect(options).await
}

/// So many reports are worked on at a time.
const REPORTS: u32 = 4;
/// A report reads all of a company where a phone reads a page: it may take more memory, and Postgres is to share its work among
/// processes where by its usual reckoning it would not.
const REPORT_SETTINGS: [(&str, &str); 3] =
    [("work_mem", "64MB"), ("parallel_setup_cost", "200"), ("parallel_tuple_cost", "0.01")];

/// Connections for reports alone, opened when the first one is asked: so that no phone waits for those who look at figures.
pub fn for_reports(db: &DatabaseConnection) -> PgPool {
    let pool = db.get_postgres_connection_pool();
    let options = PgConnectOptions::clone(&pool.connect_options()).options(REPORT_SETTINGS);
    pool.options().clone().min_connections(0).max_connections(REPORTS).connect_lazy_with(options)
}

/// The same as whoever the URL names, with all his rights: to see whether the database can be used at all, and for
/// what the application never does.
pub async fn connect_as_owner(url: &str, max_connections: u32) -> Result<DatabaseConnection, ConnectError> {
    let database = open(url, max_connections, None).await?;
    let facts = database
        .query_one_raw(Statement::from_string(
            database.get_database_backend(),
            "SELECT current_setting('server_version_num')::int / 10000 AS major, \
             current_setting('server_version') AS version, datctype::text AS ctype \
             FROM pg_database WHERE datname = current_database()",
        ))
        .await?
        .ok_or_else(|| DbErr::RecordNotFound("pg_database does not list the current database".into()))?;
    if facts.try_get::<i32>("", "major")? < install::OLDEST.cast_signed() {
        return Err(ConnectError::TooOld(facts.try_get("", "version")?));
    }
    let ctype: String = facts.try_get("", "ctype")?;
    if matches!(ctype.as_str(), "C" | "POSIX") {
        tracing::warn!(
            "LC_CTYPE of the database is {ctype}: searching names will not find Chinese, nor any letter beyond a to z. \
             Make the database anew with: CREATE DATABASE … TEMPLATE template0 LC_CTYPE 'C.UTF-8'"
        );
    }
    Ok(database)
}

/// Tells Postgres how much there is by now. Autovacuum comes too late for a database that was empty a moment ago: without
/// statistics foreign keys are checked by whatever index begins with the tenant, which reads all of it for each row. Only
/// the owner of the tables may.
pub async fn gather_statistics(db: &DatabaseConnection) -> Result<(), DbErr> {
    let transaction = db.begin().await?;
    transaction.execute_unprepared("SET LOCAL ROLE NONE").await?;
    transaction.execute_unprepared("ANALYZE").await?;
    transaction.commit().await
}

/// Makes the database `name` on the server behind `url` (which names another database of it, usually `postgres`).
/// Does nothing when it exists, also when somebody else makes it at this moment.
pub async fn create_database_if_missing(url: &str, name: &str) -> Result<(), ConnectError> {
    match administer(url, &format!("CREATE DATABASE {}", quoted(name))).await {
        // 42P04: it exists. 23505: it came to exist while we made it.
        Err(cause) if matches!(sqlstate(&cause).as_deref(), Some("42P04" | "23505")) => Ok(()),
        made => Ok(made?),
    }
}

/// Runs one statement that cannot share a transaction or a pool, on a connection of its own.
async fn administer(url: &str, statement: &str) -> Result<(), DbErr> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).acquire_timeout(ACQUIRE).sqlx_logging(false);
    let connection = Database::connect(options).await?;
    let done = connection.execute_unprepared(statement).await;
    connection.close().await?;
    done.map(|_| ())
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn sqlstate(error: &DbErr) -> Option<String> {
    let (DbErr::Conn(RuntimeErr::SqlxError(cause))
    | DbErr::Exec(RuntimeErr::SqlxError(cause))
    | DbErr::Query(RuntimeErr::SqlxError(cause))) = error
    else {
        return None;
    };
    Some(cause.as_database_error()?.code()?.into_owned())
}
