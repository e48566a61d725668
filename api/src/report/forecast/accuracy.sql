-- What was forecast on the first day of each past month, as it was known then, and what was signed within it. `believed_in`
-- are the opportunities with those deleted since, `picked` those of the day that it is told of: a belief is never restated.
-- $11 how many months.
, months AS MATERIALIZED (
    SELECT m.month::date AS month, m.month::timestamp AT TIME ZONE period.time_zone AS starts,
           (m.month + interval '1 month')::timestamp AT TIME ZONE period.time_zone AS ends
    FROM period
    CROSS JOIN LATERAL (SELECT date_trunc('month', coalesce(period.as_of + 1, period.today)::timestamp) AS month) this
    CROSS JOIN LATERAL generate_series(
        this.month - make_interval(months => $11::integer), this.month - interval '1 month', interval '1 month') AS m(month)
), moved AS MATERIALIZED (
    SELECT DISTINCT h.record_id AS id
    FROM record_history h
    WHERE h.tenant_id = $1 AND h.kind = 'opportunity' AND h.op = 'update' AND h.received >= (SELECT min(starts) FROM months)
      AND h.changes LIKE '%"expectedOn":%'
), worth AS MATERIALIZED (
    -- Those that are expected within these months or were. Those deleted since too: they were believed in until then.
    SELECT id, amount, currency, date_trunc('month', expected_on::timestamp)::date AS month, coalesce(deleted_at, 'infinity') AS kept_until
    FROM believed_in
    WHERE expected_on >= (SELECT min(month) FROM months) AND expected_on < (SELECT max(month) + interval '1 month' FROM months)
       OR id IN (SELECT id FROM moved)
), was AS MATERIALIZED (
    -- What was believed at the start of a month of those that were or are expected in it, and were changed after that.
    SELECT h.record_id AS id, months.month, months.starts,
           bool_or(h.changes LIKE '%"amount":%') AS of_amount,
           (array_agg((h.changes::json -> 'amount' ->> 0)::numeric ORDER BY h.revision) FILTER (WHERE h.changes LIKE '%"amount":%'))[1] AS amount,
           bool_or(h.changes LIKE '%"currency":%') AS of_currency,
           (array_agg(h.changes::json -> 'currency' ->> 0 ORDER BY h.revision) FILTER (WHERE h.changes LIKE '%"currency":%'))[1] AS currency,
           bool_or(h.changes LIKE '%"expectedOn":%') AS of_day,
           (array_agg((h.changes::json -> 'expectedOn' ->> 0)::date ORDER BY h.revision) FILTER (WHERE h.changes LIKE '%"expectedOn":%'))[1] AS expected_on
    FROM (
        SELECT w.id, m.month, m.starts FROM worth w JOIN months m ON m.month = w.month WHERE w.id NOT IN (SELECT id FROM moved)
        UNION ALL
        SELECT moved.id, m.month, m.starts FROM moved CROSS JOIN months m
    ) months
    JOIN record_history h ON h.record_id = months.id AND h.received >= months.starts
    WHERE h.tenant_id = $1 AND h.kind = 'opportunity' AND h.op = 'update' AND h.received >= (SELECT min(starts) FROM months)
      AND (h.changes LIKE '%"amount":%' OR h.changes LIKE '%"currency":%' OR h.changes LIKE '%"expectedOn":%')
    GROUP BY h.record_id, months.month, months.starts
), expected AS MATERIALIZED (
    SELECT w.id, m.month, m.starts, w.amount, w.currency
    FROM worth w
    JOIN months m ON m.month = w.month AND w.kept_until >= m.starts
    WHERE (w.id, m.month) NOT IN (SELECT id, month FROM was)
    UNION ALL
    SELECT w.id, x.month, x.starts, CASE WHEN x.of_amount THEN x.amount ELSE w.amount END,
           CASE WHEN x.of_currency THEN x.currency ELSE w.currency END
    FROM was x
    JOIN worth w ON w.id = x.id AND w.kept_until >= x.starts
    WHERE CASE WHEN x.of_day THEN date_trunc('month', x.expected_on::timestamp)::date ELSE w.month END = x.month
), believed AS (
    SELECT month, currency, sum(amount * probability) / 100 AS weighted, count(*) AS n
    FROM (
        SELECT e.month, e.currency, e.amount, s.probability
        FROM expected e
        JOIN stay s ON s.tenant_id = $1 AND s.opportunity_id = e.id AND s.told < e.starts AND s.told_until >= e.starts
        WHERE s.stage IN ('intent', 'pre_sale', 'negotiation')
          AND s.told < (SELECT max(starts) FROM months) AND s.told_until >= (SELECT min(starts) FROM months)
    ) each GROUP BY month, currency
), won AS (
    SELECT months.month, p.currency, sum(p.amount) AS amount
    FROM {standing} s
    JOIN months ON s.entered >= months.starts AND s.entered < months.ends
    JOIN picked p ON p.id = s.opportunity_id
    WHERE s.tenant_id = $1 AND s.stage = 'signed'
      AND s.entered >= (SELECT min(starts) FROM months) AND s.entered < (SELECT max(ends) FROM months)
    GROUP BY months.month, p.currency
), each AS (
    SELECT month, currency, sum(weighted) AS forecast, sum(amount) AS actual, sum(n) AS opportunities
    FROM (
        SELECT month, currency, weighted, NULL::numeric AS amount, n FROM believed
        UNION ALL
        SELECT month, currency, NULL, amount, 0 FROM won
    ) both_sides GROUP BY month, currency
)
SELECT json_build_object(
    'asOf', period.as_of, 'timeZone', period.time_zone,
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
