, goals AS MATERIALIZED (
    SELECT g.*, g.from_on::timestamp AT TIME ZONE period.time_zone AS starts,
           (g.to_on + 1)::timestamp AT TIME ZONE period.time_zone AS ends
    FROM goal g
    CROSS JOIN period
    WHERE g.tenant_id = $1 AND g.from_on <= period.last_day AND g.to_on >= period.first_day AND {seen}
      AND ($6::uuid IS NULL OR g.team_id IN (SELECT id FROM below) OR g.user_id IN (SELECT id FROM people))
      AND ($7::uuid IS NULL OR g.user_id = $7)
), beneath AS (
    SELECT DISTINCT g.tenant_id, g.team_id AS root, g.team_id AS id FROM goals g WHERE g.tenant_id = $1 AND g.team_id IS NOT NULL
    UNION
    SELECT b.tenant_id, b.root, team.id FROM beneath b
    JOIN team ON team.tenant_id = b.tenant_id AND team.parent_id = b.id
    WHERE team.tenant_id = $1
), whose AS MATERIALIZED (
    SELECT g.id, g.user_id FROM goals g WHERE g.user_id IS NOT NULL
    UNION ALL
    SELECT g.id, u.id FROM goals g
    JOIN beneath b ON b.root = g.team_id
    JOIN {user} u ON u.tenant_id = $1 AND u.team_id = b.id
), signed AS MATERIALIZED (
    SELECT o.owner_id, o.amount, o.currency, s.entered AS occurred
    FROM {opportunity} o
    JOIN {standing} s ON s.tenant_id = $1 AND s.opportunity_id = o.id
    WHERE o.tenant_id = $1 AND o.deleted_at IS NULL {signed_now} AND s.stage = 'signed'
      AND o.owner_id IN (SELECT user_id FROM whose)
), reached AS (
    SELECT g.id, CASE g.measure WHEN 'amount' THEN sum(s.amount) FILTER (WHERE s.currency = g.currency) ELSE count(*) END AS actual
    FROM goals g
    JOIN whose w ON w.id = g.id
    JOIN signed s ON s.owner_id = w.user_id AND s.occurred >= g.starts AND s.occurred < g.ends
    WHERE g.measure IN ('amount', 'signed_count')
    GROUP BY g.id, g.measure
    UNION ALL
    SELECT g.id, count(*)
    FROM goals g
    JOIN whose w ON w.id = g.id
    JOIN {activity} a ON a.tenant_id = $1 AND a.owner_id = w.user_id AND a.occurred >= g.starts AND a.occurred < g.ends
    WHERE g.measure = 'visits' AND a.tenant_id = $1 AND a.deleted_at IS NULL AND a.kind = 'visit'
    GROUP BY g.id
    UNION ALL
    SELECT g.id, count(*)
    FROM goals g
    JOIN whose w ON w.id = g.id
    JOIN {account} a ON a.tenant_id = $1 AND a.owner_id = w.user_id AND a.created_at >= g.starts AND a.created_at < g.ends
    WHERE g.measure = 'new_accounts' AND a.tenant_id = $1 AND a.deleted_at IS NULL
    GROUP BY g.id
)
SELECT json_build_object(
    'from', period.first_day, 'to', period.last_day, 'asOf', period.as_of, 'timeZone', period.time_zone,
    'goals', (
        SELECT coalesce(json_agg(json_build_object('goalId', g.id, 'userId', g.user_id, 'teamId', g.team_id,
                   'name', coalesce(u.name, team.name), 'measure', g.measure, 'target', round(g.target, 4)::text,
                   'currency', g.currency, 'from', g.from_on, 'to', g.to_on,
                   'actual', round(coalesce(r.actual, 0), 4)::text,
                   'attainment', round(coalesce(r.actual, 0) / g.target, 4),
                   'elapsed', round(least(greatest(coalesce(period.as_of, period.today) - g.from_on + 1, 0), g.to_on - g.from_on + 1)::numeric
                       / (g.to_on - g.from_on + 1), 4))
                   ORDER BY g.team_id IS NULL, coalesce(team.name, u.name), g.measure, g.from_on, g.id), '[]')
        FROM goals g
        LEFT JOIN reached r ON r.id = g.id
        LEFT JOIN "user" u ON u.tenant_id = $1 AND u.id = g.user_id
        LEFT JOIN team ON team.tenant_id = $1 AND team.id = g.team_id)
) AS report
FROM period
