//! The command line: one file a verb. Results go to standard output; the log and errors to standard error.

mod demo;
mod fleet;
mod home;
mod import;
mod ledger;
mod log;
mod migrate;
mod openapi;
mod restore_done;
mod serve;
mod tenant;
mod user;

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::Log;
use crate::import::MappingError;

/// Why a command stopped; its text says what to do.
type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const EXAMPLES: &str = "\
Examples:
  waypost                               try it: embedded database, demo data
  waypost serve --listen 0.0.0.0:8080   serve on the embedded database
  waypost tenant create --slug acme --name 'Acme Ltd.' --time-zone Asia/Shanghai
  waypost user create --tenant acme --email rosa@acme.example --name 'Rosa Lin' --role admin
  waypost openapi > openapi.json        the API, for code generators
  waypost fleet --phones 35 --loss 20   play a day of phones against the demo that runs

Every setting is a flag or an environment variable: `waypost serve --help` explains them all.";

/// Waypost: sales-force automation that works offline
///
/// Without a command it runs the demo.
#[derive(Parser)]
#[command(name = "waypost", version, after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    log: Log,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Demo),
    Serve(serve::Serve),
    Migrate(migrate::Migrate),
    Openapi(openapi::Openapi),
    /// Companies
    #[command(subcommand)]
    Tenant(tenant::Tenant),
    /// The people of a company
    #[command(subcommand)]
    User(user::User),
    Import(import::Import),
    Fleet(fleet::Fleet),
    /// The books of points and leads
    #[command(subcommand)]
    Ledger(ledger::Ledger),
    RestoreDone(restore_done::RestoreDone),
}

/// Parses the command line, does what it says, and tells how it went.
pub fn run() -> ExitCode {
    let Cli { log, command } = Cli::parse();
    log::start(&log);
    let done = match command.unwrap_or_else(|| Command::Demo(demo::Demo::from_environment())) {
        Command::Demo(demo) => demo.run(),
        Command::Serve(serve) => serve.run(),
        Command::Migrate(migrate) => migrate.run(),
        Command::Openapi(openapi) => openapi.run(),
        Command::Tenant(tenant) => tenant.run(),
        Command::User(user) => user.run(),
        Command::Import(import) => import.run(),
        Command::Fleet(fleet) => fleet.run(),
        Command::Ledger(ledger) => ledger.run(),
        Command::RestoreDone(restore_done) => restore_done.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            // As clap does for a wrong flag: what was given is wrong, and nothing was done.
            if why.is::<MappingError>() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}
