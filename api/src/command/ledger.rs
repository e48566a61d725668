//! `waypost ledger …`

use clap::{Args, Subcommand};

use super::Outcome;
use super::home::with_state;
use crate::config::Database;
use crate::ledger::verify;
use crate::tenant;

#[derive(Subcommand)]
pub(super) enum Ledger {
    Verify(Verify),
}

/// Prove that the books are right
///
/// Looks through all entries of points and leads: that the sides add up to zero, that each balance is the sum of its
/// entries, that nothing is missing or numbered twice, that holds, appeals and statements agree with them. Changes
/// nothing. Ends with 1, and tells each fault, if something is wrong.
#[derive(Args)]
pub(super) struct Verify {
    /// The slug of one company; without it, all of them
    #[arg(long, value_name = "SLUG")]
    tenant: Option<String>,
    #[command(flatten)]
    database: Database,
}

impl Ledger {
    pub(super) fn run(self) -> Outcome {
        let Ledger::Verify(Verify { tenant, database }) = self;
        let (extent, faults) = with_state(&database, |state| async move {
            let tenant_id = match tenant {
                Some(slug) => Some(tenant::by_slug(&state.db, &slug).await?.id),
                None => None,
            };
            Ok(verify::books(&state.db, tenant_id).await?)
        })?;
        for fault in &faults {
            println!("{fault}");
        }
        let verify::Extent { tenants, entries } = extent;
        match faults.len() {
            0 => println!("The books are right: {entries} entries of {tenants} tenant(s)."),
            count => return Err(format!("the books of {tenants} tenant(s) have {count} fault(s)").into()),
        }
        Ok(())
    }
}
