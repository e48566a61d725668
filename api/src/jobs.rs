//! What the server does unasked. Every job is started here and ends when the server stops. Each can run on several
//! servers at once.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::digest;
use crate::hold;
use crate::import::job;
use crate::lead::{automatic, draft, due, quota};
use crate::offence;
use crate::plan::missed;
use crate::problem::Error;
use crate::rule_set::{bundle, life};
use crate::simulation;
use crate::state::State;
use crate::statement;
use crate::sync::expire::expire;
use crate::upload;
use crate::webhook::deliver;
use crate::work::days;

const SECOND: Duration = Duration::from_secs(1);
/// What reports do themselves until it is done.
const SOON: Duration = Duration::from_secs(10);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Starts them; the task ends soon after `state.stopping` is cancelled.
pub fn start(state: State) -> JoinHandle<()> {
    tokio::spawn(async move {
        tokio::join!(
            every(SECOND, "looking for what other servers wrote", &state, |state| async move {
                state.pokes.poll(&state.db).await.map_err(Error::from)
            }),
            every(SECOND, "sending webhooks", &state, |state| async move { deliver::send(&state).await }),
            every(SECOND, "running imports", &state, |state| async move { job::take_up(&state).await }),
            every(
                SOON,
                "counting days for reports",
                &state,
                |state| async move { days::count(&state).await.map(drop) }
            ),
            every(HOUR, "forgetting old imports", &state, |state| async move { job::forget(&state).await }),
            every(HOUR, "marking missed visits", &state, |state| async move { missed::mark(&state).await.map(drop) }),
            every(MINUTE, "taking up simulations that were left", &state, |state| async move {
                simulation::run::resume(&state).await
            }),
            every(HOUR, "ending rule sets", &state, |state| async move { life::turn(&state).await }),
            every(HOUR, "signing rules with the current key", &state, |state| async move {
                bundle::renew_all(&state).await.map(drop)
            }),
            every(HOUR, "booking offences", &state, |state| async move { offence::book::book(&state).await.map(drop) }),
            every(HOUR, "releasing holds that nobody reviewed", &state, |state| async move {
                hold::due::release(&state).await.map(drop)
            }),
            every(HOUR, "closing the months that are over", &state, |state| async move {
                statement::close::close(&state).await.map(drop)
            }),
            every(HOUR, "renewing the month's rights to leads", &state, |state| async move {
                quota::renew(&state).await.map(drop)
            }),
            every(HOUR, "returning leads that nobody works", &state, |state| async move {
                due::run(&state).await.map(drop)
            }),
            every(MINUTE, "making Monday summaries", &state, |state| async move {
                digest::due::make(&state).await.map(drop)
            }),
            every(MINUTE, "mailing Monday summaries", &state, |state| async move {
                digest::post::send(&state).await.map(drop)
            }),
            every(MINUTE, "passing over turns of drafts", &state, |state| async move {
                draft::pass(&state).await.map(drop)
            }),
            every(
                MINUTE,
                "giving leads by region",
                &state,
                |state| async move { automatic::run(&state).await.map(drop) }
            ),
            every(MINUTE, "forgetting what tokens asked", &state, |state| async move {
                state.identity.rate.tidy();
                state.sign_on.tidy();
                Ok(())
            }),
            every(MINUTE, "ending uploads", &state, |state| async move { upload::due::run(&state).await }),
            every(HOUR, "forgetting old tombstones and receipts", &state, |state| async move { expire(&state).await }),
        );
    })
}

/// Runs `job` at once and then every `period`, never twice at the same time. A failure is logged when it begins, not
/// each time, and the job goes on.
async fn every<F>(period: Duration, what: &str, state: &State, job: impl Fn(State) -> F)
where
    F: Future<Output = Result<(), Error>>,
{
    let mut tick = interval(period);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    while state.stopping.run_until_cancelled(tick.tick()).await.is_some() {
        match job(state.clone()).await {
            Ok(()) => failing = false,
            Err(cause) => {
                if !failing {
                    tracing::warn!("{what}: {cause}");
                }
                failing = true;
            }
        }
    }
}
