//! What every request shares. Handlers get it as `Data<&State>`, so that the document is built without a database.

use std::future::Future;
use std::sync::Arc;

use sea_orm::DatabaseConnection;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::auth::Identity;
use crate::auth::address::Network;
use crate::clock::Clock;
use crate::export::Exporter;
use crate::import::job::Importer;
use crate::pokes::Pokes;
use crate::problem::Error;
use crate::sync::news::Desk;
use crate::webhook::deliver::Outbox;

/// Cheap to clone.
#[derive(Clone)]
pub struct State(Arc<Parts>);

pub struct Parts {
    pub db: DatabaseConnection,
    pub clock: Clock,
    pub identity: Identity,
    pub pokes: Pokes,
    /// Where pulls ask whether there is anything new.
    pub news: Desk,
    pub outbox: Outbox,
    pub importer: Importer,
    pub exporter: Exporter,
    /// Cancelled when the server stops: what would never end by itself, such as an event stream, ends then.
    pub stopping: CancellationToken,
}

impl State {
    /// Webhooks reach the public internet alone.
    pub fn new(db: DatabaseConnection, clock: Clock, identity: Identity) -> Self {
        State::reaching(db, clock, identity, Vec::new())
    }

    /// Webhooks reach these private networks too.
    pub fn reaching(db: DatabaseConnection, clock: Clock, identity: Identity, networks: Vec<Network>) -> Self {
        State::limited(db, clock, identity, networks, Importer::MOST_BYTES)
    }

    /// The files of an import have at most `import_bytes` together.
    pub fn limited(
        db: DatabaseConnection,
        clock: Clock,
        identity: Identity,
        networks: Vec<Network>,
        import_bytes: u64,
    ) -> Self {
        let (importer, exporter) = (Importer::new(import_bytes), Exporter::default());
        let (pokes, news, stopping) = (Pokes::default(), Desk::default(), CancellationToken::new());
        let outbox = Outbox::new(networks);
        State(Arc::new(Parts { db, clock, identity, pokes, news, outbox, importer, exporter, stopping }))
    }

    /// Runs a unit of work to its end even if the caller hangs up, so that no transaction is cancelled half begun.
    pub async fn run<T, E>(&self, work: impl Future<Output = Result<T, E>> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        match tokio::spawn(work.in_current_span()).await {
            Ok(result) => result,
            Err(stopped) => Err(Error::Internal(format!("a unit of work stopped: {stopped}")).into()),
        }
    }
}

impl std::ops::Deref for State {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}
