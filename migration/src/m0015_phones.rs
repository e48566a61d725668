//! Phone numbers are found by their last seven digits: numbers of one country may be shorter than ten.

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
    "DROP INDEX lead_phone_idx",
    "CREATE INDEX lead_phone_idx ON lead (tenant_id, right(regexp_replace(phone, '[^0-9]', '', 'g'), 7))",
    "DROP INDEX account_phone_idx",
    "CREATE INDEX account_phone_idx ON account (tenant_id, right(regexp_replace(phone, '[^0-9]', '', 'g'), 7))",
    "DROP INDEX contact_phone_idx",
    "CREATE INDEX contact_phone_idx ON contact (tenant_id, right(regexp_replace(phone, '[^0-9]', '', 'g'), 7))",
];
