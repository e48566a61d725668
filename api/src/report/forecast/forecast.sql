, measured AS (
    SELECT s.place, s.stage, stage.probability, s.decided, s.signed
    FROM (
        SELECT coalesce(sum(n) FILTER (WHERE intent), 0) AS intent,
               coalesce(sum(n) FILTER (WHERE intent AND stage = 'signed'), 0) AS intent_signed,
               coalesce(sum(n) FILTER (WHERE pre_sale), 0) AS pre_sale,
               coalesce(sum(n) FILTER (WHERE pre_sale AND stage = 'signed'), 0) AS pre_sale_signed,
               coalesce(sum(n) FILTER (WHERE negotiation), 0) AS negotiation,
               coalesce(sum(n) FILTER (WHERE negotiation AND stage = 'signed'), 0) AS negotiation_signed
        FROM told WHERE stage IN ('signed', 'lost')
    ) decided
    CROSS JOIN LATERAL (VALUES
        (1, 'intent', intent, intent_signed), (2, 'pre_sale', pre_sale, pre_sale_signed), (3, 'negotiation', negotiation, negotiation_signed)
    ) AS s(place, stage, decided, signed)
    LEFT JOIN stage ON stage.tenant_id = $1 AND stage.stage = s.stage AND stage.deleted_at IS NULL
), placed AS (
    SELECT t.stage, t.amount, t.currency, t.n, t.unvalued,
           CASE t.month WHEN '-infinity' THEN 'overdue' WHEN 'infinity' THEN 'undated' ELSE 'month' END AS bucket,
           CASE WHEN isfinite(t.month) THEN t.month END AS month,
           -- Of a past day, the chance that the stage was given then.
           coalesce(CASE WHEN period.as_of IS NULL THEN m.probability END, t.probability)::numeric / 100 AS chance,
           coalesce(m.signed::numeric / nullif(m.decided, 0), m.probability::numeric / 100) AS measured
    FROM told t
    CROSS JOIN period
    LEFT JOIN measured m ON m.stage = t.stage
    WHERE t.month IS NOT NULL
), summed AS (
    SELECT bucket, month, currency, coalesce(sum(n) FILTER (WHERE stage <> 'signed'), 0) AS open,
           coalesce(sum(amount) FILTER (WHERE stage = 'signed'), 0) AS signed,
           coalesce(sum(amount) FILTER (WHERE stage = 'negotiation'), 0) AS negotiation,
           coalesce(sum(amount) FILTER (WHERE stage = 'pre_sale'), 0) AS pre_sale,
           coalesce(sum(amount) FILTER (WHERE stage = 'intent'), 0) AS intent,
           coalesce(sum(amount * chance) FILTER (WHERE stage <> 'signed'), 0) AS weighted,
           coalesce(sum(amount * measured) FILTER (WHERE stage <> 'signed'), 0) AS measured,
           coalesce(sum(unvalued) FILTER (WHERE stage <> 'signed'), 0) AS unvalued
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
