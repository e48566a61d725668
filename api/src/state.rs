//! What every request shares. Handlers get it as `Data<&State>`, so that the document is built without a database.

use std::sync::Arc;

use sea_orm::DatabaseConnection;

use crate::auth::Identity;
use crate::clock::Clock;

/// Cheap to clone.
#[derive(Clone)]
pub struct State(Arc<Parts>);

pub struct Parts {
    pub db: DatabaseConnection,
    pub clock: Clock,
    pub identity: Identity,
}

impl State {
    pub fn new(db: DatabaseConnection, clock: Clock, identity: Identity) -> Self {
        State(Arc::new(Parts { db, clock, identity }))
    }
}

impl std::ops::Deref for State {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}
