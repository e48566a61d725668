//! Fields that a tenant defines itself: who defines them (`define`), what a text must be to be a value (`value`), how the
//! values of a change are checked (`check`) and merged (`merge`), and how lists filter by them (`filter`).

pub mod check;
pub mod define;
pub mod filter;
pub mod merge;
pub mod routes;
pub mod value;

use entity::custom_field::Model;
use entity::kind::{CustomKind, Kind};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, FromQueryResult, Statement};
use uuid::Uuid;

pub use routes::CustomFieldApi;

/// The member of a record that holds the values.
pub const MEMBER: &str = "custom";

/// What stands before a key where it is named among other fields: `custom.shelfMetres`.
pub const PREFIX: &str = "custom.";

/// The records of this kind as those that may have fields of the tenant's.
pub fn customizable(kind: Kind) -> Option<CustomKind> {
    CustomKind::parse(kind.as_str())
}

/// Whether a key may be called so.
pub fn is_key(text: &str) -> bool {
    text.len() <= 40
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|letter| letter.is_ascii_alphanumeric())
}

/// What a tenant has defined for records of a kind, or for all, in the order in which it was defined.
pub async fn defined(
    connection: &impl ConnectionTrait,
    tenant_id: Uuid,
    kind: Option<CustomKind>,
) -> Result<Vec<Model>, DbErr> {
    let sql = "SELECT * FROM custom_field WHERE tenant_id = $1 AND deleted_at IS NULL
               AND ($2::text IS NULL OR record_kind = $2) ORDER BY created_at, id";
    let values = [tenant_id.into(), kind.map(CustomKind::as_str).into()];
    Model::find_by_statement(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).all(connection).await
}

/// The definition of a key.
pub fn find<'a>(defined: &'a [Model], kind: CustomKind, key: &str) -> Option<&'a Model> {
    defined.iter().find(|field| field.record_kind == kind && field.key == key)
}

/// The same, or what to tell whoever named it.
pub fn named<'a>(defined: &'a [Model], kind: CustomKind, key: &str) -> Result<&'a Model, String> {
    find(defined, kind, key).ok_or_else(|| {
        let of_kind = defined.iter().filter(|field| field.record_kind == kind && field.archived_at.is_none());
        let keys: Vec<&str> = of_kind.map(|field| field.key.as_str()).collect();
        let there_are = if keys.is_empty() { "none yet".to_owned() } else { keys.join(", ") };
        format!("There is no such field of this kind ({there_are}). An administrator defines it first.")
    })
}
