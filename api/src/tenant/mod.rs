//! Tenants: the companies that use one installation. Making one is `create`, its settings are `update`.

pub mod create;
pub mod routes;
pub mod update;

use entity::tenant;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement};
use uuid::Uuid;

use crate::problem::{Error, Refusal};
pub use routes::TenantApi;

/// The tenant that people name when they log in.
pub async fn by_slug(db: &impl ConnectionTrait, slug: &str) -> Result<tenant::Model, Error> {
    let sql = "SELECT id, slug, name, time_zone, created_at, time_policy FROM tenant WHERE slug = $1";
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [slug.into()]);
    let found = tenant::Model::find_by_statement(statement).one(db).await?;
    found.ok_or_else(|| Refusal::not_found(&format!("tenant as `{slug}`")).into())
}

/// The tenant that an actor belongs to.
pub async fn by_id(db: &impl ConnectionTrait, id: Uuid) -> Result<tenant::Model, Error> {
    let sql = "SELECT id, slug, name, time_zone, created_at, time_policy FROM tenant WHERE id = $1";
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [id.into()]);
    let found = tenant::Model::find_by_statement(statement).one(db).await?;
    found.ok_or_else(|| Error::Internal(format!("tenant {id} has no row")))
}

/// Gives a tenant the name that people log in with. One that is taken is refused as a duplicate.
pub async fn rename_slug(db: &impl ConnectionTrait, id: Uuid, slug: &str) -> Result<(), Error> {
    let sql = "UPDATE tenant SET slug = $2 WHERE id = $1";
    db.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, [id.into(), slug.into()])).await?;
    Ok(())
}
