//! Attachments: the record, what is kept of its file, and uploads under way.

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
    "CREATE TABLE attachment (
        tenant_id uuid NOT NULL, id uuid NOT NULL, revision integer NOT NULL,
        created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, deleted_at timestamptz,
        account_id uuid NOT NULL,
        contact_id uuid,
        opportunity_id uuid,
        activity_id uuid,
        owner_id uuid NOT NULL,
        kind text NOT NULL,
        file_name text NOT NULL,
        bytes bigint,
        sha256 text,
        content_type text,
        state text NOT NULL,
        ready_at timestamptz,
        has_thumbnail boolean NOT NULL,
        reason text,
        detail text,
        CONSTRAINT attachment_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT attachment_account_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, id),
        CONSTRAINT attachment_contact_fkey FOREIGN KEY (tenant_id, contact_id) REFERENCES contact (tenant_id, id),
        CONSTRAINT attachment_opportunity_fkey FOREIGN KEY (tenant_id, opportunity_id) REFERENCES opportunity (tenant_id, id),
        CONSTRAINT attachment_activity_fkey FOREIGN KEY (tenant_id, activity_id) REFERENCES activity (tenant_id, id),
        CONSTRAINT attachment_parent_check CHECK (num_nonnulls(contact_id, opportunity_id, activity_id) <= 1),
        CONSTRAINT attachment_kind_check CHECK (kind IN ('photo', 'voice_note', 'document')),
        CONSTRAINT attachment_state_check CHECK (state IN ('pending', 'ready', 'refused')),
        CONSTRAINT attachment_ready_check CHECK (state <> 'ready' OR (bytes IS NOT NULL AND sha256 IS NOT NULL
            AND content_type IS NOT NULL AND ready_at IS NOT NULL)),
        CONSTRAINT attachment_reason_check CHECK (reason IN ('wrong_size', 'wrong_checksum', 'wrong_type', 'damaged', 'expired'))
    )",
    "CREATE INDEX attachment_account_idx ON attachment (tenant_id, account_id)",
    "CREATE INDEX attachment_contact_idx ON attachment (tenant_id, contact_id) WHERE contact_id IS NOT NULL",
    "CREATE INDEX attachment_opportunity_idx ON attachment (tenant_id, opportunity_id) WHERE opportunity_id IS NOT NULL",
    "CREATE INDEX attachment_activity_idx ON attachment (tenant_id, activity_id) WHERE activity_id IS NOT NULL",
    // There may be objects in the store. Written before the first of them, deleted after the last.
    "CREATE TABLE attachment_file (
        tenant_id uuid NOT NULL,
        attachment_id uuid NOT NULL,
        created_at timestamptz NOT NULL,
        sha256 text,
        shared_sha256 text,
        shared_bytes bigint,
        CONSTRAINT attachment_file_pkey PRIMARY KEY (tenant_id, attachment_id),
        CONSTRAINT attachment_file_attachment_fkey FOREIGN KEY (tenant_id, attachment_id) REFERENCES attachment (tenant_id, id)
    )",
    // `writer` is the request that goes on with it: whoever came last.
    "CREATE TABLE upload (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        attachment_id uuid NOT NULL,
        user_id uuid NOT NULL,
        bytes bigint NOT NULL,
        received bigint NOT NULL,
        writer uuid NOT NULL,
        metadata text NOT NULL,
        touched_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        ended_at timestamptz,
        CONSTRAINT upload_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT upload_attachment_fkey FOREIGN KEY (tenant_id, attachment_id) REFERENCES attachment (tenant_id, id),
        CONSTRAINT upload_received_check CHECK (received BETWEEN 0 AND bytes)
    )",
    "CREATE INDEX upload_user_idx ON upload (tenant_id, user_id) WHERE ended_at IS NULL",
    "CREATE INDEX upload_attachment_idx ON upload (tenant_id, attachment_id)",
    "CREATE INDEX upload_expiry_idx ON upload (expires_at)",
    "CREATE TABLE upload_part (
        tenant_id uuid NOT NULL,
        upload_id uuid NOT NULL,
        start bigint NOT NULL,
        bytes bigint NOT NULL,
        writer uuid NOT NULL,
        CONSTRAINT upload_part_pkey PRIMARY KEY (tenant_id, upload_id, start),
        CONSTRAINT upload_part_upload_fkey FOREIGN KEY (tenant_id, upload_id) REFERENCES upload (tenant_id, id) ON DELETE CASCADE
    )",
];
