, stays AS NOT MATERIALIZED (
    -- Those of the opportunities that the caller sees and the filters leave. A stay ends with the first later move. One that was
    -- typed late may have occurred before the one that it follows: such a stay took no time.
    SELECT t.opportunity_id, t.from_stage, t.stage, t.lost_reason, t.entered, t.stood_until
    FROM (SELECT s.*, s.opportunity_id AS id FROM {stay} s) t
    WHERE t.tenant_id = $1 AND {picked} AND t.entered < (SELECT ends FROM period)
      AND ($6::uuid IS NULL OR t.owner_id IN (
          SELECT u.id FROM {user} u WHERE u.tenant_id = $1 AND u.team_id IN (SELECT id FROM below)))
      AND ($7::uuid IS NULL OR t.owner_id = $7)
), stages AS MATERIALIZED (
    SELECT s.place, s.stage, stage.stale_days
    FROM (VALUES (1, 'intent'), (2, 'pre_sale'), (3, 'negotiation')) AS s(place, stage)
    LEFT JOIN stage ON stage.tenant_id = $1 AND stage.stage = s.stage AND stage.deleted_at IS NULL
), ended AS (
    SELECT v.*
    FROM (
        -- All stages in one go: for a group each, the stays would be sorted.
        SELECT count(*) FILTER (WHERE stage = 'intent') AS intent,
               percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY days) FILTER (WHERE stage = 'intent') AS intent_days,
               count(*) FILTER (WHERE stage = 'pre_sale') AS pre_sale,
               percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY days) FILTER (WHERE stage = 'pre_sale') AS pre_sale_days,
               count(*) FILTER (WHERE stage = 'negotiation') AS negotiation,
               percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY days) FILTER (WHERE stage = 'negotiation') AS negotiation_days
        FROM (
            SELECT stage, greatest(date_part('epoch', stood_until - entered) / 86400, 0) AS days
            FROM stays
            WHERE stood_until >= (SELECT starts FROM period) AND stood_until < (SELECT ends FROM period)
              AND stage IN ('intent', 'pre_sale', 'negotiation')
        ) each
    ) c
    CROSS JOIN LATERAL (VALUES
        ('intent', intent, intent_days), ('pre_sale', pre_sale, pre_sale_days), ('negotiation', negotiation, negotiation_days)
    ) AS v(stage, ended, days)
), standing AS MATERIALIZED (
    -- Those that had not ended by the period's end.
    SELECT s.id, s.stage, stages.stale_days, s.days, s.days > stages.stale_days AS is_stale
    FROM (
        SELECT opportunity_id AS id, stage,
               greatest(date_part('epoch', (SELECT least($3::timestamptz, ends, told_before) FROM period) - entered) / 86400, 0) AS days
        FROM stays
        WHERE stood_until >= (SELECT ends FROM period) AND stage IN ('intent', 'pre_sale', 'negotiation')
    ) s
    JOIN stages ON stages.stage = s.stage
), stood AS (
    SELECT v.*
    FROM (
        SELECT count(*) FILTER (WHERE stage = 'intent') AS intent,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY days) FILTER (WHERE stage = 'intent') AS intent_days,
               count(*) FILTER (WHERE stage = 'intent' AND is_stale) AS intent_stale,
               count(*) FILTER (WHERE stage = 'pre_sale') AS pre_sale,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY days) FILTER (WHERE stage = 'pre_sale') AS pre_sale_days,
               count(*) FILTER (WHERE stage = 'pre_sale' AND is_stale) AS pre_sale_stale,
               count(*) FILTER (WHERE stage = 'negotiation') AS negotiation,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY days) FILTER (WHERE stage = 'negotiation') AS negotiation_days,
               count(*) FILTER (WHERE stage = 'negotiation' AND is_stale) AS negotiation_stale
        FROM standing
    ) c
    CROSS JOIN LATERAL (VALUES
        ('intent', intent, intent_days, intent_stale), ('pre_sale', pre_sale, pre_sale_days, pre_sale_stale),
        ('negotiation', negotiation, negotiation_days, negotiation_stale)
    ) AS v(stage, standing, days, stale)
), figures AS (
    SELECT s.place, s.stage, s.stale_days, ended.ended, ended.days AS ended_days, stood.standing, stood.days AS standing_days, stood.stale
    FROM stages s
    JOIN ended ON ended.stage = s.stage
    JOIN stood ON stood.stage = s.stage
), weeks AS MATERIALIZED (
    SELECT array_agg(week::date ORDER BY week) AS days,
           array_agg(date_part('epoch', week AT TIME ZONE period.time_zone) ORDER BY week) AS starts
    FROM period
    CROSS JOIN LATERAL generate_series(date_trunc('week', period.first_day::timestamp), period.last_day::timestamp, interval '7 days') AS w(week)
), counted AS MATERIALIZED (
    SELECT weeks.days[c.week] AS week, c.from_stage, c.to_stage, c.reason, c.moves
    FROM (
        SELECT width_bucket(date_part('epoch', s.entered), (SELECT starts FROM weeks)) AS week, s.from_stage, s.stage AS to_stage,
               CASE WHEN s.stage = 'lost' THEN s.lost_reason END AS reason,
               count(*) FILTER (WHERE s.entered >= (SELECT starts FROM period)) AS moves
        FROM stays s
        GROUP BY 1, 2, 3, 4
    ) c
    CROSS JOIN weeks
    WHERE c.moves > 0
), flows AS (
    SELECT week, stage, sum(entered) AS entered, sum(gone) AS gone
    FROM (
        SELECT week, to_stage AS stage, moves AS entered, 0 AS gone FROM counted
        UNION ALL
        SELECT week, from_stage, 0, moves FROM counted WHERE from_stage IS NOT NULL
    ) each GROUP BY week, stage
), moved AS (
    SELECT from_stage, to_stage, reason, sum(moves) AS moves FROM counted GROUP BY from_stage, to_stage, reason
)
SELECT json_build_object(
    'from', period.first_day, 'to', period.last_day, 'asOf', period.as_of, 'timeZone', period.time_zone,
    'stages', (
        SELECT json_agg(json_build_object('stage', stage, 'ended', ended,
                   'medianDays', round(ended_days[1]::numeric, 2), 'p90Days', round(ended_days[2]::numeric, 2),
                   'standing', standing, 'medianStandingDays', round(standing_days::numeric, 2),
                   'staleDays', stale_days, 'stale', stale) ORDER BY place)
        FROM figures),
    'weeks', (
        SELECT coalesce(json_agg(json_build_object('week', w.week, 'stage', s.stage, 'entered', coalesce(f.entered, 0),
                   'left', coalesce(f.gone, 0), 'net', coalesce(f.entered, 0) - coalesce(f.gone, 0)) ORDER BY w.week, s.place), '[]')
        FROM weeks
        CROSS JOIN LATERAL unnest(weeks.days) AS w(week)
        CROSS JOIN (VALUES (1, 'intent'), (2, 'pre_sale'), (3, 'negotiation'), (4, 'signed'), (5, 'lost')) AS s(place, stage)
        LEFT JOIN flows f ON f.week = w.week AND f.stage = s.stage),
    'moves', (
        SELECT coalesce(json_agg(json_build_object('from', from_stage, 'to', to_stage, 'reason', reason, 'count', moves)
                   ORDER BY moves DESC, from_stage, to_stage, reason), '[]')
        FROM moved),
    'stale', (
        SELECT coalesce(json_agg(json_build_object('opportunityId', o.id, 'name', o.name, 'ownerId', o.owner_id, 'owner', u.name,
                   'stage', w.stage, 'days', round(w.days::numeric, 2), 'staleDays', w.stale_days,
                   'amount', o.amount::text, 'currency', o.currency) ORDER BY w.days - w.stale_days DESC, o.id), '[]')
        FROM (
            SELECT id, stage, days, stale_days FROM standing WHERE is_stale ORDER BY days - stale_days DESC, id LIMIT 100
        ) w
        JOIN {opportunity} o ON o.tenant_id = $1 AND o.id = w.id
        JOIN "user" u ON u.tenant_id = $1 AND u.id = o.owner_id)
) AS report
FROM period
