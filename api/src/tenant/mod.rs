//! Tenants: the companies that use one installation. Making one is `create`.

pub mod create;

use entity::tenant;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement};

use crate::problem::{Error, Refusal};

/// The tenant that people name when they log in.
pub async fn by_slug(db: &impl ConnectionTrait, slug: &str) -> Result<tenant::Model, Error> {
    let sql = "SELECT id, slug, name, time_zone, created_at FROM tenant WHERE slug = $1";
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [slug.into()]);
    let found = tenant::Model::find_by_statement(statement).one(db).await?;
    found.ok_or_else(|| Refusal::not_found(&format!("tenant as `{slug}`")).into())
}
