//! `waypost restore-done`

use clap::Args;
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::Outcome;
use super::home::Home;
use crate::clock::Clock;
use crate::config::Database;

/// Tell phones that a backup was restored
///
/// Run it once after the database was restored from a backup, or after a replica that had not received everything
/// became the primary, before servers start. Phones may hold changes that the database no longer knows; each will be
/// told to load everything anew. What they have not sent yet is not lost.
#[derive(Args)]
pub(super) struct RestoreDone {
    #[command(flatten)]
    database: Database,
}

impl RestoreDone {
    pub(super) fn run(self) -> Outcome {
        let tenants = Home::for_command(&self.database)?.run(async |pool| {
            // The time, so that restoring one backup twice does not give one number to two pasts.
            let bump = "UPDATE sync_clock SET epoch = GREATEST(epoch + 1, $1)";
            let now = Clock::system().now().0.timestamp();
            let done =
                pool.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, bump, [now.into()])).await?;
            Ok(done.rows_affected())
        })?;
        println!("The phones of {tenants} tenant(s) will load everything anew.");
        Ok(())
    }
}
