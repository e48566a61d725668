//! Puts a report's statement to the database, planned anew for what is asked. A plan that is kept for any parameters takes
//! a company for a rep: where it expects ten rows and 200,000 come, it is slower by orders of magnitude. Planning takes a
//! few milliseconds.

use std::sync::Arc;

use sea_orm::sqlx::postgres::PgArguments;
use sea_orm::sqlx::query::Query;
use sea_orm::sqlx::{self, AssertSqlSafe, Postgres};
use sea_orm::{DbErr, QueryResult, RuntimeErr, Value};

use crate::state::State;

/// All rows. The SQL is the report's own text; what users say comes as values.
///
/// # Errors
/// What the database refuses.
pub async fn ask(state: &State, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<Vec<QueryResult>, DbErr> {
    let mut query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
    for value in values {
        query = bound(query, value)?;
    }
    let rows = query.fetch_all(&state.reports).await;
    let rows = rows.map_err(|error| DbErr::Query(RuntimeErr::SqlxError(Arc::new(error))))?;
    Ok(rows.into_iter().map(QueryResult::from).collect())
}

type Asked<'q> = Query<'q, Postgres, PgArguments>;

/// The types that reports are asked with.
fn bound(query: Asked<'_>, value: Value) -> Result<Asked<'_>, DbErr> {
    Ok(match value {
        Value::Bool(value) => query.bind(value),
        Value::Int(value) => query.bind(value),
        Value::BigInt(value) => query.bind(value),
        Value::String(value) => query.bind(value),
        Value::Uuid(value) => query.bind(value),
        Value::ChronoDate(value) => query.bind(value),
        Value::ChronoDateTimeUtc(value) => query.bind(value),
        other => return Err(DbErr::Type(format!("a report is asked with no value such as {other:?}"))),
    })
}
