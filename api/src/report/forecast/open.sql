-- How many opportunities stood where when it is told, and what they were worth then, by all that a forecast tells apart.
-- The month is -infinity for what is overdue, infinity for what has no day, and absent for what is no longer expected.
, told AS MATERIALIZED (
    SELECT stage, probability, currency, intent, pre_sale, negotiation, month,
           count(*) AS n, count(*) FILTER (WHERE amount IS NULL) AS unvalued, sum(amount) AS amount
    FROM (
        SELECT s.stage, s.probability, p.currency, p.amount,
               s.came_intent IS NOT NULL AS intent, s.came_pre_sale IS NOT NULL AS pre_sale, s.came_negotiation IS NOT NULL AS negotiation,
               CASE WHEN s.stage = 'signed' THEN
                        CASE WHEN s.entered >= told_on.starts THEN date_trunc('month', s.entered AT TIME ZONE told_on.time_zone)::date END
                    WHEN s.stage = 'lost' THEN NULL
                    WHEN p.expected_on IS NULL THEN 'infinity'
                    WHEN p.expected_on < told_on.day THEN '-infinity'
                    ELSE date_trunc('month', p.expected_on::timestamp)::date END AS month
        FROM picked p
        CROSS JOIN (
            SELECT time_zone, coalesce(as_of, today) AS day,
                   date_trunc('month', coalesce(as_of, today)::timestamp) AT TIME ZONE time_zone AS starts
            FROM period
        ) told_on
        JOIN {standing} s ON s.tenant_id = $1 AND s.opportunity_id = p.id
        -- Else Postgres expects a group for each moment that it finds below, and sorts them all.
        OFFSET 0
    ) each
    GROUP BY stage, probability, currency, intent, pre_sale, negotiation, month
)
