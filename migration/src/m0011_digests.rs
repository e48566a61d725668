//! Monday summaries for managers: what each says, which weeks are done, what is still to be mailed, and who wants no mail.

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
    "CREATE TABLE weekly_digest (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        revision integer NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        deleted_at timestamptz,
        user_id uuid NOT NULL,
        monday date NOT NULL,
        locale text NOT NULL,
        figures jsonb NOT NULL,
        CONSTRAINT weekly_digest_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT weekly_digest_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES \"user\" (tenant_id, id),
        CONSTRAINT weekly_digest_monday_unique UNIQUE (tenant_id, user_id, monday),
        CONSTRAINT weekly_digest_locale_check CHECK (locale IN ('en', 'zh'))
    )",
    // A tenant's week is done by whoever writes its row.
    "CREATE TABLE digest_week (
        tenant_id uuid NOT NULL,
        monday date NOT NULL,
        made_at timestamptz NOT NULL,
        CONSTRAINT digest_week_pkey PRIMARY KEY (tenant_id, monday)
    )",
    "CREATE TABLE digest_mail (
        tenant_id uuid NOT NULL,
        digest_id uuid NOT NULL,
        status text NOT NULL,
        attempts integer NOT NULL,
        next_attempt_at timestamptz NOT NULL,
        leased_until timestamptz,
        ended_at timestamptz,
        error text,
        CONSTRAINT digest_mail_pkey PRIMARY KEY (tenant_id, digest_id),
        CONSTRAINT digest_mail_digest_fkey FOREIGN KEY (tenant_id, digest_id) REFERENCES weekly_digest (tenant_id, id),
        CONSTRAINT digest_mail_status_check CHECK (status IN ('waiting', 'sent', 'unwanted', 'failed'))
    )",
    "CREATE INDEX digest_mail_waiting_idx ON digest_mail (tenant_id, next_attempt_at) WHERE status = 'waiting'",
    "CREATE TABLE digest_opt_out (
        tenant_id uuid NOT NULL,
        user_id uuid NOT NULL,
        since timestamptz NOT NULL,
        CONSTRAINT digest_opt_out_pkey PRIMARY KEY (tenant_id, user_id),
        CONSTRAINT digest_opt_out_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES \"user\" (tenant_id, id)
    )",
];
