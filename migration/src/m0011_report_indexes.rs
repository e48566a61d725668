//! What reports over many rows read without touching the tables.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        for statement in STATEMENTS {
            connection.execute_unprepared(statement).await?;
        }
        Ok(())
    }
}

const STATEMENTS: &[&str] = &[
    // The same index, with all that a report asks of an activity.
    "DROP INDEX activity_owner_idx",
    "CREATE INDEX activity_owner_idx ON activity (tenant_id, owner_id, occurred)
        INCLUDE (kind, verdict, duration_minutes, captured, account_id, deleted_at)",
    // The few changes that say what an opportunity was worth, and when it was expected, on a past day.
    "DROP INDEX record_history_amount_idx",
    r#"CREATE INDEX record_history_worth_idx ON record_history (tenant_id, record_id, revision) INCLUDE (captured, received)
        WHERE kind = 'opportunity' AND op = 'update'
          AND (changes LIKE '%"amount":%' OR changes LIKE '%"currency":%' OR changes LIKE '%"expectedOn":%')"#,
];
