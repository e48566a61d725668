//! What was said about a loss stays in the history of stages, also after the opportunity was reopened.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection.execute_unprepared("ALTER TABLE stage_move ADD COLUMN lost_note text").await?;
        Ok(())
    }
}
