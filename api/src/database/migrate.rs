//! Bringing the schema up to date, also when several servers start at once. The migrations themselves are the
//! `migration` package's.

use std::{collections::BTreeSet, error::Error, fmt, time::Duration};

use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, Statement,
    TransactionTrait,
};

use super::{ACQUIRE, app_role};

/// Names the lock that a migrating process holds: "waypost" in ASCII.
const LOCK: i64 = 0x77_6179_706f_7374;
const POLL: Duration = Duration::from_millis(200);

/// Why the schema is not the one that this program works with.
#[derive(Debug)]
pub enum MigrateError {
    Database(DbErr),
    /// A newer program has been here; holds the first migration that this one does not know.
    Newer(String),
}

impl fmt::Display for MigrateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MigrateError::Database(cause) => write!(f, "the database cannot be migrated: {cause}"),
            MigrateError::Newer(name) => write!(
                f,
                "the database was migrated by a newer version of Waypost ({name} is not known to this one): \
                 start that version"
            ),
        }
    }
}

impl Error for MigrateError {}

impl From<DbErr> for MigrateError {
    fn from(cause: DbErr) -> Self {
        MigrateError::Database(cause)
    }
}

/// Applies what is missing and answers the names of it. Whoever comes while another migrates waits for that one and
/// finds nothing left to do.
pub async fn migrate(url: &str) -> Result<Vec<String>, MigrateError> {
    let connection = |most| {
        let mut options = ConnectOptions::new(url);
        options.max_connections(most).acquire_timeout(ACQUIRE).sqlx_logging(false);
        Database::connect(options)
    };
    let guard = connection(1).await?;
    let held = lock(&guard).await?;
    let database = connection(1).await?;
    let done = apply(&database).await;
    database.close().await?;
    held.commit().await?;
    guard.close().await?;
    done
}

/// Whoever waits asks again and again. A statement that waits inside Postgres would hold a snapshot, for which a
/// `CREATE INDEX CONCURRENTLY` of the one who migrates would wait in turn.
async fn lock(guard: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let transaction = guard.begin().await?;
    let ask =
        Statement::from_sql_and_values(DbBackend::Postgres, "SELECT pg_try_advisory_xact_lock($1)", [LOCK.into()]);
    let mut told = false;
    loop {
        let row = transaction.query_one_raw(ask.clone()).await?;
        if row.ok_or_else(|| DbErr::RecordNotFound("pg_try_advisory_xact_lock".into()))?.try_get_by_index(0)? {
            return Ok(transaction);
        }
        if !told {
            told = true;
            tracing::info!("another process migrates the database: waiting for it");
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn apply(database: &DatabaseConnection) -> Result<Vec<String>, MigrateError> {
    let known = known();
    let applied = applied(database).await?;
    if let Some(newer) = applied.difference(&known).next() {
        return Err(MigrateError::Newer(newer.clone()));
    }
    let missing: Vec<String> = known.difference(&applied).cloned().collect();
    if !missing.is_empty() {
        Migrator::up(database, None).await?;
    }
    app_role::grant(database).await?;
    Ok(missing)
}

/// Whether everything that this program needs has been applied. Something newer may be there too: while servers are
/// replaced one after the other, the old ones still serve.
pub async fn is_migrated(database: &DatabaseConnection) -> Result<bool, DbErr> {
    Ok(applied(database).await?.is_superset(&known()))
}

fn known() -> BTreeSet<String> {
    Migrator::get_migration_files().iter().map(|migration| migration.name().to_owned()).collect()
}

async fn applied(database: &DatabaseConnection) -> Result<BTreeSet<String>, DbErr> {
    let ask = |sql| database.query_all_raw(Statement::from_string(DbBackend::Postgres, sql));
    let made = ask("SELECT to_regclass('seaql_migrations') IS NOT NULL").await?;
    if made.first().is_none_or(|row| !row.try_get_by_index(0).unwrap_or(false)) {
        return Ok(BTreeSet::new());
    }
    let rows = ask("SELECT version FROM seaql_migrations").await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}
