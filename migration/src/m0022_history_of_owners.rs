//! What reports of a past day look up of records: whose they were, to what they belonged, and what they were worth.

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
    "DROP INDEX record_history_worth_idx",
    r#"CREATE INDEX record_history_was_idx ON record_history (tenant_id, kind, record_id, revision) INCLUDE (captured, received)
        WHERE op = 'update' AND (
            kind = 'opportunity' AND (
                changes LIKE '%"amount":%' OR changes LIKE '%"currency":%' OR changes LIKE '%"expectedOn":%'
                OR changes LIKE '%"ownerId":%' OR changes LIKE '%"productId":%' OR changes LIKE '%"source":%')
            OR kind = 'account' AND (
                changes LIKE '%"ownerId":%' OR changes LIKE '%"kind":%' OR changes LIKE '%"tier":%' OR changes LIKE '%"address":%')
            OR kind = 'user' AND changes LIKE '%"teamId":%')"#,
];
