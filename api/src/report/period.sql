-- What every report begins with: its period in the tenant's time zone, the teams that it is of, and the people whose own
-- figures the caller may see: himself, for a manager those below him, everybody for admins.
-- $1 tenant, $2 user, $3 now, $4 from, $5 to, $6 team, $7 user it is of, $8 days of the period without `from`,
-- $9 whether the caller sees all, $10 the day as of which it is told.
WITH RECURSIVE period AS MATERIALIZED (
    SELECT time_zone, today, first_day, last_day, as_of,
           first_day::timestamp AT TIME ZONE time_zone AS starts,
           (last_day + 1)::timestamp AT TIME ZONE time_zone AS ends,
           coalesce((as_of + 1)::timestamp AT TIME ZONE time_zone, 'infinity') AS told_before
    FROM (
        SELECT time_zone, today, $10::date AS as_of,
               coalesce($4::date, coalesce($5::date, $10::date, today) - $8::integer + 1) AS first_day,
               coalesce($5::date, $10::date, today) AS last_day
        FROM (SELECT time_zone, ($3::timestamptz AT TIME ZONE time_zone)::date AS today FROM tenant WHERE id = $1) here
    ) days
), below AS (
    SELECT team.tenant_id, team.id FROM team WHERE team.tenant_id = $1 AND team.id = $6::uuid
    UNION
    SELECT team.tenant_id, team.id FROM below b
    JOIN team ON team.tenant_id = b.tenant_id AND team.parent_id = b.id
    WHERE team.tenant_id = $1
)
{told}
, people AS MATERIALIZED (
    SELECT u.tenant_id, u.id, u.name, u.team_id, team.name AS team
    FROM {user} u
    JOIN team ON team.tenant_id = u.tenant_id AND team.id = u.team_id
    WHERE u.tenant_id = $1 AND u.deleted_at IS NULL
      AND ($9::boolean OR u.id IN (
          SELECT g.scope_id FROM scope_grant g WHERE g.tenant_id = $1 AND g.user_id = $2::uuid AND g.revoked IS NULL))
      AND ($6::uuid IS NULL OR u.team_id IN (SELECT id FROM below))
      AND ($7::uuid IS NULL OR u.id = $7)
)
