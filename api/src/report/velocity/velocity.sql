, stays AS MATERIALIZED (
    -- It ends with the first later move. One that was typed late may have occurred before the one that it follows: such a
    -- stay took no time.
    SELECT p.id, s.from_stage, s.stage, s.lost_reason, s.entered, s.stood_until < period.ends AS is_over,
           s.stood_until < period.ends AND s.stood_until >= period.starts AS is_ended,
           greatest(extract(epoch FROM least(s.stood_until, $3::timestamptz, period.ends, period.told_before) - s.entered)::double precision / 86400, 0) AS days
    FROM picked p
    CROSS JOIN period
    JOIN {stay} s ON s.tenant_id = $1 AND s.opportunity_id = p.id
    WHERE s.entered < period.ends
), stages AS MATERIALIZED (
    SELECT s.place, s.stage, stage.stale_days
    FROM (VALUES (1, 'intent'), (2, 'pre_sale'), (3, 'negotiation')) AS s(place, stage)
    LEFT JOIN stage ON stage.tenant_id = $1 AND stage.stage = s.stage AND stage.deleted_at IS NULL
), figures AS (
    SELECT s.place, s.stage, s.stale_days, f.*
    FROM stages s
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE is_ended) AS ended,
               percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY days) FILTER (WHERE is_ended) AS ended_days,
               count(*) FILTER (WHERE NOT is_over) AS standing,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY days) FILTER (WHERE NOT is_over) AS standing_days,
               count(*) FILTER (WHERE NOT is_over AND days > s.stale_days) AS stale
        FROM stays WHERE stays.stage = s.stage
    ) f
), weeks AS MATERIALIZED (
    SELECT array_agg(week::date ORDER BY week) AS days, array_agg(week AT TIME ZONE period.time_zone ORDER BY week) AS starts
    FROM period
    CROSS JOIN LATERAL generate_series(date_trunc('week', period.first_day::timestamp), period.last_day::timestamp, interval '7 days') AS w(week)
), counted AS MATERIALIZED (
    SELECT weeks.days[c.week] AS week, c.from_stage, c.to_stage, c.reason, c.moves
    FROM weeks
    CROSS JOIN LATERAL (
        SELECT width_bucket(s.entered, weeks.starts) AS week, s.from_stage, s.stage AS to_stage,
               CASE WHEN s.stage = 'lost' THEN s.lost_reason END AS reason, count(*) AS moves
        FROM stays s CROSS JOIN period WHERE s.entered >= period.starts GROUP BY 1, 2, 3, 4
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
            SELECT s.id, s.stage, s.days, stages.stale_days
            FROM stays s JOIN stages ON stages.stage = s.stage
            WHERE NOT s.is_over AND s.days > stages.stale_days
            ORDER BY s.days - stages.stale_days DESC, s.id LIMIT 100
        ) w
        JOIN {opportunity} o ON o.tenant_id = $1 AND o.id = w.id
        JOIN "user" u ON u.tenant_id = $1 AND u.id = o.owner_id)
) AS report
FROM period
