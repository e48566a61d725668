//! What each rep did in each month, as reports of long periods read it.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection.execute_unprepared(TABLE).await?;
        connection.execute_unprepared(&fill()).await?;
        Ok(())
    }
}

/// The sums of `activity_day`; `month` is the first day.
const TABLE: &str = "CREATE TABLE activity_month (
    tenant_id uuid NOT NULL,
    owner_id uuid NOT NULL,
    month date NOT NULL,
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
    CONSTRAINT activity_month_pkey PRIMARY KEY (tenant_id, owner_id, month),
    CONSTRAINT activity_month_owner_fkey FOREIGN KEY (tenant_id, owner_id) REFERENCES \"user\" (tenant_id, id))";

const STEPS: usize = 28;

fn fill() -> String {
    let steps = |column: &str| (1..=STEPS).map(|step| format!("sum({column}[{step}])")).collect::<Vec<_>>().join(", ");
    format!(
        "INSERT INTO activity_month
         SELECT tenant_id, owner_id, date_trunc('month', day::timestamp)::date,
                sum(activities), sum(visits), sum(verified), sum(outside), sum(within_day), sum(untimed),
                sum(minutes), sum(key_minutes), sum(ordinary_minutes), sum(potential_minutes),
                ARRAY[{}]::integer[], ARRAY[{}]::bigint[]
         FROM activity_day
         GROUP BY 1, 2, 3",
        steps("delays"),
        steps("delay_minutes")
    )
}
