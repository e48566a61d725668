//! Imports by the API: a file is sent, kept in the database, and imported in the background by whichever server is free.
//!
//! `wire` is what clients see and how it is read, `upload` takes files in, `start` makes an import of them, `queue` runs it,
//! `follow` tells how far it is, `refused` gives back what was refused, `plain` is the mapping of a file whose columns carry
//! our own names. The import itself is `import::run`.

mod follow;
mod plain;
mod queue;
mod refused;
mod routes;
mod start;
mod upload;
mod wire;

use entity::kind::Role;
use sea_orm::{DbBackend, Statement, Value};
use uuid::Uuid;

use crate::auth::Actor;
use crate::problem::Refusal;

pub use follow::follow;
pub use plain::mapping as plain_mapping;
pub use queue::{Importer, due, forget, serve, serve_here, take_up};
pub use refused::refused;
pub use routes::ImportApi;
pub use start::{apply, cancel, start};
pub use upload::{Sent, receive};
pub use wire::{Import, ImportPart, ImportStatus, get, list};

/// 403 for everybody but admins and integrations: an import sees and writes the whole tenant.
pub fn may_import(actor: &Actor) -> Result<(), Refusal> {
    match actor.role {
        Role::Admin | Role::Integration => Ok(()),
        _ => Err(Refusal::forbidden(
            "Only an administrator or an integration may import: an import writes for everybody.",
        )),
    }
}

/// A tenant-bound statement; `$1` is the tenant.
fn statement(tenant_id: Uuid, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    let values = std::iter::once(tenant_id.into()).chain(values);
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}
