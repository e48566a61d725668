, stays AS MATERIALIZED (
    -- It ends with the first later move. One that was typed late may have occurred before the one that it follows: such a
    -- stay took no time.
    SELECT p.id, s.from_stage, s.stage, s.lost_reason, s.entered, s.stood_until < period.ends AS is_over,
           s.stood_until < period.ends AND s.stood_until >= period.starts AS is_ended, s.entered >= period.starts AS is_entered,
           greatest(date_part('epoch', least(s.stood_until, $3::timestamptz, period.ends, period.told_before) - s.entered) / 86400, 0) AS days
    FROM picked p
    CROSS JOIN period
    JOIN {stay} s ON s.tenant_id = $1 AND s.opportunity_id = p.id
    WHERE s.entered < period.ends
), stages AS MATERIALIZED (
    SELECT s.place, s.stage, stage.stale_days
    FROM (VALUES (1, 'intent'), (2, 'pre_sale'), (3, 'negotiation')) AS s(place, stage)
    LEFT JOIN stage ON stage.tenant_id = $1 AND stage.stage = s.stage AND stage.deleted_at IS NULL
), counts AS (
    -- All stages in one go: for a group each, the stays would be sorted.
    SELECT v.*
    FROM (
        SELECT count(*) FILTER (WHERE intent AND is_ended) AS intent_ended,
               percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY days) FILTER (WHERE intent AND is_ended) AS intent_days,
               count(*) FILTER (WHERE intent AND NOT is_over) AS intent_standing,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY days) FILTER (WHERE intent AND NOT is_over) AS intent_standing_days,
               count(*) FILTER (WHERE pre_sale AND is_ended) AS pre_sale_ended,
               percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY days) FILTER (WHERE pre_sale AND is_ended) AS pre_sale_days,
               count(*) FILTER (WHERE pre_sale AND NOT is_over) AS pre_sale_standing,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY days) FILTER (WHERE pre_sale AND NOT is_over) AS pre_sale_standing_days,
               count(*) FILTER (WHERE negotiation AND is_ended) AS negotiation_ended,
               percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY days) FILTER (WHERE negotiation AND is_ended) AS negotiation_days,
               count(*) FILTER (WHERE negotiation AND NOT is_over) AS negotiation_standing,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY days) FILTER (WHERE negotiation AND NOT is_over) AS negotiation_standing_days
        FROM (
            SELECT is_ended, is_over, days, stage = 'intent' AS intent, stage = 'pre_sale' AS pre_sale, stage = 'negotiation' AS negotiation
            FROM stays
        ) each
    ) c
    CROSS JOIN LATERAL (VALUES
        ('intent', intent_ended, intent_days, intent_standing, intent_standing_days),
        ('pre_sale', pre_sale_ended, pre_sale_days, pre_sale_standing, pre_sale_standing_days),
        ('negotiation', negotiation_ended, negotiation_days, negotiation_standing, negotiation_standing_days)
    ) AS v(stage, ended, ended_days, standing, standing_days)
), stale AS MATERIALIZED (
    SELECT s.id, s.stage, s.days, stages.stale_days
    FROM stays s
    JOIN stages ON stages.stage = s.stage
    WHERE NOT s.is_over AND s.days > stages.stale_days
), figures AS (
    SELECT s.place, s.stage, s.stale_days, c.ended, c.ended_days, c.standing, c.standing_days,
           (SELECT count(*) FROM stale WHERE stale.stage = s.stage) AS stale
    FROM stages s
    JOIN counts c ON c.stage = s.stage
), weeks AS MATERIALIZED (
    SELECT array_agg(week::date ORDER BY week) AS days,
           array_agg(date_part('epoch', week AT TIME ZONE period.time_zone) ORDER BY week) AS starts
    FROM period
    CROSS JOIN LATERAL generate_series(date_trunc('week', period.first_day::timestamp), period.last_day::timestamp, interval '7 days') AS w(week)
), counted AS MATERIALIZED (
    SELECT weeks.days[c.week] AS week, c.from_stage, c.to_stage, c.reason, c.moves
    FROM weeks
    CROSS JOIN LATERAL (
        SELECT width_bucket(date_part('epoch', s.entered), weeks.starts) AS week, s.from_stage, s.stage AS to_stage,
               CASE WHEN s.stage = 'lost' THEN s.lost_reason END AS reason, count(*) AS moves
        FROM stays s WHERE s.is_entered GROUP BY 1, 2, 3, 4
    ) c
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
            SELECT id, stage, days, stale_days FROM stale ORDER BY days - stale_days DESC, id LIMIT 100
        ) w
        JOIN {opportunity} o ON o.tenant_id = $1 AND o.id = w.id
        JOIN "user" u ON u.tenant_id = $1 AND u.id = o.owner_id)
) AS report
FROM period
