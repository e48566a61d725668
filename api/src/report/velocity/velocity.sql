, moves AS MATERIALIZED (
    SELECT p.id, m.from_stage, m.to_stage, m.occurred, m.lost_reason,
           lead(m.occurred) OVER following AS left_at
    FROM picked p
    CROSS JOIN period
    JOIN {stage_move} m ON m.tenant_id = p.tenant_id AND m.opportunity_id = p.id
    WHERE m.tenant_id = $1 AND m.deleted_at IS NULL AND m.occurred < period.ends
    WINDOW following AS (PARTITION BY m.tenant_id, m.opportunity_id ORDER BY m.number)
), stays AS MATERIALIZED (
    -- A move that was typed late may have occurred before the one that it follows: such a stay took no time.
    SELECT m.id, m.to_stage, m.left_at, greatest(extract(epoch FROM coalesce(m.left_at, least($3::timestamptz, period.ends, period.told_before)) - m.occurred)::double precision / 86400, 0) AS days
    FROM moves m CROSS JOIN period WHERE m.to_stage IN ('intent', 'pre_sale', 'negotiation')
), ended AS (
    SELECT to_stage, count(*) AS ended, percentile_cont(0.5) WITHIN GROUP (ORDER BY days) AS median_days,
           percentile_cont(0.9) WITHIN GROUP (ORDER BY days) AS p90_days
    FROM stays CROSS JOIN period WHERE left_at >= period.starts GROUP BY to_stage
), standing AS MATERIALIZED (
    SELECT s.id, s.to_stage, s.days, stage.stale_days, coalesce(s.days > stage.stale_days, false) AS is_stale
    FROM stays s
    LEFT JOIN stage ON stage.tenant_id = $1 AND stage.stage = s.to_stage AND stage.deleted_at IS NULL
    WHERE s.left_at IS NULL
), stood AS (
    SELECT to_stage, count(*) AS standing, count(*) FILTER (WHERE is_stale) AS stale,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY days) AS median_days
    FROM standing GROUP BY to_stage
), happened AS (
    SELECT m.from_stage, m.to_stage, m.lost_reason, date_trunc('week', m.occurred AT TIME ZONE period.time_zone)::date AS week
    FROM moves m CROSS JOIN period WHERE m.occurred >= period.starts
), counted AS MATERIALIZED (
    SELECT week, from_stage, to_stage, CASE WHEN to_stage = 'lost' THEN lost_reason END AS reason, count(*) AS moves
    FROM happened GROUP BY week, from_stage, to_stage, CASE WHEN to_stage = 'lost' THEN lost_reason END
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
        SELECT json_agg(json_build_object('stage', s.stage, 'ended', coalesce(e.ended, 0),
                   'medianDays', round(e.median_days::numeric, 2), 'p90Days', round(e.p90_days::numeric, 2),
                   'standing', coalesce(d.standing, 0), 'medianStandingDays', round(d.median_days::numeric, 2),
                   'staleDays', stage.stale_days, 'stale', coalesce(d.stale, 0)) ORDER BY s.place)
        FROM (VALUES (1, 'intent'), (2, 'pre_sale'), (3, 'negotiation')) AS s(place, stage)
        LEFT JOIN ended e ON e.to_stage = s.stage
        LEFT JOIN stood d ON d.to_stage = s.stage
        LEFT JOIN stage ON stage.tenant_id = $1 AND stage.stage = s.stage AND stage.deleted_at IS NULL),
    'weeks', (
        SELECT coalesce(json_agg(json_build_object('week', w.week::date, 'stage', s.stage, 'entered', coalesce(f.entered, 0),
                   'left', coalesce(f.gone, 0), 'net', coalesce(f.entered, 0) - coalesce(f.gone, 0)) ORDER BY w.week, s.place), '[]')
        FROM generate_series(date_trunc('week', period.first_day::timestamp), period.last_day::timestamp, interval '7 days') AS w(week)
        CROSS JOIN (VALUES (1, 'intent'), (2, 'pre_sale'), (3, 'negotiation'), (4, 'signed'), (5, 'lost')) AS s(place, stage)
        LEFT JOIN flows f ON f.week = w.week::date AND f.stage = s.stage),
    'moves', (
        SELECT coalesce(json_agg(json_build_object('from', from_stage, 'to', to_stage, 'reason', reason, 'count', moves)
                   ORDER BY moves DESC, from_stage, to_stage, reason), '[]')
        FROM moved),
    'stale', (
        SELECT coalesce(json_agg(json_build_object('opportunityId', p.id, 'name', p.name, 'ownerId', p.owner_id, 'owner', p.owner,
                   'stage', w.to_stage, 'days', round(w.days::numeric, 2), 'staleDays', w.stale_days,
                   'amount', p.amount::text, 'currency', p.currency) ORDER BY w.days - w.stale_days DESC, p.id), '[]')
        FROM (SELECT * FROM standing WHERE is_stale ORDER BY days - stale_days DESC, id LIMIT 100) w
        JOIN picked p ON p.id = w.id)
) AS report
FROM period
