, seen AS MATERIALIZED (
    SELECT t.tenant_id, t.id, t.name, t.tier, t.owner_id, u.name AS owner
    FROM {account} t
    CROSS JOIN period
    JOIN {user} u ON u.tenant_id = t.tenant_id AND u.id = t.owner_id
    WHERE t.tenant_id = $1 AND t.deleted_at IS NULL AND t.kind <> 'internal' AND t.created_at < period.ends
      AND ($6::uuid IS NULL OR u.team_id IN (SELECT id FROM below))
      AND ($7::uuid IS NULL OR t.owner_id = $7)
      AND {visible:account}
), touched AS MATERIALIZED (
    SELECT s.*, c.last_on, period.last_day - c.last_on AS days, coalesce(c.last_on >= period.first_day, false) AS is_covered
    FROM seen s
    CROSS JOIN period
    CROSS JOIN LATERAL (
        SELECT (max(a.occurred) AT TIME ZONE period.time_zone)::date AS last_on FROM {activity} a
        WHERE a.tenant_id = s.tenant_id AND a.tenant_id = $1 AND a.account_id = s.id AND a.deleted_at IS NULL
          AND a.kind <> 'note' AND a.occurred < period.ends
    ) c
), counted AS (
    SELECT grouping(tier) = 1 AS is_total, tier, count(*) AS accounts, count(*) FILTER (WHERE is_covered) AS covered,
           count(*) FILTER (WHERE last_on IS NULL) AS never, percentile_cont(0.5) WITHIN GROUP (ORDER BY days) AS median_days
    FROM touched GROUP BY GROUPING SETS ((), (tier))
), told AS (
    SELECT is_total, tier, json_build_object('tier', tier, 'accounts', accounts, 'covered', covered,
               'coveredShare', round(covered::numeric / nullif(accounts, 0), 4), 'never', never,
               'medianDays', round(median_days::numeric, 2)) AS figures
    FROM counted
)
SELECT json_build_object(
    'from', period.first_day, 'to', period.last_day, 'asOf', period.as_of, 'timeZone', period.time_zone,
    'total', (SELECT figures FROM told WHERE is_total),
    'tiers', (SELECT coalesce(json_agg(figures ORDER BY tier), '[]') FROM told WHERE NOT is_total),
    'neglected', (
        SELECT coalesce(json_agg(json_build_object('accountId', id, 'name', name, 'tier', tier, 'ownerId', owner_id,
                   'owner', owner, 'lastOn', last_on, 'days', days) ORDER BY last_on NULLS FIRST, name, id), '[]')
        FROM (SELECT * FROM touched WHERE NOT is_covered ORDER BY last_on NULLS FIRST, name, id LIMIT 100) worst)
) AS report
FROM period
