//! How reps' time is to be shared out.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection.execute_unprepared(TIME).await?;
        Ok(())
    }
}

const TIME: &str = r#"ALTER TABLE tenant ADD COLUMN time_policy jsonb NOT NULL DEFAULT '{"key": 60, "ordinary": 30, "potential": 10}'"#;
