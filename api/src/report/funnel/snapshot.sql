-- Where each opportunity stood when the day ended, and what it was worth then. One row a group, stage, stage that it was
-- lost from, and currency: totals are sums of these. See picked.sql for what goes before.
), newest AS (
    SELECT DISTINCT ON (p.id) p.id, m.from_stage, m.to_stage
    FROM picked p
    CROSS JOIN period
    JOIN {stage_move} m ON m.tenant_id = p.tenant_id AND m.opportunity_id = p.id
    WHERE m.tenant_id = $1 AND m.deleted_at IS NULL AND m.occurred < period.day_ends
    ORDER BY p.id, m.number DESC
), stood AS (
    SELECT p.split_id, p.split_text, m.to_stage AS stage,
           CASE WHEN m.to_stage = 'lost' THEN m.from_stage END AS lost_from,
           p.amount, p.currency
    FROM picked p
    JOIN newest m ON m.id = p.id
), counted AS (
    SELECT split_id, split_text, stage, lost_from, currency, count(*) AS count, sum(amount) AS amount
    FROM stood GROUP BY split_id, split_text, stage, lost_from, currency
