//! `waypost openapi`

use clap::Args;

use super::Outcome;
use crate::app::spec;

/// Print the OpenAPI document
///
/// The same that a server answers at /openapi.json. Needs no database.
#[derive(Args)]
pub(super) struct Openapi {}

impl Openapi {
    pub(super) fn run(self) -> Outcome {
        println!("{:#}", spec());
        Ok(())
    }
}
