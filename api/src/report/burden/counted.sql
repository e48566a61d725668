), judged AS (
    SELECT s.*,
           CASE WHEN EXISTS (SELECT FROM weighed w WHERE w.kind = s.kind) THEN NOT EXISTS (
               SELECT FROM weighed w WHERE w.kind = s.kind
                 AND (coalesce((s.held ->> w.field)::integer, 0) < w.least OR coalesce((s.held ->> w.beside)::integer, 1) < 1)
           ) END AS complete
    FROM seen s
)
SELECT grouping(j.team_id) = 0 AS of_team, grouping(j.month) = 0 AS of_month, j.team_id, CASE WHEN grouping(j.team_id) = 0 THEN min(team.name) END AS team_name, j.month,
       count(*) AS activities, count(j.entry_seconds) AS timed,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY j.entry_seconds) AS median_seconds,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY j.fields) AS median_fields,
       count(*) FILTER (WHERE j.soon) AS soon, count(j.complete) AS judged, count(*) FILTER (WHERE j.complete) AS complete
FROM judged j
LEFT JOIN team ON team.tenant_id = $1 AND team.id = j.team_id
GROUP BY GROUPING SETS ((j.team_id, j.month), (j.month), ())
ORDER BY j.month NULLS LAST, team_name NULLS LAST, j.team_id
