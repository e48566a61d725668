-- Where each opportunity stood when the day ended, and what it was worth then. One row a group, stage, stage that it was
-- lost from, and currency: totals are sums of these. See picked.sql for what goes before.
), counted AS (
    SELECT p.split_id,
           {split_text} AS split_text,
           s.stage, CASE WHEN s.stage = 'lost' THEN s.from_stage END AS lost_from, p.currency,
           count(*) AS count, sum(p.amount) AS amount
    FROM picked p
    JOIN {standing} s ON s.tenant_id = $1 AND s.opportunity_id = p.id
    WHERE s.entered < (SELECT day_ends FROM period)
    GROUP BY 1, 2, 3, 4, 5
