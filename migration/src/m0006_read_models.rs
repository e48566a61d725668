//! What the manager's read models ask of records.

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
    "ALTER TABLE account ADD COLUMN tier text",
    "ALTER TABLE account ADD CONSTRAINT account_tier_check CHECK (tier IN ('key', 'ordinary', 'potential'))",
    // When an account was last spoken to.
    "CREATE INDEX activity_contact_idx ON activity (tenant_id, account_id, occurred) WHERE deleted_at IS NULL AND kind <> 'note'",
    // What a user or a team is to reach within some days.
    "CREATE TABLE goal (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        user_id uuid,
        team_id uuid,
        measure text NOT NULL,
        target numeric(16, 4) NOT NULL,
        currency text,
        from_on date NOT NULL,
        to_on date NOT NULL,
        created_at timestamptz NOT NULL,
        created_by uuid NOT NULL,
        CONSTRAINT goal_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT goal_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES \"user\" (tenant_id, id),
        CONSTRAINT goal_team_fkey FOREIGN KEY (tenant_id, team_id) REFERENCES team (tenant_id, id),
        CONSTRAINT goal_whose_check CHECK (num_nonnulls(user_id, team_id) = 1),
        CONSTRAINT goal_measure_check CHECK (measure IN ('amount', 'signed_count', 'visits', 'new_accounts')),
        CONSTRAINT goal_currency_check CHECK ((measure = 'amount') = (currency IS NOT NULL)),
        CONSTRAINT goal_target_check CHECK (target > 0),
        CONSTRAINT goal_days_check CHECK (from_on <= to_on)
    )",
    "CREATE UNIQUE INDEX goal_user_unique ON goal (tenant_id, user_id, measure, from_on, to_on, coalesce(currency, ''))
        WHERE user_id IS NOT NULL",
    "CREATE UNIQUE INDEX goal_team_unique ON goal (tenant_id, team_id, measure, from_on, to_on, coalesce(currency, ''))
        WHERE team_id IS NOT NULL",
    "CREATE INDEX goal_days_idx ON goal (tenant_id, to_on)",
];
