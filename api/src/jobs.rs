//! What the server does unasked. Every job is started here and ends when the server stops.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::state::State;

/// How often the commits of other servers are looked for.
const POKES: Duration = Duration::from_secs(1);

/// Starts them; the task ends soon after `state.stopping` is cancelled.
pub fn start(state: State) -> JoinHandle<()> {
    tokio::spawn(async move { listen_to_other_servers(&state).await })
}

async fn listen_to_other_servers(state: &State) {
    let mut tick = interval(POKES);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    while state.stopping.run_until_cancelled(tick.tick()).await.is_some() {
        match state.pokes.poll(&state.db).await {
            Ok(()) => failing = false,
            // Once an outage, not once a second.
            Err(cause) if !failing => {
                failing = true;
                tracing::warn!("the database does not tell what other servers wrote: {cause}");
            }
            Err(_) => {}
        }
    }
}
