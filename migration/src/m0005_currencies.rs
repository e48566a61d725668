//! A statement names fines in each currency.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let add = "ALTER TABLE statement ADD COLUMN other_money jsonb";
        manager.get_connection().execute_unprepared(add).await.map(drop)
    }
}
