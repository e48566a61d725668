-- The period in the tenant's time zone, and the opportunities that the filters and the actor's view leave.
-- $1 tenant, $2 user, $3 now, $4 from, $5 to, $6 as of, $7 team, $8 owner, $9 product, $10 account kind, $11 source,
-- $12 split. What follows: cohort.sql or snapshot.sql; then answer.sql. What stands in braces, told.rs explains.
WITH RECURSIVE period AS MATERIALIZED (
    SELECT time_zone, first_day, last_day, as_of,
           first_day::timestamp AT TIME ZONE time_zone AS starts,
           (last_day + 1)::timestamp AT TIME ZONE time_zone AS ends,
           (as_of + 1)::timestamp AT TIME ZONE time_zone AS day_ends,
           coalesce(($6::date + 1)::timestamp AT TIME ZONE time_zone, 'infinity') AS told_before
    FROM (
        SELECT time_zone,
               coalesce($4::date, (coalesce($5::date, $6::date, today) - interval '12 months')::date + 1) AS first_day,
               coalesce($5::date, $6::date, today) AS last_day,
               coalesce($6::date, today) AS as_of
        FROM (SELECT time_zone, ($3::timestamptz AT TIME ZONE time_zone)::date AS today FROM tenant WHERE id = $1) here
    ) days
), below AS (
    SELECT team.tenant_id, team.id FROM team WHERE team.tenant_id = $1 AND team.id = $7::uuid
    UNION
    SELECT team.tenant_id, team.id FROM below b
    JOIN team ON team.tenant_id = b.tenant_id AND team.parent_id = b.id
    WHERE team.tenant_id = $1
)
{told}
, picked AS (
    SELECT t.id, t.amount, t.currency,
           CASE $12::text WHEN 'team' THEN u.team_id WHEN 'user' THEN t.owner_id WHEN 'product' THEN t.product_id END AS split_id,
           CASE $12::text WHEN 'account_kind' THEN a.kind WHEN 'tier' THEN a.tier WHEN 'source' THEN t.source
               WHEN 'region' THEN a.address ->> 'region'
           END AS split_text
    FROM {opportunity} t
    LEFT JOIN {user} u ON u.tenant_id = $1 AND u.id = t.owner_id
    LEFT JOIN {ever_account} a ON a.tenant_id = $1 AND a.id = t.account_id
    WHERE t.tenant_id = $1 AND {picked}
      AND ($7::uuid IS NULL OR t.owner_id IN (
          SELECT u.id FROM {user} u WHERE u.tenant_id = $1 AND u.team_id IN (SELECT id FROM below)))
      AND ($8::uuid IS NULL OR t.owner_id = $8)
      AND ($9::uuid IS NULL OR t.product_id = $9)
      AND ($10::text IS NULL OR a.kind = $10)
      AND ($11::text IS NULL OR t.source = $11)
