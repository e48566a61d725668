)
SELECT period.time_zone, period.first_day, period.last_day, period.as_of,
       (SELECT team.name FROM team WHERE team.tenant_id = $1 AND team.id = $7::uuid) AS team, c.*
FROM period
LEFT JOIN (
    SELECT counted.*, coalesce(team.name, "user".name, product.name) AS split_name
    FROM counted
    LEFT JOIN team ON $12::text = 'team' AND team.tenant_id = $1 AND team.id = counted.split_id
    LEFT JOIN "user" ON $12::text = 'user' AND "user".tenant_id = $1 AND "user".id = counted.split_id
    LEFT JOIN product ON $12::text = 'product' AND product.tenant_id = $1 AND product.id = counted.split_id
) c ON true
