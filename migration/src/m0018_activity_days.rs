//! What each rep did on each day, as reports read it.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection.execute_unprepared(TABLE).await?;
        connection.execute_unprepared(DUE).await?;
        connection.execute_unprepared(&fill()).await?;
        Ok(())
    }
}

/// Days are those of the tenant's zone. Delays from when something took place to when it was typed are counted by steps.
const TABLE: &str = "CREATE TABLE activity_day (
    tenant_id uuid NOT NULL,
    owner_id uuid NOT NULL,
    day date NOT NULL,
    activities integer NOT NULL,
    visits integer NOT NULL,
    verified integer NOT NULL,
    outside integer NOT NULL,
    within_day integer NOT NULL,
    untimed integer NOT NULL,
    minutes bigint NOT NULL,
    key_minutes bigint NOT NULL,
    ordinary_minutes bigint NOT NULL,
    potential_minutes bigint NOT NULL,
    delays integer[] NOT NULL,
    delay_minutes bigint[] NOT NULL,
    CONSTRAINT activity_day_pkey PRIMARY KEY (tenant_id, owner_id, day),
    CONSTRAINT activity_day_owner_fkey FOREIGN KEY (tenant_id, owner_id) REFERENCES \"user\" (tenant_id, id))";

/// Marks of days that are to be counted anew: the one of the owner in which the moment lies. A day may have several.
const DUE: &str = "CREATE TABLE activity_day_due (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    owner_id uuid NOT NULL,
    occurred timestamptz NOT NULL,
    CONSTRAINT activity_day_due_pkey PRIMARY KEY (tenant_id, id))";

const STEPS: [i32; 27] = [
    5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300, 360, 480, 600, 720, 960, 1200, 1440, 2160, 2880, 4320, 5760,
    7200, 10080, 20160, 43200,
];

fn fill() -> String {
    let each = |sum: &str| {
        let sums = (0..=STEPS.len()).map(|step| format!("coalesce({sum} FILTER (WHERE step = {step}), 0)"));
        sums.collect::<Vec<_>>().join(", ")
    };
    format!(
        "INSERT INTO activity_day
         SELECT tenant_id, owner_id, day, count(*), count(*) FILTER (WHERE kind = 'visit'),
                count(*) FILTER (WHERE kind = 'visit' AND verdict = 'verified'),
                count(*) FILTER (WHERE kind = 'visit' AND verdict = 'outside'),
                count(*) FILTER (WHERE delay <= interval '24 hours'), count(*) FILTER (WHERE minutes IS NULL),
                coalesce(sum(minutes), 0), coalesce(sum(minutes) FILTER (WHERE tier = 'key'), 0),
                coalesce(sum(minutes) FILTER (WHERE tier = 'ordinary'), 0),
                coalesce(sum(minutes) FILTER (WHERE tier = 'potential'), 0),
                ARRAY[{}]::integer[], ARRAY[{}]::bigint[]
         FROM (
             SELECT d.*, width_bucket(late, '{{{}}}'::integer[]) AS step
             FROM (
                 SELECT a.tenant_id, a.owner_id, (a.occurred AT TIME ZONE tenant.time_zone)::date AS day, a.kind, a.verdict,
                        a.duration_minutes AS minutes, account.tier, a.captured - a.occurred AS delay,
                        least(greatest(floor(date_part('epoch', a.captured - a.occurred) / 60), 0), 43200)::integer AS late
                 FROM activity a
                 JOIN tenant ON tenant.id = a.tenant_id
                 JOIN account ON account.tenant_id = a.tenant_id AND account.id = a.account_id
                 WHERE a.deleted_at IS NULL
                 OFFSET 0
             ) d
             OFFSET 0
         ) x
         GROUP BY tenant_id, owner_id, day",
        each("count(*)"),
        each("sum(late)"),
        STEPS.map(|step| step.to_string()).join(",")
    )
}
