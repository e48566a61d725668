    -- One row a stage, and one a stage and currency: for all, and once more for each group.
    SELECT is_total, split_id, split_text, true AS is_count, s.stage, NULL::text AS currency, s.entered, s.advanced, s.lost, s.open,
           s.days[1] AS median_days, s.days[2] AS p90_days, NULL::numeric AS amount
    FROM (
        SELECT {split},
               count(*) FILTER (WHERE intent) AS intent,
               count(*) FILTER (WHERE intent AND to_pre_sale IS NOT NULL) AS intent_advanced,
               count(*) FILTER (WHERE intent AND lost AND from_stage = 'intent') AS intent_lost,
               count(*) FILTER (WHERE intent AND to_pre_sale IS NULL AND NOT lost) AS intent_open,
               percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY to_pre_sale) FILTER (WHERE intent) AS intent_days,
               count(*) FILTER (WHERE pre_sale) AS pre_sale,
               count(*) FILTER (WHERE pre_sale AND to_negotiation IS NOT NULL) AS pre_sale_advanced,
               count(*) FILTER (WHERE pre_sale AND lost AND from_stage = 'pre_sale') AS pre_sale_lost,
               count(*) FILTER (WHERE pre_sale AND to_negotiation IS NULL AND NOT lost) AS pre_sale_open,
               percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY to_negotiation) FILTER (WHERE pre_sale) AS pre_sale_days,
               count(*) FILTER (WHERE negotiation) AS negotiation,
               count(*) FILTER (WHERE negotiation AND to_signed IS NOT NULL) AS negotiation_advanced,
               count(*) FILTER (WHERE negotiation AND lost AND from_stage = 'negotiation') AS negotiation_lost,
               count(*) FILTER (WHERE negotiation AND to_signed IS NULL AND NOT lost) AS negotiation_open,
               percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY to_signed) FILTER (WHERE negotiation) AS negotiation_days,
               count(*) FILTER (WHERE signed) AS signed
        FROM journeys GROUP BY {sets}
    ) c
    CROSS JOIN LATERAL (VALUES
        ('intent', intent, intent_advanced, intent_lost, intent_open, intent_days),
        ('pre_sale', pre_sale, pre_sale_advanced, pre_sale_lost, pre_sale_open, pre_sale_days),
        ('negotiation', negotiation, negotiation_advanced, negotiation_lost, negotiation_open, negotiation_days),
        ('signed', signed, 0, 0, 0, NULL)
    ) AS s(stage, entered, advanced, lost, open, days)
    WHERE s.entered > 0
    UNION ALL
    SELECT is_total, split_id, split_text, false, s.stage, c.currency, 0, 0, 0, 0, NULL, NULL, s.amount
    FROM (
        SELECT {split}, currency, sum(intent) AS intent, sum(pre_sale) AS pre_sale, sum(negotiation) AS negotiation, sum(signed) AS signed
        FROM amounts GROUP BY {currencies}
    ) c
    CROSS JOIN LATERAL (VALUES ('intent', intent), ('pre_sale', pre_sale), ('negotiation', negotiation), ('signed', signed)) AS s(stage, amount)
    WHERE s.amount IS NOT NULL
