-- The activities of a period by team and month: one row a team and month, one a month, and one for all.
-- $1 tenant, $2 user, $3 from, $4 before, $5 team or none, $6 what the rules weigh. What stands between this file and the next:
-- the condition of visibility over `t`.
WITH RECURSIVE below AS (
    SELECT team.tenant_id, team.id FROM team WHERE team.tenant_id = $1 AND team.id = $5::uuid
    UNION
    SELECT team.tenant_id, team.id FROM below b
    JOIN team ON team.tenant_id = b.tenant_id AND team.parent_id = b.id
    WHERE team.tenant_id = $1
), weighed AS MATERIALIZED (
    SELECT * FROM json_to_recordset($6::json) AS w(kind text, field text, least integer, beside text)
), seen AS MATERIALIZED (
    SELECT t.kind, u.team_id, to_char(t.occurred AT TIME ZONE tenant.time_zone, 'YYYY-MM') AS month, t.entry_seconds,
           t.captured - t.occurred <= interval '2 hours' AS soon,
           o.stage AS outcome,
           num_nonnulls(t.contact_id, t.opportunity_id, t.duration_minutes, t.summary, t.outcome, t.next_step,
                        t.next_step_on, t.check_in, t.check_out) AS fields,
           -- How many characters each text has, and 1 for what else is filled.
           jsonb_build_object(
               'summary', char_length(btrim(t.summary)), 'outcome', char_length(btrim(t.outcome)),
               'nextStep', char_length(btrim(t.next_step)), 'nextStepOn', num_nonnulls(t.next_step_on),
               'contactId', num_nonnulls(t.contact_id), 'opportunityId', num_nonnulls(t.opportunity_id),
               'durationMinutes', num_nonnulls(t.duration_minutes), 'checkIn', num_nonnulls(t.check_in),
               'checkOut', num_nonnulls(t.check_out),
               'photo', CASE WHEN EXISTS (SELECT FROM weighed w WHERE 'photo' IN (w.field, w.beside)) THEN (
                   SELECT count(*) FROM attachment p
                   WHERE p.tenant_id = t.tenant_id AND p.activity_id = t.id AND p.kind = 'photo' AND p.state = 'ready'
                     AND p.deleted_at IS NULL) END) AS held
    FROM activity t
    JOIN "user" u ON u.tenant_id = t.tenant_id AND u.id = t.owner_id
    JOIN tenant ON tenant.id = t.tenant_id
    LEFT JOIN opportunity o ON o.tenant_id = t.tenant_id AND o.id = t.opportunity_id AND o.deleted_at IS NULL
    WHERE t.tenant_id = $1 AND $2::uuid IS NOT NULL AND t.deleted_at IS NULL AND t.occurred >= $3 AND t.occurred < $4
      AND ($5::uuid IS NULL OR u.team_id IN (SELECT id FROM below))
