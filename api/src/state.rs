//! What every request shares. Handlers get it as `Data<&State>`, so that the document is built without a database.

use std::future::Future;
use std::sync::Arc;

use sea_orm::DatabaseConnection;
use sea_orm::sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::auth::Identity;
use crate::auth::address::Network;
use crate::change::KnownSettings;
use crate::clock::Clock;
use crate::database;
use crate::export::Exporter;
use crate::files::Files;
use crate::import::job::Importer;
use crate::mailer::Mailer;
use crate::pokes::Pokes;
use crate::problem::Error;
use crate::sign_on::SignOn;
use crate::simulation::shadow::Shadows;
use crate::sync::news::Desk;
use crate::webhook::deliver::Outbox;

/// Cheap to clone.
#[derive(Clone)]
pub struct State(Arc<Parts>);

pub struct Parts {
    pub db: DatabaseConnection,
    /// What reports are asked over.
    pub reports: PgPool,
    pub clock: Clock,
    pub identity: Identity,
    pub pokes: Pokes,
    /// Where pulls ask whether there is anything new.
    pub news: Desk,
    pub outbox: Outbox,
    pub shadows: Shadows,
    pub sign_on: SignOn,
    pub settings: KnownSettings,
    files: Option<Files>,
    /// Absent where no mail server is named.
    pub mailer: Option<Mailer>,
    pub importer: Importer,
    pub exporter: Exporter,
    /// Cancelled when the server stops: what would never end by itself, such as an event stream, ends then.
    pub stopping: CancellationToken,
}

/// What a server has beside its database.
pub struct Beside {
    /// Private networks that webhooks and sign-ins may reach.
    pub networks: Vec<Network>,
    /// Where files are kept.
    pub files: Option<Files>,
    /// The server that mail goes through.
    pub mailer: Option<Mailer>,
    /// Most bytes that the files of one import have together.
    pub import_bytes: u64,
}

impl Default for Beside {
    fn default() -> Self {
        Beside { networks: Vec::new(), files: None, mailer: None, import_bytes: Importer::MOST_BYTES }
    }
}

impl State {
    /// Webhooks reach the public internet alone, no files are kept and no mail is sent.
    pub fn new(db: DatabaseConnection, clock: Clock, identity: Identity) -> Self {
        State::serving(db, clock, identity, Beside::default())
    }

    /// And this is at hand beside the database.
    pub fn serving(db: DatabaseConnection, clock: Clock, identity: Identity, beside: Beside) -> Self {
        let (pokes, news, stopping) = (Pokes::default(), Desk::default(), CancellationToken::new());
        let sign_on = SignOn::default();
        let Beside { networks, files, mailer, import_bytes } = beside;
        let (outbox, importer, exporter) = (Outbox::new(networks), Importer::new(import_bytes), Exporter::default());
        let shadows = Shadows::default();
        let parts = Parts {
            reports: database::for_reports(&db),
            db,
            clock,
            identity,
            pokes,
            news,
            outbox,
            shadows,
            sign_on,
            settings: KnownSettings::default(),
            files,
            mailer,
            importer,
            exporter,
            stopping,
        };
        State(Arc::new(parts))
    }

    /// Where files are kept. A command that serves nobody has no such place.
    ///
    /// # Errors
    /// A fault of ours, if it is asked for all the same.
    pub fn files(&self) -> Result<&Files, Error> {
        self.files.as_ref().ok_or_else(|| Error::Internal("this program keeps no files".to_owned()))
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
