//! `waypost user …`

use clap::Subcommand;

use super::Outcome;

#[derive(Subcommand)]
pub(super) enum User {}

impl User {
    pub(super) fn run(self) -> Outcome {
        match self {}
    }
}
