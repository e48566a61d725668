-- Where each opportunity stood when the day ended, and what it was worth then. One row a group, stage, stage that it was
-- lost from, and currency: totals are sums of these. See picked.sql for what goes before.
), newest AS (
    SELECT DISTINCT ON (p.id) p.id, m.from_stage, m.to_stage
    FROM picked p
    CROSS JOIN period
    JOIN stage_move m ON m.tenant_id = p.tenant_id AND m.opportunity_id = p.id
    WHERE m.tenant_id = $1 AND m.deleted_at IS NULL AND m.occurred < period.day_ends {known}
    ORDER BY p.id, m.number DESC
), changed AS (
    -- What amount and currency were before the first change that was typed later. A quotation mark within a text is
    -- escaped, so that these patterns find members only; record_history_worth_idx holds the few rows that have one.
    SELECT p.id,
           bool_or(h.changes LIKE '%"amount":%') AS of_amount,
           (array_agg((h.changes::json -> 'amount' ->> 0)::numeric ORDER BY h.revision) FILTER (WHERE h.changes LIKE '%"amount":%'))[1] AS amount,
           bool_or(h.changes LIKE '%"currency":%') AS of_currency,
           (array_agg(h.changes::json -> 'currency' ->> 0 ORDER BY h.revision) FILTER (WHERE h.changes LIKE '%"currency":%'))[1] AS currency
    FROM picked p
    CROSS JOIN period
    JOIN record_history h ON h.tenant_id = p.tenant_id AND h.record_id = p.id
    WHERE h.tenant_id = $1 AND h.{heard} >= period.day_ends AND h.kind = 'opportunity' AND h.op = 'update'
      AND (h.changes LIKE '%"amount":%' OR h.changes LIKE '%"currency":%' OR h.changes LIKE '%"expectedOn":%')
    GROUP BY p.id
), stood AS (
    SELECT p.split_id, p.split_text, m.to_stage AS stage,
           CASE WHEN m.to_stage = 'lost' THEN m.from_stage END AS lost_from,
           CASE WHEN c.of_amount THEN c.amount ELSE p.amount END AS amount,
           CASE WHEN c.of_currency THEN c.currency ELSE p.currency END AS currency
    FROM picked p
    JOIN newest m ON m.id = p.id
    LEFT JOIN changed c ON c.id = p.id
), counted AS (
    SELECT split_id, split_text, stage, lost_from, currency, count(*) AS count, sum(amount) AS amount
    FROM stood GROUP BY split_id, split_text, stage, lost_from, currency
