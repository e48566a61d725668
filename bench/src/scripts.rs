//! The bare SQL for `pgbench`: it reads and writes the rows that Waypost reads and writes for the same work, and nothing else.

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};
use waypost::state::State;

use crate::Failure;
use crate::seed::Rep;

pub struct Scripts {
    rep: Rep,
    newest: i64,
    /// One for each row that an activity writes.
    rows: Vec<Row>,
}

/// A table like the product's, `bare_<n>`, and one row to repeat, `pattern_<n>`.
struct Row {
    columns: Vec<String>,
}

/// The tables that one activity writes, and how to find the row of the activity `$3` of rep `$2`.
const WRITTEN: [(&str, &str); 5] = [
    ("activity", "id = $3 AND owner_id = $2"),
    ("points_entry", "source_id = $3 AND user_id = $2"),
    ("record_history", "record_id = $3 AND $2::uuid IS NOT NULL"),
    ("feed", "record_id = $3 AND scope_id = $2"),
    ("feed", "kind = 'points_entry' AND scope_id = $2 AND document LIKE '%' || $3::text || '%'"),
];

/// What a receipt holds for an activity that was applied.
const RECEIPT: &str = r#"{"mutationId":"019a0000-0000-7000-8000-000000000000","recordId":"019a0000-0000-7000-8000-000000000000","revision":1,"status":"applied"}"#;

impl Scripts {
    /// Takes the rows of one of the rep's activities as the pattern.
    pub async fn new(state: &State, rep: Rep) -> Result<Self, Failure> {
        let query = async |sql: &str| -> Result<Option<QueryResult>, Failure> {
            let values = [rep.tenant_id.into(), rep.user_id.into()];
            Ok(state.db.query_one_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?)
        };
        let found = query(
            "SELECT record_id FROM record_history WHERE tenant_id = $1 AND actor_id = $2 AND kind = 'activity' LIMIT 1",
        )
        .await?;
        let activity: uuid::Uuid = found.ok_or("no activity to take as a pattern")?.try_get_by_index(0)?;
        let newest = query("SELECT head FROM scope_head WHERE tenant_id = $1 AND scope_id = $2").await?;
        state.db.execute_unprepared("CREATE SEQUENCE bare_seq CACHE 1000").await?;
        let mut rows = Vec::new();
        for (at, (table, condition)) in WRITTEN.into_iter().enumerate() {
            let condition =
                condition.replace("$2", &format!("'{}'", rep.user_id)).replace("$3", &format!("'{activity}'"));
            for sql in [
                format!("CREATE TABLE bare_{at} (LIKE {table} INCLUDING INDEXES)"),
                format!(
                    "CREATE TABLE pattern_{at} AS SELECT * FROM {table} WHERE tenant_id = '{}' AND {condition}",
                    rep.tenant_id
                ),
            ] {
                state.db.execute_unprepared(&sql).await?;
            }
            let sql = format!(
                "SELECT string_agg(attname, ',' ORDER BY attnum), (SELECT count(*) FROM pattern_{at})
                 FROM pg_attribute WHERE attrelid = 'bare_{at}'::regclass AND attnum > 0"
            );
            let row = query_columns(state, &sql).await?.ok_or("no row to take as a pattern")?;
            let (columns, count): (String, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            if count != 1 {
                return Err(format!("{count} rows of {table} to take as a pattern, not one").into());
            }
            rows.push(Row { columns: columns.split(',').map(str::to_owned).collect() });
        }
        state.db.execute_unprepared("CREATE TABLE bare_receipt (LIKE receipt INCLUDING INDEXES)").await?;
        let insert = format!(
            "CREATE TABLE pattern_receipt AS SELECT '{}'::uuid AS tenant_id, '{}'::uuid AS user_id, md5('x') || md5('y') AS hash,
             '{RECEIPT}'::text AS result, clock_timestamp() AS created_at",
            rep.tenant_id, rep.user_id
        );
        state.db.execute_unprepared(&insert).await?;
        Ok(Scripts { rep, newest: newest.ok_or("no head")?.try_get_by_index(0)?, rows })
    }

    /// Reads the clock and what follows a number in one scope.
    pub fn pull(&self, behind: i64, limit: usize) -> String {
        let Rep { tenant_id, user_id, .. } = self.rep;
        let since = self.newest - behind;
        format!(
            "SELECT c.head, f.kind, f.record_id, f.revision, f.document FROM sync_clock c \
             LEFT JOIN feed f ON f.tenant_id = c.tenant_id AND f.scope_id = '{user_id}' AND f.seq > {since} \
             WHERE c.tenant_id = '{tenant_id}' ORDER BY f.seq LIMIT {limit};\n"
        )
    }

    /// Reads everything in one scope, in two pages.
    pub fn first(&self, rep: Rep) -> String {
        let Rep { tenant_id, user_id, .. } = rep;
        let page = |offset: usize| {
            format!(
                "SELECT kind, record_id, revision, document FROM feed WHERE tenant_id = '{tenant_id}' AND scope_id = '{user_id}' \
                 AND seq > (SELECT min(seq) - 1 FROM feed WHERE tenant_id = '{tenant_id}' AND scope_id = '{user_id}') + {offset} \
                 ORDER BY seq LIMIT 5000;\n"
            )
        };
        page(0) + &page(5000)
    }

    /// How many rows the rep's own scope has.
    pub async fn rows(&self, state: &State, rep: Rep) -> Result<i64, Failure> {
        let sql = "SELECT count(*) FROM feed WHERE tenant_id = $1 AND scope_id = $2";
        let values = [rep.tenant_id.into(), rep.user_id.into()];
        let row = state.db.query_one_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
        Ok(row.ok_or("no count")?.try_get_by_index(0)?)
    }

    /// Inserts the rows that `size` activities write: record, points, history, receipt and feed. No rules, no clock.
    pub fn push(&self, size: usize) -> String {
        let mut script = "BEGIN;\n".to_owned();
        for (at, row) in self.rows.iter().enumerate() {
            let fresh = row.columns.iter().map(|column| match column.as_str() {
                "id" | "record_id" => "gen_random_uuid()",
                // One of many entries of one activity and one rep: the numbers keep them apart.
                "number" | "ordinal" => "(random() * 2000000000)::integer",
                "seq" => "nextval('bare_seq')",
                other => other,
            });
            let values = fresh.collect::<Vec<_>>().join(", ");
            script += &format!(
                "INSERT INTO bare_{at} ({}) SELECT {values} FROM pattern_{at}, generate_series(1, {size});\n",
                row.columns.join(", ")
            );
        }
        script += &format!(
            "INSERT INTO bare_receipt SELECT tenant_id, user_id, gen_random_uuid()::text, hash, result, created_at \
             FROM pattern_receipt, generate_series(1, {size});\nCOMMIT;\n"
        );
        script
    }
}

async fn query_columns(state: &State, sql: &str) -> Result<Option<QueryResult>, Failure> {
    Ok(state.db.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?)
}
