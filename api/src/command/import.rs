//! `waypost import`

use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};

use clap::Args;
use encoding_rs::UTF_8;
use indicatif::{ProgressBar, ProgressStyle};
use uuid::Uuid;

use super::Outcome;
use super::home::{refused_flags, with_state};
use crate::config::Database;
use crate::import::source::Format;
use crate::import::{Files, Mapping, Options, Progress, Stopped, run};
use crate::problem::{Code, Error};
use crate::tenant;
use crate::tenant::create::{self, NewTenant};

/// Without a terminal, a line is printed each time so many rows were read.
const ROWS_A_LINE: u64 = 10_000;

/// Bring a company's records in from CSV, XLSX or NDJSON files
///
/// A mapping file says what the columns mean. UTF-8, UTF-16 and GBK are told apart by themselves, gzip is unpacked. Records are found again by their external ids: a second run changes only
/// what differs. Refused rows go to sales.refused.csv for sales.csv with the reason and stop nothing. Exits with 2 if the mapping
/// and the files do not go together; nothing was written then.
#[derive(Args)]
pub(super) struct Import {
    /// The tenant, by its slug
    #[arg(long)]
    tenant: String,
    /// The mapping file (TOML)
    #[arg(long, value_name = "FILE")]
    mapping: PathBuf,
    /// Where the files that it names lie; without it, beside the mapping
    #[arg(long, value_name = "DIRECTORY")]
    folder: Option<PathBuf>,
    /// Where refused rows go, made if it is not there; without it, beside the files
    #[arg(long, value_name = "DIRECTORY")]
    refused_dir: Option<PathBuf>,
    /// Do everything, but keep nothing
    #[arg(long)]
    dry_run: bool,
    /// Make the tenant under this name if there is none; a dry run makes it up and leaves none
    #[arg(long, value_name = "NAME")]
    create_tenant: Option<String>,
    /// The zone whose midnight ends the new tenant's days, such as Asia/Shanghai
    #[arg(long, value_name = "IANA_NAME", default_value = "UTC", requires = "create_tenant")]
    time_zone: String,
    #[command(flatten)]
    database: Database,
}

impl Import {
    pub(super) fn run(self) -> Outcome {
        let mapping = Mapping::read(&self.mapping)?;
        let beside = || self.mapping.parent().unwrap_or(Path::new("")).to_owned();
        let mut options = Options {
            files: Files::Folder(self.folder.clone().unwrap_or_else(beside)),
            refused: self.refused_dir,
            dry_run: self.dry_run,
            made_up: None,
        };
        let new = match &self.create_tenant {
            Some(name) => {
                Some(NewTenant::parse(&self.tenant, name, &self.time_zone).map_err(|refusal| refused_flags(&refusal))?)
            }
            None => None,
        };
        let slug = self.tenant;
        let summary = with_state(&self.database, |state| async move {
            let tenant = match (tenant::by_slug(&state.db, &slug).await, new) {
                (Err(none), Some(new)) if none.refusal().code == Code::NotFound => {
                    if options.dry_run {
                        let tenant = new.tenant(Uuid::now_v7(), state.clock.now());
                        options.made_up = Some(new);
                        tenant
                    } else {
                        create::create(&state, new).await?.tenant
                    }
                }
                (found, _) => found?,
            };
            match run(&state, &tenant, &mapping, &options, teller()).await {
                Ok(summary) => Ok(Ok(summary)),
                Err(Stopped::Mapping(cause)) => Ok(Err(cause)),
                Err(Stopped::Failed(cause)) => Err::<_, Error>(cause),
                Err(stopped @ (Stopped::Lost | Stopped::Interrupted)) => Err(Error::Internal(stopped.to_string())),
            }
        })??;
        print!("{summary}");
        Ok(())
    }
}

/// Shows the progress on standard error: a bar for a person, lines for a log.
fn teller() -> impl FnMut(Progress<'_>) + Send {
    let style = ProgressStyle::with_template("{prefix:<40} {wide_bar} {bytes:>10} of {total_bytes}  {msg}")
        .expect("the template is a constant");
    let bar = ProgressBar::hidden();
    let is_terminal = stderr().is_terminal();
    let (mut name, mut next_line) = (String::new(), ROWS_A_LINE);
    move |progress| match progress {
        Progress::Begun { path, kind, bytes, format, encoding } => {
            name = format!("{} ({kind})", path.display());
            if format != Format::Xlsx && encoding != UTF_8 {
                eprintln!("{}: read as {}", path.display(), encoding.name());
            }
            next_line = ROWS_A_LINE;
            if is_terminal {
                bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
                bar.set_style(style.clone());
                bar.set_prefix(name.clone());
                bar.set_length(bytes);
                bar.reset();
            }
        }
        Progress::Read { bytes, rows } => {
            bar.set_position(bytes);
            bar.set_message(format!("{rows} rows"));
            if !is_terminal && rows >= next_line {
                eprintln!("{name}: {rows} rows");
                next_line += ROWS_A_LINE;
            }
        }
        Progress::Ended(count) => {
            bar.finish_and_clear();
            if !is_terminal {
                eprintln!("{name}: {} rows, {} refused, done", count.read, count.refused);
            }
        }
    }
}
