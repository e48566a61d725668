-- What was forecast on the first day of each past month, as it was known then, and what was signed within it.
-- $11 how many months.
, months AS MATERIALIZED (
    SELECT m.month::date AS month, m.month::timestamp AT TIME ZONE period.time_zone AS starts,
           (m.month + interval '1 month')::timestamp AT TIME ZONE period.time_zone AS ends
    FROM period
    CROSS JOIN LATERAL generate_series(
        date_trunc('month', period.today::timestamp) - make_interval(months => $11::integer),
        date_trunc('month', period.today::timestamp) - interval '1 month', interval '1 month') AS m(month)
), spans AS MATERIALIZED (
    -- From when an opportunity was known to when it was known to be decided.
    SELECT p.id, p.tenant_id, p.amount, p.currency, p.expected_on, s.known, s.over
    FROM picked p
    CROSS JOIN LATERAL (
        SELECT min(greatest(m.received, m.occurred)) AS known,
               CASE WHEN (array_agg(m.to_stage ORDER BY m.number DESC))[1] IN ('signed', 'lost')
                    THEN (array_agg(greatest(m.received, m.occurred) ORDER BY m.number DESC))[1] ELSE 'infinity' END AS over
        FROM stage_move m
        WHERE m.tenant_id = p.tenant_id AND m.tenant_id = $1 AND m.opportunity_id = p.id AND m.deleted_at IS NULL
    ) s
    WHERE s.known IS NOT NULL
), believed AS (
    SELECT months.month, CASE WHEN h.of_currency THEN h.currency ELSE s.currency END AS currency,
           CASE WHEN h.of_amount THEN h.amount ELSE s.amount END * m.probability / 100 AS weighted
    FROM months
    JOIN spans s ON s.known < months.starts AND s.over >= months.starts
    CROSS JOIN LATERAL (
        SELECT m.to_stage, m.probability FROM stage_move m
        WHERE m.tenant_id = s.tenant_id AND m.tenant_id = $1 AND m.opportunity_id = s.id AND m.deleted_at IS NULL
          AND m.occurred < months.starts AND m.received < months.starts
        ORDER BY m.number DESC LIMIT 1
    ) m
    CROSS JOIN LATERAL (
        SELECT bool_or(h.changes LIKE '%"amount":%') AS of_amount,
               (array_agg((h.changes::json -> 'amount' ->> 0)::numeric ORDER BY h.revision) FILTER (WHERE h.changes LIKE '%"amount":%'))[1] AS amount,
               bool_or(h.changes LIKE '%"currency":%') AS of_currency,
               (array_agg(h.changes::json -> 'currency' ->> 0 ORDER BY h.revision) FILTER (WHERE h.changes LIKE '%"currency":%'))[1] AS currency,
               bool_or(h.changes LIKE '%"expectedOn":%') AS of_day,
               (array_agg((h.changes::json -> 'expectedOn' ->> 0)::date ORDER BY h.revision) FILTER (WHERE h.changes LIKE '%"expectedOn":%'))[1] AS expected_on
        FROM record_history h
        WHERE h.tenant_id = s.tenant_id AND h.tenant_id = $1 AND h.record_id = s.id AND h.kind = 'opportunity' AND h.op = 'update'
          AND h.received >= months.starts
    ) h
    WHERE m.to_stage IN ('intent', 'pre_sale', 'negotiation')
      AND date_trunc('month', CASE WHEN h.of_day THEN h.expected_on ELSE s.expected_on END)::date = months.month
), won AS (
    SELECT months.month, p.currency, p.amount
    FROM picked p
    CROSS JOIN LATERAL (
        SELECT m.to_stage, m.occurred FROM stage_move m
        WHERE m.tenant_id = p.tenant_id AND m.tenant_id = $1 AND m.opportunity_id = p.id AND m.deleted_at IS NULL
        ORDER BY m.number DESC LIMIT 1
    ) m
    JOIN months ON m.occurred >= months.starts AND m.occurred < months.ends
    WHERE m.to_stage = 'signed'
), each AS (
    SELECT month, currency, sum(weighted) AS forecast, sum(amount) AS actual, sum(n) AS opportunities
    FROM (
        SELECT month, currency, weighted, NULL::numeric AS amount, 1 AS n FROM believed
        UNION ALL
        SELECT month, currency, NULL, amount, 0 FROM won
    ) both_sides GROUP BY month, currency
)
SELECT json_build_object(
    'timeZone', period.time_zone,
    'months', (
        SELECT coalesce(json_agg(json_build_object('month', to_char(month, 'YYYY-MM'), 'currency', currency,
                   'opportunities', opportunities, 'forecast', round(coalesce(forecast, 0), 4)::text,
                   'actual', round(coalesce(actual, 0), 4)::text,
                   'error', round(coalesce(forecast, 0) - coalesce(actual, 0), 4)::text,
                   'errorShare', round((coalesce(forecast, 0) - coalesce(actual, 0)) / nullif(actual, 0), 4))
                   ORDER BY month, currency), '[]') FROM each),
    'currencies', (
        SELECT coalesce(json_agg(json_build_object('currency', currency, 'months', months,
                   'meanAbsoluteErrorShare', mean_absolute, 'biasShare', bias) ORDER BY currency), '[]')
        FROM (
            SELECT currency, count(*) AS months,
                   round(sum(abs(coalesce(forecast, 0) - coalesce(actual, 0))) / nullif(sum(actual), 0), 4) AS mean_absolute,
                   round(sum(coalesce(forecast, 0) - coalesce(actual, 0)) / nullif(sum(actual), 0), 4) AS bias
            FROM each GROUP BY currency) c)
) AS report
FROM period
