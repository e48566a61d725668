, decided AS MATERIALIZED (
    SELECT s.from_stage, s.stage = 'signed' AS is_won, s.lost_reason, p.amount, p.currency,
           CASE $11::text WHEN 'team' THEN u.team_id WHEN 'user' THEN p.owner_id WHEN 'product' THEN p.product_id END AS split_id,
           CASE $11::text WHEN 'account_kind' THEN p.account_kind WHEN 'tier' THEN p.tier WHEN 'source' THEN p.source
               WHEN 'region' THEN p.region
               WHEN 'month' THEN to_char(s.entered AT TIME ZONE period.time_zone, 'YYYY-MM') END AS split_text
    FROM picked p
    CROSS JOIN period
    JOIN {standing} s ON s.tenant_id = $1 AND s.opportunity_id = p.id
    LEFT JOIN {user} u ON u.tenant_id = $1 AND u.id = p.owner_id
    WHERE s.stage IN ('signed', 'lost') AND s.entered >= period.starts AND s.entered < period.ends
), counted AS (
    SELECT split_id, split_text, count(*) FILTER (WHERE is_won) AS won, count(*) FILTER (WHERE NOT is_won) AS lost
    FROM decided GROUP BY split_id, split_text
), by_currency AS (
    SELECT lost_reason, from_stage, currency, count(*) AS n, sum(amount) AS amount
    FROM decided WHERE NOT is_won GROUP BY lost_reason, from_stage, currency
), reasons AS (
    SELECT lost_reason, from_stage, sum(n) AS n,
           coalesce(json_agg(json_build_object('currency', currency, 'amount', amount::text) ORDER BY currency)
               FILTER (WHERE amount IS NOT NULL), '[]') AS amounts
    FROM by_currency GROUP BY lost_reason, from_stage
)
SELECT json_build_object(
    'from', period.first_day, 'to', period.last_day, 'asOf', period.as_of, 'timeZone', period.time_zone,
    'total', (SELECT json_build_object('won', coalesce(sum(won), 0), 'lost', coalesce(sum(lost), 0)) FROM counted),
    'groups', (
        SELECT coalesce(json_agg(json_build_object('id', c.split_id, 'name', coalesce(team.name, "user".name, product.name, c.split_text),
                   'won', c.won, 'lost', c.lost)
                   ORDER BY coalesce(team.name, "user".name, product.name, c.split_text), c.split_id), '[]')
        FROM counted c
        LEFT JOIN team ON $11::text = 'team' AND team.tenant_id = $1 AND team.id = c.split_id
        LEFT JOIN "user" ON $11::text = 'user' AND "user".tenant_id = $1 AND "user".id = c.split_id
        LEFT JOIN product ON $11::text = 'product' AND product.tenant_id = $1 AND product.id = c.split_id
        WHERE $11::text <> 'none'),
    'reasons', (
        SELECT coalesce(json_agg(json_build_object('reason', lost_reason, 'lostFrom', from_stage, 'count', n, 'amounts', amounts)
                   ORDER BY n DESC, lost_reason, from_stage), '[]') FROM reasons)
) AS report
FROM period
