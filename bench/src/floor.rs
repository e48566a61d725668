//! What the libraries cost by themselves: poem answers after sea-orm ran the very statements of the bare side. No token, no rules,
//! no feed, no log: what a server of these parts can reach at most.

use std::path::Path;

use poem::listener::TcpListener;
use poem::middleware::AddData;
use poem::web::Data;
use poem::{EndpointExt, IntoResponse, Route, Server, get, handler, post};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement, TransactionTrait};
use std::net::SocketAddr;
use std::sync::Arc;

use crate::Failure;
use crate::server::POOL;

/// The scripts by which `pgbench` was measured, statement by statement.
struct Scripts {
    nothing: String,
    one: Vec<String>,
    push: Vec<String>,
}

struct Parts {
    db: DatabaseConnection,
    scripts: Scripts,
}

/// Serves until it is killed. `folder` has the scripts.
pub async fn serve(url: &str, folder: &Path, address: SocketAddr) -> Result<(), Failure> {
    let read = |name: &str| std::fs::read_to_string(folder.join(format!("{name}.sql")));
    let scripts = Scripts { nothing: read("nothing")?, one: inserts(&read("one")?), push: inserts(&read("push")?) };
    let parts = Arc::new(Parts { db: waypost::database::connect(url, POOL).await?, scripts });
    let routes = Route::new().at("/nothing", get(nothing)).at("/one", post(one)).at("/push", post(push));
    Server::new(TcpListener::bind(address)).run(routes.with(AddData::new(parts))).await?;
    Ok(())
}

/// The statements of a script between BEGIN and COMMIT.
fn inserts(script: &str) -> Vec<String> {
    let statements = script.split(";\n").map(str::trim).filter(|sql| !matches!(*sql, "" | "BEGIN" | "COMMIT"));
    statements.map(str::to_owned).collect()
}

#[handler]
async fn nothing(parts: Data<&Arc<Parts>>) -> poem::Result<impl IntoResponse> {
    let sql = parts.scripts.nothing.trim_end_matches([';', '\n']);
    let rows = parts.db.query_all_raw(statement(sql)).await.map_err(poem::error::InternalServerError)?;
    Ok(poem::web::Json(serde_json::json!({ "rows": rows.len() })))
}

#[handler]
async fn one(parts: Data<&Arc<Parts>>, body: String) -> poem::Result<impl IntoResponse> {
    write(&parts.db, &parts.scripts.one, body).await
}

#[handler]
async fn push(parts: Data<&Arc<Parts>>, body: String) -> poem::Result<impl IntoResponse> {
    write(&parts.db, &parts.scripts.push, body).await
}

/// Reads the body, writes the rows, and sends the body back.
async fn write(db: &DatabaseConnection, statements: &[String], body: String) -> poem::Result<impl IntoResponse> {
    let body: serde_json::Value = serde_json::from_str(&body).map_err(poem::error::BadRequest)?;
    insert(db, statements).await.map_err(poem::error::InternalServerError)?;
    Ok(poem::web::Json(body))
}

async fn insert(db: &DatabaseConnection, statements: &[String]) -> Result<(), DbErr> {
    let tx = db.begin().await?;
    for sql in statements {
        tx.execute_raw(statement(sql)).await?;
    }
    tx.commit().await
}

fn statement(sql: &str) -> Statement {
    Statement::from_string(DbBackend::Postgres, sql)
}
