//! Who works which regions, for leads that are given automatically. A table that an admin sets as a whole; no record.

use entity::kind::Role;
use entity::scalar::Line;
use entity::user;
use poem_openapi::Object;
use sea_orm::DatabaseBackend::Postgres;
use sea_orm::{ConnectionTrait, DbErr, Statement};
use serde_json::json;
use uuid::Uuid;

use crate::problem::{Code, Error, FieldError, Refusal};
use crate::work::UnitOfWork;

/// A territory of this name takes leads of every region, and those without one.
pub const EVERYWHERE: &str = "*";

/// Somebody works a region. Several may work the same one, and one several.
#[derive(Clone, Debug, PartialEq, Eq, Object)]
#[oai(rename_all = "camelCase", deny_unknown_fields)]
pub struct Territory {
    /// As leads name it; `*` takes leads of every region, and those without one.
    pub region: Line,
    /// A rep or manager.
    pub user_id: Uuid,
}

/// All territories of the tenant.
#[derive(Clone, Debug, Object)]
#[oai(deny_unknown_fields)]
pub struct Territories {
    #[oai(validator(max_items = 5000))]
    pub territories: Vec<Territory>,
}

pub async fn read(db: &impl ConnectionTrait, tenant_id: Uuid) -> Result<Vec<Territory>, DbErr> {
    let sql = "SELECT region, user_id FROM territory WHERE tenant_id = $1 ORDER BY region, user_id";
    let rows = db.query_all_raw(Statement::from_sql_and_values(Postgres, sql, [tenant_id.into()])).await?;
    rows.iter()
        .map(|row| Ok(Territory { region: Line(row.try_get_by_index(0)?), user_id: row.try_get_by_index(1)? }))
        .collect()
}

/// Sets all of them.
pub async fn set(work: &mut UnitOfWork, wanted: &Territories) -> Result<(), Error> {
    work.load_shared::<user::Model>(wanted.territories.iter().map(|territory| territory.user_id)).await?;
    let works = |user: &user::Model| {
        user.deleted_at.is_none() && user.disabled_at.is_none() && matches!(user.role, Role::Rep | Role::Manager)
    };
    let faults: Vec<FieldError> = wanted
        .territories
        .iter()
        .enumerate()
        .filter(|(_, territory)| !work.get::<user::Model>(territory.user_id).is_some_and(works))
        .map(|(at, _)| {
            let detail = "Must be a rep or manager who is not disabled.";
            FieldError::new(format!("/territories/{at}/userId"), detail)
        })
        .collect();
    if !faults.is_empty() {
        return Err(Refusal::fields(Code::Validation, faults).into());
    }
    let rows: Vec<_> = wanted
        .territories
        .iter()
        .map(|territory| json!({ "region": territory.region, "user_id": territory.user_id }))
        .collect();
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended('territory ' || $1::text, 0))";
    work.connection().execute_raw(work.statement(lock, [])).await?;
    work.connection().execute_raw(work.statement("DELETE FROM territory WHERE tenant_id = $1", [])).await?;
    let insert = "
        INSERT INTO territory (tenant_id, region, user_id)
        SELECT DISTINCT c.tenant_id, r.region, r.user_id FROM sync_clock c
        CROSS JOIN json_to_recordset($2::json) AS r(region text, user_id uuid) WHERE c.tenant_id = $1";
    let rows = serde_json::to_string(&rows).expect("rows are plain data");
    work.connection().execute_raw(work.statement(insert, [rows.into()])).await?;
    Ok(())
}
