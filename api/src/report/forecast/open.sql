-- Where each opportunity stood when it is told, whether it came to each stage before, and what it was worth then: the value
-- before the first change that came later; without one, today's.
, told AS MATERIALIZED (
    SELECT p.tenant_id, p.id, p.owner_id, j.stage, j.since, j.probability, j.came,
           CASE WHEN h.of_amount THEN h.amount ELSE p.amount END AS amount,
           CASE WHEN h.of_currency THEN h.currency ELSE p.currency END AS currency,
           CASE WHEN h.of_day THEN h.expected_on ELSE p.expected_on END AS expected_on
    FROM picked p
    CROSS JOIN period
    CROSS JOIN LATERAL (
        SELECT (array_agg(m.to_stage ORDER BY m.number DESC))[1] AS stage,
               (array_agg(m.occurred ORDER BY m.number DESC))[1] AS since,
               (array_agg(m.probability ORDER BY m.number DESC))[1] AS probability,
               ARRAY[bool_or(m.to_stage <> 'lost'), bool_or(m.to_stage IN ('pre_sale', 'negotiation', 'signed')),
                     bool_or(m.to_stage IN ('negotiation', 'signed'))] AS came
        FROM stage_move m
        WHERE m.tenant_id = p.tenant_id AND m.tenant_id = $1 AND m.opportunity_id = p.id AND m.deleted_at IS NULL
          AND m.occurred < period.told_before {known}
    ) j
    LEFT JOIN LATERAL (
        SELECT bool_or(h.changes LIKE '%"amount":%') AS of_amount,
               (array_agg((h.changes::json -> 'amount' ->> 0)::numeric ORDER BY h.revision) FILTER (WHERE h.changes LIKE '%"amount":%'))[1] AS amount,
               bool_or(h.changes LIKE '%"currency":%') AS of_currency,
               (array_agg(h.changes::json -> 'currency' ->> 0 ORDER BY h.revision) FILTER (WHERE h.changes LIKE '%"currency":%'))[1] AS currency,
               bool_or(h.changes LIKE '%"expectedOn":%') AS of_day,
               (array_agg((h.changes::json -> 'expectedOn' ->> 0)::date ORDER BY h.revision) FILTER (WHERE h.changes LIKE '%"expectedOn":%'))[1] AS expected_on
        FROM record_history h
        WHERE h.tenant_id = p.tenant_id AND h.tenant_id = $1 AND h.record_id = p.id AND h.kind = 'opportunity' AND h.op = 'update'
          AND h.{heard} >= period.told_before
    ) h ON period.as_of IS NOT NULL
    WHERE j.stage IS NOT NULL
)
