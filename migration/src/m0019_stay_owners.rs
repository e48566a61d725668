//! Whose opportunity a stay is of, so that reports on stays read these alone.

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
    "ALTER TABLE stay ADD COLUMN owner_id uuid, ADD COLUMN account_id uuid, ADD COLUMN deleted_at timestamptz",
    "UPDATE stay SET owner_id = o.owner_id, account_id = o.account_id, deleted_at = o.deleted_at
     FROM opportunity o WHERE o.tenant_id = stay.tenant_id AND o.id = stay.opportunity_id",
    "ALTER TABLE stay ALTER COLUMN owner_id SET NOT NULL",
];
