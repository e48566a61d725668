//! The role that the application works as: it adds to the books and changes nothing in them. Migrations run as the owner
//! of the tables, whom no REVOKE binds; every pool of the application takes this role on, and with it loses the right to
//! update or delete an entry, whatever a bug asks for. No triggers, so that it holds on Citus too.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement, TransactionTrait};

use super::sqlstate;

/// Known to the whole cluster; its rights are those in each database.
pub const ROLE: &str = "waypost_app";

/// Tables that the application only adds to: the ledger, the statements made of it, and who changed what.
pub const BOOKS: [&str; 3] = ["points_entry", "statement", "record_history"];

/// Whether the one who is connected may take the role on, and it can work here. A NULL, where there is no role or no
/// table, is a no.
const TAKES: &str = "
    SELECT coalesce((
        SELECT pg_has_role(current_user, oid,
                   CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)
               AND has_table_privilege(oid, to_regclass('points_entry')::oid, 'INSERT')
               AND NOT has_table_privilege(oid, to_regclass('points_entry')::oid, 'UPDATE')
        FROM pg_roles WHERE rolname = $1), false)";

/// What stands in the way of the role: whether it is missing, whether the one who is connected owns the tables, may make
/// roles and may take this one on, and the schema.
const STANDING: &str = "
    SELECT r.oid IS NULL,
           coalesce((SELECT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class
                     WHERE oid = to_regclass('points_entry')), false),
           (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user),
           coalesce(pg_has_role(current_user, r.oid,
               CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END), false),
           quote_ident(current_schema())
    FROM (SELECT 1) AS one LEFT JOIN pg_roles r ON r.rolname = $1";

/// Tables on which the role has more or less than it should. `$1` role, `$2` books.
const AMISS: &str = "
    SELECT count(*) FROM pg_class c
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
      AND (NOT has_table_privilege($1, c.oid, 'SELECT') OR NOT has_table_privilege($1, c.oid, 'INSERT')
           OR has_table_privilege($1, c.oid, 'UPDATE') = (c.relname = ANY($2))
           OR has_table_privilege($1, c.oid, 'DELETE') = (c.relname = ANY($2)))";

fn ask(sql: &str, values: Vec<sea_orm::Value>) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}

/// Whether pools of this user take the role on.
pub async fn takes(database: &impl ConnectionTrait) -> Result<bool, DbErr> {
    let row = database.query_one_raw(ask(TAKES, vec![ROLE.into()])).await?;
    row.map_or(Ok(false), |row| row.try_get_by_index(0))
}

/// Makes the role where it is missing and gives it its rights in this database. Whoever does not own the tables leaves
/// all as it is. Where the owner may not make roles, the application works as the owner, and the log says how to
/// mend that.
pub async fn grant(database: &DatabaseConnection) -> Result<(), DbErr> {
    let Some(row) = database.query_one_raw(ask(STANDING, vec![ROLE.into()])).await? else { return Ok(()) };
    let (missing, owns, makes): (bool, bool, bool) =
        (row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?);
    let (takes, schema): (bool, String) = (row.try_get_by_index(3)?, row.try_get_by_index(4)?);
    if !owns {
        return Ok(());
    }
    if missing && !makes {
        tracing::warn!(
            "the ledger is append-only by the program alone: this database user may not make roles. Have an administrator \
             run: CREATE ROLE {ROLE} NOLOGIN; GRANT {ROLE} TO <this user>; and start again"
        );
        return Ok(());
    }
    if missing {
        match database.execute_unprepared(&format!("CREATE ROLE {ROLE} NOLOGIN")).await {
            // Somebody else has just made it, for another database of this cluster.
            Err(cause) if matches!(sqlstate(&cause).as_deref(), Some("42710" | "23505")) => {}
            Err(cause) => return Err(cause),
            Ok(_) => {}
        }
    }
    if !takes && database.execute_unprepared(&format!("GRANT {ROLE} TO CURRENT_USER")).await.is_err() {
        tracing::warn!(
            "the ledger is append-only by the program alone: this database user may not take on the role {ROLE}. Have an \
             administrator run: GRANT {ROLE} TO <this user>; and start again"
        );
    }
    let books = BOOKS.map(str::to_owned).to_vec();
    let amiss = database.query_one_raw(ask(AMISS, vec![ROLE.into(), books.into()])).await?;
    let amiss: i64 = amiss.map_or(Ok(0), |row| row.try_get_by_index(0))?;
    if amiss == 0 {
        return Ok(());
    }
    let transaction = database.begin().await?;
    for statement in [
        format!("GRANT USAGE ON SCHEMA {schema} TO {ROLE}"),
        format!("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {ROLE}"),
        format!("REVOKE UPDATE, DELETE, TRUNCATE ON {} FROM {ROLE}", BOOKS.join(", ")),
    ] {
        transaction.execute_unprepared(&statement).await?;
    }
    transaction.commit().await
}
