//! `waypost serve`, and how any server of ours lives and ends.

use std::io;
use std::net::SocketAddr;
use std::process;
use std::time::Duration;

use clap::Args;
use poem::listener::TcpAcceptor;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;

use super::Outcome;
use super::home::{Home, LEFTOVERS};
use crate::app::app;
use crate::clock::Clock;
use crate::config::{Database, Server};
use crate::http::door::Door;
use crate::jobs;
use crate::state::{Beside, State};

/// What a shell reports for a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// Serve the API
///
/// Migrates the database, then answers until SIGTERM or Ctrl-C: open requests are finished, then it ends. A second
/// Ctrl-C ends it at once.
#[derive(Args)]
pub(super) struct Serve {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    server: Server,
}

impl Serve {
    pub(super) fn run(self) -> Outcome {
        serve(&self.database, &self.server, async |_, address| {
            tracing::info!("ready at http://{address}");
            Ok(())
        })
    }
}

/// Serves until told to stop. `ready` is called with the address when the database is, before the first answer; it may
/// take its time, and is left where it is by a signal.
pub(super) fn serve(
    database: &Database,
    server: &Server,
    ready: impl AsyncFnOnce(&State, SocketAddr) -> Outcome,
) -> Outcome {
    // Whatever may be wrong with the settings is told before Postgres is started.
    let identity = server.identity(database)?;
    let (networks, import_bytes) = (server.webhook_networks(), server.import_bytes());
    let files = server.files(&database.data)?;
    let mailer = server.mailer()?;
    let listener = server.bind()?;
    let limit = server.shutdown_limit();
    let home = Home::for_server(database, server.database_connections)?;
    home.run(async |pool| {
        let beside = Beside { networks, files: Some(files), mailer, import_bytes };
        let state = State::serving(pool, Clock::system(), identity, beside);
        let mut signals = Signals::listen()?;
        let app = app(state.clone());
        let address = listener.local_addr()?;
        tokio::select! {
            done = ready(&state, address) => done?,
            () = signals.next() => return Ok(()),
        }
        let jobs = jobs::start(state.clone());
        let door = Door::new(TcpAcceptor::from_std(listener)?, server.database_connections);
        poem::Server::new_with_acceptor(door)
            .run_with_graceful_shutdown(app, signals.stop(state.clone(), limit), Some(limit))
            .await?;
        // A job that hangs does not keep the server.
        if let Ok(ended) = timeout(LEFTOVERS, jobs).await {
            ended?;
        }
        Ok(())
    })?;
    tracing::info!("stopped");
    Ok(())
}

/// SIGTERM, and SIGINT as Ctrl-C sends it.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Signals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Ends when the server is to stop. The next signal after that ends the process; the embedded Postgres notices.
    async fn stop(mut self, state: State, limit: Duration) {
        self.next().await;
        tracing::info!("stopping: open requests have {} s; Ctrl-C again ends at once", limit.as_secs());
        state.stopping.cancel();
        tokio::spawn(async move {
            self.next().await;
            process::exit(INTERRUPTED);
        });
    }
}
