-- Where each opportunity stood when the day ended, and what it was worth then. One row a group, stage, stage that it was
-- lost from, and currency: totals are sums of these. See picked.sql for what goes before.
), stood AS (
    SELECT p.split_id, p.split_text, m.to_stage AS stage,
           CASE WHEN m.to_stage = 'lost' THEN m.from_stage END AS lost_from,
           -- What it was before the first change that was typed later; without one, what it is.
           CASE WHEN a.changed THEN a.was ELSE p.amount END AS amount,
           CASE WHEN c.changed THEN c.was ELSE p.currency END AS currency
    FROM picked p
    CROSS JOIN period
    CROSS JOIN LATERAL (
        SELECT m.from_stage, m.to_stage FROM stage_move m
        WHERE m.tenant_id = p.tenant_id AND m.tenant_id = $1 AND m.opportunity_id = p.id AND m.deleted_at IS NULL
          AND m.occurred < period.day_ends {known}
        ORDER BY m.number DESC LIMIT 1
    ) m
    -- A quotation mark within a text is escaped, so that these patterns find members only; record_history_amount_idx
    -- holds the few rows that have one.
    LEFT JOIN LATERAL (
        SELECT true AS changed, (h.changes::json -> 'amount' ->> 0)::numeric AS was FROM record_history h
        WHERE h.tenant_id = p.tenant_id AND h.tenant_id = $1 AND h.record_id = p.id AND h.{heard} >= period.day_ends
          AND h.kind = 'opportunity' AND h.op = 'update' AND h.changes LIKE '%"amount":%'
        ORDER BY h.revision LIMIT 1
    ) a ON true
    LEFT JOIN LATERAL (
        SELECT true AS changed, h.changes::json -> 'currency' ->> 0 AS was FROM record_history h
        WHERE h.tenant_id = p.tenant_id AND h.tenant_id = $1 AND h.record_id = p.id AND h.{heard} >= period.day_ends
          AND h.kind = 'opportunity' AND h.op = 'update' AND h.changes LIKE '%"currency":%'
        ORDER BY h.revision LIMIT 1
    ) c ON true
), counted AS (
    SELECT split_id, split_text, stage, lost_from, currency, count(*) AS count, sum(amount) AS amount
    FROM stood GROUP BY split_id, split_text, stage, lost_from, currency
