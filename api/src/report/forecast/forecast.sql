, measured AS (
    SELECT s.place, s.stage, stage.probability, s.decided, s.signed
    FROM (
        SELECT count(*) FILTER (WHERE intent) AS intent, count(*) FILTER (WHERE intent AND stage = 'signed') AS intent_signed,
               count(*) FILTER (WHERE pre_sale) AS pre_sale, count(*) FILTER (WHERE pre_sale AND stage = 'signed') AS pre_sale_signed,
               count(*) FILTER (WHERE negotiation) AS negotiation,
               count(*) FILTER (WHERE negotiation AND stage = 'signed') AS negotiation_signed
        FROM told WHERE stage IN ('signed', 'lost')
    ) decided
    CROSS JOIN LATERAL (VALUES
        (1, 'intent', intent, intent_signed), (2, 'pre_sale', pre_sale, pre_sale_signed), (3, 'negotiation', negotiation, negotiation_signed)
    ) AS s(place, stage, decided, signed)
    LEFT JOIN stage ON stage.tenant_id = $1 AND stage.stage = s.stage AND stage.deleted_at IS NULL
), placed AS (
    SELECT t.stage, t.amount, t.currency,
           CASE WHEN t.stage = 'signed' THEN 'month'
                WHEN t.expected_on IS NULL THEN 'undated'
                WHEN t.expected_on < coalesce(period.as_of, period.today) THEN 'overdue'
                ELSE 'month' END AS bucket,
           CASE WHEN t.stage = 'signed' THEN date_trunc('month', t.since AT TIME ZONE period.time_zone)::date
                WHEN t.expected_on >= coalesce(period.as_of, period.today) THEN date_trunc('month', t.expected_on::timestamp)::date END AS month,
           -- Of a past day, the chance that the stage was given then.
           coalesce(CASE WHEN period.as_of IS NULL THEN m.probability END, t.probability)::numeric / 100 AS chance,
           coalesce(m.signed::numeric / nullif(m.decided, 0), m.probability::numeric / 100) AS measured
    FROM told t
    CROSS JOIN period
    LEFT JOIN measured m ON m.stage = t.stage
    WHERE t.stage IN ('intent', 'pre_sale', 'negotiation')
       OR (t.stage = 'signed' AND t.since >= date_trunc('month', coalesce(period.as_of, period.today)::timestamp) AT TIME ZONE period.time_zone)
), summed AS (
    SELECT bucket, month, currency, count(*) FILTER (WHERE stage <> 'signed') AS open,
           coalesce(sum(amount) FILTER (WHERE stage = 'signed'), 0) AS signed,
           coalesce(sum(amount) FILTER (WHERE stage = 'negotiation'), 0) AS negotiation,
           coalesce(sum(amount) FILTER (WHERE stage = 'pre_sale'), 0) AS pre_sale,
           coalesce(sum(amount) FILTER (WHERE stage = 'intent'), 0) AS intent,
           coalesce(sum(amount * chance) FILTER (WHERE stage <> 'signed'), 0) AS weighted,
           coalesce(sum(amount * measured) FILTER (WHERE stage <> 'signed'), 0) AS measured,
           count(*) FILTER (WHERE stage <> 'signed' AND amount IS NULL) AS unvalued
    FROM placed GROUP BY bucket, month, currency
)
SELECT json_build_object(
    'asOf', coalesce(period.as_of, period.today), 'timeZone', period.time_zone,
    'rows', (
        SELECT coalesce(json_agg(json_build_object('bucket', bucket, 'month', to_char(month, 'YYYY-MM'), 'currency', currency,
                   'open', open, 'unvalued', unvalued, 'signed', round(signed, 4)::text, 'commit', round(negotiation, 4)::text,
                   'bestCase', round(negotiation + pre_sale, 4)::text,
                   'pipeline', round(negotiation + pre_sale + intent, 4)::text,
                   'weighted', round(weighted, 4)::text, 'weightedMeasured', round(measured, 4)::text)
                   ORDER BY bucket <> 'month', bucket, month, currency), '[]') FROM summed),
    'stages', (
        SELECT json_agg(json_build_object('stage', stage, 'probability', probability, 'decided', decided, 'signed', signed) ORDER BY place)
        FROM measured)
) AS report
FROM period
