-- Where each opportunity stood when it is told, whether it came to each stage before, and what it was worth then: the value
-- before the first change that came later; without one, today's.
, journeys AS (
    SELECT DISTINCT ON (p.id) p.id, m.to_stage AS stage, m.occurred AS since, m.probability,
           ARRAY[bool_or(m.to_stage <> 'lost') OVER of_one, bool_or(m.to_stage IN ('pre_sale', 'negotiation', 'signed')) OVER of_one,
                 bool_or(m.to_stage IN ('negotiation', 'signed')) OVER of_one] AS came
    FROM picked p
    CROSS JOIN period
    JOIN stage_move m ON m.tenant_id = p.tenant_id AND m.opportunity_id = p.id
    WHERE m.tenant_id = $1 AND m.deleted_at IS NULL AND m.occurred < period.told_before {known}
    WINDOW of_one AS (PARTITION BY p.id)
    ORDER BY p.id, m.number DESC
), changed AS (
    SELECT p.id,
           bool_or(h.changes LIKE '%"amount":%') AS of_amount,
           (array_agg((h.changes::json -> 'amount' ->> 0)::numeric ORDER BY h.revision) FILTER (WHERE h.changes LIKE '%"amount":%'))[1] AS amount,
           bool_or(h.changes LIKE '%"currency":%') AS of_currency,
           (array_agg(h.changes::json -> 'currency' ->> 0 ORDER BY h.revision) FILTER (WHERE h.changes LIKE '%"currency":%'))[1] AS currency,
           bool_or(h.changes LIKE '%"expectedOn":%') AS of_day,
           (array_agg((h.changes::json -> 'expectedOn' ->> 0)::date ORDER BY h.revision) FILTER (WHERE h.changes LIKE '%"expectedOn":%'))[1] AS expected_on
    FROM picked p
    CROSS JOIN period
    JOIN record_history h ON h.tenant_id = p.tenant_id AND h.record_id = p.id
    WHERE h.tenant_id = $1 AND h.{heard} >= period.told_before AND h.kind = 'opportunity' AND h.op = 'update'
      AND (h.changes LIKE '%"amount":%' OR h.changes LIKE '%"currency":%' OR h.changes LIKE '%"expectedOn":%')
    GROUP BY p.id
), told AS MATERIALIZED (
    SELECT p.tenant_id, p.id, p.owner_id, j.stage, j.since, j.probability, j.came,
           CASE WHEN h.of_amount THEN h.amount ELSE p.amount END AS amount,
           CASE WHEN h.of_currency THEN h.currency ELSE p.currency END AS currency,
           CASE WHEN h.of_day THEN h.expected_on ELSE p.expected_on END AS expected_on
    FROM picked p
    JOIN journeys j ON j.id = p.id
    LEFT JOIN changed h ON h.id = p.id
)
