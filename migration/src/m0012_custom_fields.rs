//! Fields that tenants define themselves, and their values.

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
    "CREATE TABLE custom_field (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        revision integer NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        deleted_at timestamptz,
        record_kind text NOT NULL,
        key text NOT NULL,
        value_type text NOT NULL,
        names jsonb NOT NULL,
        choices jsonb NOT NULL,
        archived_at timestamptz,
        CONSTRAINT custom_field_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT custom_field_key_unique UNIQUE (tenant_id, record_kind, key),
        CONSTRAINT custom_field_record_kind_check CHECK (record_kind IN ('account', 'contact', 'opportunity', 'activity')),
        CONSTRAINT custom_field_value_type_check CHECK (value_type IN ('text', 'number', 'date', 'flag', 'choice'))
    )",
    "ALTER TABLE account ADD COLUMN custom jsonb",
    "ALTER TABLE contact ADD COLUMN custom jsonb",
    "ALTER TABLE opportunity ADD COLUMN custom jsonb",
    "ALTER TABLE activity ADD COLUMN custom jsonb",
    // A GIN index takes no uuid without a further extension, so the tenant is not in it: Postgres joins it with the
    // tenant's own. Records without values are not in it at all, and cost nothing.
    "CREATE INDEX account_custom_idx ON account USING gin (custom jsonb_path_ops) WHERE custom IS NOT NULL",
    "CREATE INDEX contact_custom_idx ON contact USING gin (custom jsonb_path_ops) WHERE custom IS NOT NULL",
    "CREATE INDEX opportunity_custom_idx ON opportunity USING gin (custom jsonb_path_ops) WHERE custom IS NOT NULL",
    "CREATE INDEX activity_custom_idx ON activity USING gin (custom jsonb_path_ops) WHERE custom IS NOT NULL",
];
