//! `waypost demo`: everything on this machine, to look at.

use std::net::SocketAddr;

use clap::{Args, Parser};
use indicatif::{ProgressBar, ProgressStyle};
use uuid::Uuid;

use super::Outcome;
use super::serve::serve;
use crate::config::{Data, Database, Server};
use crate::demo::guide::{Guide, guide};
use crate::demo::{ADMIN, MANAGER, PASSWORD, REP, REPS, TENANT, fill, today};
use crate::state::State;

/// Run the demo (the default)
///
/// Serves on an embedded PostgreSQL in the data directory, whatever DATABASE_URL says. The first start fills it with a
/// company and a year of its history. Everything is kept there for the next start; remove the directory to begin anew.
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
        serve(&Database::embedded(self.data), &self.server, async |state, address| {
            tell_a_year(state).await?;
            let url = format!("http://{address}");
            print!("{}", banner(address, &data.display().to_string()));
            if let Some(guide) = guide(state).await? {
                print!("{}", commands(&url, &guide));
            }
            print!("{}", fleet(&url));
            println!("Ctrl-C stops it.\n");
            Ok(())
        })
    }
}

/// Fills the demo tenant if this is the first start. The bar is drawn on a terminal only.
async fn tell_a_year(state: &State) -> Outcome {
    let style = ProgressStyle::with_template("Making up a company and its last year {wide_bar} {percent:>3} %")?;
    let bar = ProgressBar::new(0).with_style(style);
    let filled = fill(state, today(state.clock.now()), REPS, |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    let filled = filled.await?;
    bar.finish_and_clear();
    if let Some(summary) = filled {
        let records: u64 = summary.created.values().sum();
        tracing::info!("the demo was filled with {records} records in {:.1} s", bar.elapsed().as_secs_f64());
    }
    Ok(())
}

/// What somebody sees who starts Waypost for the first time.
fn banner(address: SocketAddr, data: &str) -> String {
    format!(
        "
Waypost is ready.

  Dashboard       http://{address}
  API             http://{address}
  Documentation   http://{address}/docs
  Data            {data}  (remove it to begin anew)

  Tenant {TENANT}, password {PASSWORD}:
  a rep           {REP}  (to rep{REPS})
  a manager       {MANAGER}  (to manager6)
  an admin        {ADMIN}

"
    )
}

/// Three commands that show what Waypost does, with nothing but curl and sed. A line each, whatever its length, because
/// they are pasted.
fn commands(url: &str, Guide { account_id, name, position }: &Guide) -> String {
    let log_in = format!(
        r#"TOKEN=$(curl -s {url}/v1/auth/login -H 'Content-Type: application/json' -d '{{"tenant":"{TENANT}","email":"{REP}","password":"{PASSWORD}"}}' | sed 's/.*"accessToken":"\([^"]*\)".*/\1/')"#
    );
    let pull = format!(
        r#"PULL=$(curl -s "{url}/v1/sync/changes?${{CURSOR:+cursor=$CURSOR}}" -H "Authorization: Bearer $TOKEN" -H 'Accept: application/x-ndjson'); CURSOR=$(printf '%s\n' "$PULL" | sed -n '$s/.*"cursor":"\([^"]*\)".*/\1/p'); printf '%s\n' "$PULL" | tail -n 5"#
    );
    // Linux knows the first, macOS the second.
    let id = "'$(cat /proc/sys/kernel/random/uuid 2>/dev/null || uuidgen)'";
    let now = "'$(date -u +%Y-%m-%dT%H:%M:%SZ)'";
    let (device, latitude, longitude) = (Uuid::now_v7(), position.latitude, position.longitude);
    let push = format!(
        r#"curl -s {url}/v1/sync/mutations -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{{"deviceId":"{device}","mutations":[{{"mutationId":"{id}","kind":"activity","op":"create","recordId":"{id}","activity":{{"kind":"visit","accountId":"{account_id}","occurred":"{now}","summary":"Showed the new switch; they want two.","outcome":"Order by word","nextStep":"Send the contract","checkIn":{{"at":"{now}","latitude":{latitude},"longitude":{longitude},"accuracy":12}}}}}}]}}'; echo"#
    );
    format!(
        "Three commands to paste into another terminal.

Log in as the rep, as his phone does:

{log_in}

Pull what he may see, and the next time only what is new:

{pull}

Push a visit to {name}; then pull again: there it is, with the points that it earned and why.

{push}

"
    )
}

/// Life for the dashboard.
fn fleet(url: &str) -> String {
    let program = std::env::current_exe().map_or_else(|_| "waypost".to_owned(), |path| path.display().to_string());
    format!(
        "Or let all {REPS} reps work a day, on phones whose link loses every fifth request; the dashboard follows:

'{program}' fleet --url {url}

"
    )
}
