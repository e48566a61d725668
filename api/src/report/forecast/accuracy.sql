-- What was forecast on the first day of each past month, as it was known then, and what was signed within it.
-- $11 how many months.
, months AS MATERIALIZED (
    SELECT m.month::date AS month, m.month::timestamp AT TIME ZONE period.time_zone AS starts,
           (m.month + interval '1 month')::timestamp AT TIME ZONE period.time_zone AS ends
    FROM period
    CROSS JOIN LATERAL generate_series(
        date_trunc('month', period.today::timestamp) - make_interval(months => $11::integer),
        date_trunc('month', period.today::timestamp) - interval '1 month', interval '1 month') AS m(month)
), touched AS MATERIALIZED (
    -- Those whose worth or day changed since: only of them the history is read again, month by month.
    SELECT DISTINCT p.id
    FROM picked p
    JOIN record_history h ON h.tenant_id = p.tenant_id AND h.record_id = p.id
    WHERE h.tenant_id = $1 AND h.kind = 'opportunity' AND h.op = 'update' AND h.received >= (SELECT min(starts) FROM months)
      AND (h.changes LIKE '%"amount":%' OR h.changes LIKE '%"currency":%' OR h.changes LIKE '%"expectedOn":%')
), newest AS MATERIALIZED (
    SELECT DISTINCT ON (p.id) p.id, m.to_stage, m.occurred, greatest(m.received, m.occurred) AS over,
           min(greatest(m.received, m.occurred)) OVER (PARTITION BY p.id) AS known
    FROM picked p
    JOIN stage_move m ON m.tenant_id = p.tenant_id AND m.opportunity_id = p.id
    WHERE m.tenant_id = $1 AND m.deleted_at IS NULL
    ORDER BY p.id, m.number DESC
), spans AS MATERIALIZED (
    -- From when an opportunity was known to when it was known to be decided.
    SELECT p.id, p.tenant_id, p.amount, p.currency, p.expected_on, s.known, t.id IS NOT NULL AS is_touched,
           CASE WHEN s.to_stage IN ('signed', 'lost') THEN s.over ELSE 'infinity' END AS over
    FROM picked p
    JOIN newest s ON s.id = p.id
    LEFT JOIN touched t ON t.id = p.id
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
        WHERE s.is_touched AND h.tenant_id = s.tenant_id AND h.tenant_id = $1 AND h.record_id = s.id AND h.kind = 'opportunity' AND h.op = 'update'
          AND h.received >= months.starts
    ) h
    WHERE m.to_stage IN ('intent', 'pre_sale', 'negotiation')
      AND date_trunc('month', CASE WHEN h.of_day THEN h.expected_on ELSE s.expected_on END)::date = months.month
), won AS (
    SELECT months.month, p.currency, p.amount
    FROM picked p
    JOIN newest m ON m.id = p.id
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
