//! Webhooks: endpoints, each a place in the history, and what became of what was sent to them.

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
    // The secret is kept as it is: to sign is to use it.
    "CREATE TABLE webhook (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        url text NOT NULL,
        description text,
        kinds text[] NOT NULL,
        ops text[] NOT NULL,
        secret text NOT NULL,
        former_secret text,
        former_until timestamptz,
        created_at timestamptz NOT NULL,
        seq bigint NOT NULL,
        record_id uuid NOT NULL,
        kind text NOT NULL,
        revision integer NOT NULL,
        failures integer NOT NULL,
        next_attempt_at timestamptz NOT NULL,
        leased_until timestamptz,
        disabled_at timestamptz,
        disabled_reason text,
        CONSTRAINT webhook_pkey PRIMARY KEY (tenant_id, id)
    )",
    "CREATE TABLE webhook_delivery (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        webhook_id uuid NOT NULL,
        event_id text NOT NULL,
        type text NOT NULL,
        attempt integer NOT NULL,
        attempted_at timestamptz NOT NULL,
        status integer,
        error text,
        millis integer NOT NULL,
        CONSTRAINT webhook_delivery_pkey PRIMARY KEY (tenant_id, webhook_id, id),
        CONSTRAINT webhook_delivery_webhook_fkey FOREIGN KEY (tenant_id, webhook_id) REFERENCES webhook (tenant_id, id) ON DELETE CASCADE
    )",
    "CREATE INDEX webhook_delivery_time_idx ON webhook_delivery (attempted_at)",
    // What webhooks read on from where they are.
    "CREATE INDEX record_history_seq_idx ON record_history (tenant_id, seq)",
];
