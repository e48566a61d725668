//! `waypost fleet`

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::Outcome;
use crate::demo::{PASSWORD, REPS, TENANT};
use crate::fleet::{Login, Plan, Step, play};
use crate::webhook::reach::encrypt;

/// Play a day of many phones against a server
///
/// Each phone logs in, pulls, works offline, and syncs over a link that loses requests and answers. In the end it is
/// compared with the server's digest. Exits with 1 if a phone does not hold what it should, a mutation has no result, something
/// that was acknowledged is gone, or a photo did not arrive. The visits stay: play against the demo or a tenant made for it,
/// never against a company's real one.
#[derive(Args)]
pub(super) struct Fleet {
    /// Where the server is
    #[arg(long, default_value = "http://127.0.0.1:8080", value_name = "URL")]
    url: String,
    /// The tenant, by its slug
    #[arg(long, default_value = TENANT)]
    tenant: String,
    /// A file with an e-mail address and a password on each line, with a space between; without it, the reps of the demo
    #[arg(long, value_name = "FILE")]
    logins: Option<PathBuf>,
    /// Phones; more than there are users are second phones of the same users
    #[arg(long, default_value_t = 35, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    phones: u32,
    /// How often each is online in its day
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rounds: u32,
    /// What its user types before each of these times
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    entries: u32,
    /// Per cent of visits of which there is a photo, sent in parts
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u8).range(0..=100))]
    photos: u8,
    /// Per cent of requests that get lost, or their answers
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u8).range(0..=90))]
    loss: u8,
    /// Seconds to wait for a server that does not answer, as one that is started anew
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=3_600))]
    patience: u64,
    /// Of everything that is left to chance
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Fleet {
    pub(super) fn run(self) -> Outcome {
        encrypt();
        let plan = Plan {
            logins: self.people()?,
            url: self.url,
            tenant: self.tenant,
            phones: self.phones as usize,
            rounds: self.rounds as usize,
            entries: self.entries as usize,
            photos: self.photos,
            loss: self.loss,
            patience: Duration::from_secs(self.patience),
            seed: self.seed,
        };
        let bars = MultiProgress::new();
        let bar = |what: &'static str, steps: usize| {
            let style = ProgressStyle::with_template("{msg:10} {bar:40} {pos}/{len} {elapsed}");
            let bar = bars.add(ProgressBar::new(steps as u64)).with_message(what);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        };
        let connected = bar("connected", plan.phones);
        let synced = bar("synced", plan.phones * plan.rounds);
        let proven = bar("proven", plan.phones);
        let told = |step| match step {
            Step::Connected => connected.inc(1),
            Step::Synced => synced.inc(1),
            Step::Proven => proven.inc(1),
        };
        let runtime = tokio::runtime::Runtime::new()?;
        let report = runtime.block_on(play(&plan, told));
        [&connected, &synced, &proven].into_iter().for_each(ProgressBar::finish);
        let report = report?;
        println!("{report}");
        if report.is_good() { Ok(()) } else { Err("a phone does not hold what it should".into()) }
    }

    fn people(&self) -> Result<Vec<Login>, Box<dyn std::error::Error>> {
        let Some(file) = &self.logins else {
            let rep = |number| Login { email: format!("rep{number}@demo.example"), password: PASSWORD.to_owned() };
            return Ok((1..=REPS).map(rep).collect());
        };
        let text = std::fs::read_to_string(file).map_err(|cause| format!("--logins {}: {cause}", file.display()))?;
        let login = |(at, line): (usize, &str)| {
            let (email, password) = line.trim().split_once(' ').ok_or_else(|| {
                format!("--logins {}, line {}: write an address, a space and a password", file.display(), at + 1)
            })?;
            Ok(Login { email: email.to_owned(), password: password.trim().to_owned() })
        };
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let logins = lines.map(login).collect::<Result<Vec<_>, String>>()?;
        if logins.is_empty() { Err(format!("--logins {}: names nobody", file.display()).into()) } else { Ok(logins) }
    }
}
