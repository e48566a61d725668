-- The opportunities that first came into the pipeline within a time, the team that their owner is in now, and how long it took
-- to sign them. $1 tenant, $2 user, $3 from, $4 before. What may follow: the condition of visibility over `t`.
SELECT u.team_id, j.entered, extract(epoch FROM j.signed - j.entered)::bigint AS seconds, t.amount, t.currency
FROM opportunity t
JOIN "user" u ON u.tenant_id = t.tenant_id AND u.id = t.owner_id
CROSS JOIN LATERAL (
    SELECT min(m.occurred) FILTER (WHERE m.to_stage <> 'lost') AS entered,
           min(m.occurred) FILTER (WHERE m.to_stage = 'signed') AS signed
    FROM stage_move m
    WHERE m.tenant_id = t.tenant_id AND m.tenant_id = $1 AND m.opportunity_id = t.id AND m.deleted_at IS NULL
) j
WHERE t.tenant_id = $1 AND $2::uuid IS NOT NULL AND t.deleted_at IS NULL AND j.entered >= $3 AND j.entered < $4
