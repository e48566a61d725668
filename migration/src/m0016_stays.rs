//! How long each opportunity stood in each stage, as reports read it.

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
    // One row for each move, worked out of the moves of its opportunity whenever there is a new one.
    "CREATE TABLE stay (
        tenant_id uuid NOT NULL,
        opportunity_id uuid NOT NULL,
        number integer NOT NULL,
        from_stage text,
        stage text NOT NULL,
        lost_reason text,
        probability integer NOT NULL,
        entered timestamptz NOT NULL,
        told timestamptz NOT NULL,
        stood_until timestamptz NOT NULL,
        told_until timestamptz NOT NULL,
        is_newest boolean NOT NULL,
        came_intent timestamptz,
        came_pre_sale timestamptz,
        came_negotiation timestamptz,
        came_signed timestamptz,
        CONSTRAINT stay_pkey PRIMARY KEY (tenant_id, opportunity_id, number),
        CONSTRAINT stay_opportunity_fkey FOREIGN KEY (tenant_id, opportunity_id) REFERENCES opportunity (tenant_id, id),
        CONSTRAINT stay_from_check CHECK (from_stage IN ('intent', 'pre_sale', 'negotiation', 'signed', 'lost')),
        CONSTRAINT stay_stage_check CHECK (stage IN ('intent', 'pre_sale', 'negotiation', 'signed', 'lost')))",
    "INSERT INTO stay
        SELECT tenant_id, opportunity_id, number, from_stage, to_stage, lost_reason, probability, occurred,
               greatest(occurred, received),
               coalesce(min(occurred) OVER later, 'infinity'), coalesce(min(greatest(occurred, received)) OVER later, 'infinity'),
               count(*) OVER later = 0,
               min(occurred) FILTER (WHERE to_stage <> 'lost') OVER so_far,
               min(occurred) FILTER (WHERE to_stage IN ('pre_sale', 'negotiation', 'signed')) OVER so_far,
               min(occurred) FILTER (WHERE to_stage IN ('negotiation', 'signed')) OVER so_far,
               min(occurred) FILTER (WHERE to_stage = 'signed') OVER so_far
        FROM stage_move
        WINDOW so_far AS (PARTITION BY tenant_id, opportunity_id ORDER BY number ROWS UNBOUNDED PRECEDING),
               later AS (PARTITION BY tenant_id, opportunity_id ORDER BY number ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)",
    // All that a report asks of where an opportunity stands now.
    "CREATE INDEX stay_newest_idx ON stay (tenant_id, opportunity_id)
        INCLUDE (stage, from_stage, lost_reason, probability, entered, came_intent, came_pre_sale, came_negotiation, came_signed)
        WHERE is_newest",
];
