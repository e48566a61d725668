//! `waypost migrate`

use clap::Args;

use super::Outcome;
use super::home::Home;
use crate::config::Database;

/// Bring the database's schema up to date
///
/// Servers do this themselves when they start, one at a time. This command is for those who want to do it before.
#[derive(Args)]
pub(super) struct Migrate {
    #[command(flatten)]
    database: Database,
}

impl Migrate {
    pub(super) fn run(self) -> Outcome {
        // Opening the database is what migrates it.
        Home::for_command(&self.database)?.run(async |_| Ok(()))?;
        println!("The database is up to date.");
        Ok(())
    }
}
