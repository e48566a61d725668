//! `waypost demo`: everything on this machine, to look at.

use std::net::SocketAddr;

use clap::{Args, Parser};

use super::Outcome;
use super::serve::serve;
use crate::config::{Data, Database, Server};

/// Run the demo (the default)
///
/// Serves on an embedded PostgreSQL in the data directory, whatever DATABASE_URL says. Everything is kept there for the
/// next start; remove the directory to begin anew.
#[derive(Args)]
pub(super) struct Demo {
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    server: Server,
}

impl Demo {
    /// As if there were no flags.
    pub(super) fn from_environment() -> Self {
        #[derive(Parser)]
        #[command(name = "waypost")]
        struct NoFlags {
            #[command(flatten)]
            demo: Demo,
        }
        NoFlags::parse_from(["waypost"]).demo
    }

    pub(super) fn run(self) -> Outcome {
        let data = std::path::absolute(&self.data.directory)?;
        serve(&Database::embedded(self.data), &self.server, async |_, address| {
            print!("{}", banner(address, &data.display().to_string()));
            Ok(())
        })
    }
}

/// What somebody sees who starts Waypost for the first time.
fn banner(address: SocketAddr, data: &str) -> String {
    format!(
        "
Waypost is ready.

  API             http://{address}
  Documentation   http://{address}/docs
  Data            {data}  (remove it to begin anew)

Ctrl-C stops it.

"
    )
}
