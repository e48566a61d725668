//! Imports that run in the background, with the files that were sent and what became of their rows; and secret addresses
//! at which calendars fetch plans.

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
    // `pass` and `row` say how far it is; `lease` names the run that holds it; `attempts` are those without progress.
    r#"CREATE TABLE import (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        requested_by uuid NOT NULL,
        requested_at timestamptz NOT NULL,
        started_at timestamptz,
        finished_at timestamptz,
        status text NOT NULL,
        dry_run boolean NOT NULL,
        kind text,
        mapping text,
        counts jsonb NOT NULL,
        pass_files integer[] NOT NULL,
        pass integer NOT NULL,
        row bigint NOT NULL,
        percent integer NOT NULL,
        attempts integer NOT NULL,
        lease uuid,
        leased_until timestamptz,
        cancelling boolean NOT NULL,
        error text,
        CONSTRAINT import_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT import_user_fkey FOREIGN KEY (tenant_id, requested_by) REFERENCES "user" (tenant_id, id),
        CONSTRAINT import_status_check CHECK (status IN ('queued', 'running', 'done', 'failed', 'cancelled'))
    )"#,
    "CREATE INDEX import_open_idx ON import (tenant_id, id) WHERE status IN ('queued', 'running')",
    "CREATE TABLE import_file (
        tenant_id uuid NOT NULL,
        import_id uuid NOT NULL,
        number integer NOT NULL,
        name text NOT NULL,
        bytes bigint NOT NULL,
        format text,
        encoding text,
        headers text[],
        CONSTRAINT import_file_pkey PRIMARY KEY (tenant_id, import_id, number),
        CONSTRAINT import_file_import_fkey FOREIGN KEY (tenant_id, import_id) REFERENCES import (tenant_id, id) ON DELETE CASCADE
    )",
    // Written while the file is still on its way, before there is an import.
    "CREATE TABLE import_chunk (
        tenant_id uuid NOT NULL,
        import_id uuid NOT NULL,
        file integer NOT NULL,
        number integer NOT NULL,
        received_at timestamptz NOT NULL,
        bytes bytea NOT NULL,
        CONSTRAINT import_chunk_pkey PRIMARY KEY (tenant_id, import_id, file, number)
    )",
    "CREATE INDEX import_chunk_time_idx ON import_chunk (tenant_id, received_at)",
    // Rows that were refused, and those that wait for rows further down, which have no reason.
    "CREATE TABLE import_row (
        tenant_id uuid NOT NULL,
        import_id uuid NOT NULL,
        pass integer NOT NULL,
        place bigint NOT NULL,
        line bigint NOT NULL,
        reason text,
        cells jsonb NOT NULL,
        CONSTRAINT import_row_pkey PRIMARY KEY (tenant_id, import_id, pass, place),
        CONSTRAINT import_row_import_fkey FOREIGN KEY (tenant_id, import_id) REFERENCES import (tenant_id, id) ON DELETE CASCADE
    )",
    r#"CREATE TABLE calendar_feed (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        user_id uuid NOT NULL,
        name text NOT NULL,
        hash bytea NOT NULL,
        created_at timestamptz NOT NULL,
        last_used_at timestamptz,
        revoked_at timestamptz,
        CONSTRAINT calendar_feed_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT calendar_feed_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES "user" (tenant_id, id)
    )"#,
    "CREATE UNIQUE INDEX calendar_feed_hash_unique ON calendar_feed (tenant_id, hash)",
];
