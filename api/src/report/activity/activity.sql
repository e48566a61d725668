-- $11 by what spans of time it is told: days, weeks or months; absent: by the length of the period. A day of a rep is a row of
-- activity_day, or is counted here while it is marked to be counted anew (work/days.rs); all else are sums of days. Told by
-- months, whole months without a marked day are rows of activity_month.
, zone AS NOT MATERIALIZED (
    SELECT time_zone FROM period
), due AS MATERIALIZED (
    SELECT DISTINCT m.owner_id, (m.occurred AT TIME ZONE (SELECT time_zone FROM zone))::date AS day
    FROM (
        SELECT d.owner_id, d.occurred FROM activity_day_due d WHERE d.tenant_id = $1
        {retold}
    ) m
), marked AS MATERIALIZED (
    -- Once: planning these sums takes longer than adding up a month.
    SELECT $1::uuid AS tenant_id, c.* FROM ({days_due}) c
), told_by AS MATERIALIZED (
    SELECT coalesce($11::text, CASE WHEN last_day - first_day < {days_shown} THEN 'day' WHEN last_day - first_day < {weeks_shown} THEN 'week' ELSE 'month' END) AS per
    FROM period
), due_month AS MATERIALIZED (
    SELECT DISTINCT owner_id, date_trunc('month', day::timestamp)::date AS month FROM due
), whole AS MATERIALIZED (
    -- From the first of the months that are told whole to the day after the last of them; none: after the last day of all.
    SELECT begins, greatest(begins, date_trunc('month', beyond::timestamp)::date) AS ends
    FROM (
        SELECT CASE WHEN per = 'month'
                    THEN least(beyond, (date_trunc('month', (first_day - 1)::timestamp) + interval '1 month')::date)
                    ELSE beyond
               END AS begins, beyond
        FROM (SELECT first_day, least(last_day, as_of) + 1 AS beyond, per FROM period CROSS JOIN told_by) d
    ) d
), day_now AS NOT MATERIALIZED (
    SELECT d.* FROM activity_day d WHERE d.tenant_id = $1 AND (d.owner_id, d.day) NOT IN (SELECT owner_id, day FROM due)
), done_now AS NOT MATERIALIZED (
    SELECT m.tenant_id, m.owner_id, m.month AS day, {columns}
    FROM activity_month m
    WHERE m.tenant_id = $1 AND m.month >= (SELECT begins FROM whole) AND m.month < (SELECT ends FROM whole)
      AND (m.owner_id, m.month) NOT IN (SELECT owner_id, month FROM due_month)
    UNION ALL
    SELECT d.* FROM day_now d WHERE d.day < (SELECT begins FROM whole)
    UNION ALL
    SELECT d.* FROM day_now d WHERE d.day >= (SELECT ends FROM whole)
    UNION ALL
    SELECT d.*
    FROM due_month m
    JOIN day_now d ON d.owner_id = m.owner_id AND d.day >= m.month AND d.day < m.month + interval '1 month'
    WHERE m.month >= (SELECT begins FROM whole) AND m.month < (SELECT ends FROM whole)
    UNION ALL
    SELECT * FROM marked
), kept AS NOT MATERIALIZED (
    -- Of two bounds that it does not know, the planner expects nearly nothing between them, hence CASE.
    SELECT d.*
    FROM {done} d
    WHERE d.tenant_id = $1 AND d.owner_id IN (SELECT id FROM people)
      AND CASE WHEN d.day >= (SELECT first_day FROM period) THEN d.day <= (SELECT least(last_day, as_of) FROM period) END
), by_span AS MATERIALIZED (
    SELECT d.owner_id, greatest(date_trunc((SELECT per FROM told_by), d.day::timestamp)::date, (SELECT first_day FROM period)) AS begins,
           {sums}
    FROM kept d GROUP BY 1, 2
    HAVING sum(d.activities) > 0
), by_owner AS (
    SELECT owner_id,
           {sums}
    FROM by_span d GROUP BY owner_id
), summed AS MATERIALIZED (
    SELECT owner_id, grouping(owner_id) = 1 AS is_total,
           {sums}
    FROM by_owner d GROUP BY GROUPING SETS ((), (owner_id))
), delayed AS (
    -- The middle one, or the mean of the two middle ones: within its step by its place among those of the step, around
    -- their mean.
    SELECT owner_id, avg(mean + (2 * (place - 0.5 - upto + n) / n - 1) * least(mean - begins, ends - mean)) / 60 AS median_hours
    FROM (
        SELECT coalesce(s.owner_id, $1) AS owner_id, s.activities AS whole, u.n, u.minutes::numeric / u.n AS mean, u.begins, u.ends,
               sum(u.n) OVER (PARTITION BY s.owner_id ORDER BY u.step) AS upto
        FROM summed s
        CROSS JOIN LATERAL unnest(s.delays, s.delay_minutes, '{steps_begin}'::integer[], '{steps_end}'::integer[])
            WITH ORDINALITY AS u(n, minutes, begins, ends, step)
        WHERE u.n > 0
    ) steps
    CROSS JOIN LATERAL (VALUES ((whole + 1) / 2), (whole / 2 + 1)) AS middle(place)
    WHERE place > upto - n AND place <= upto
    GROUP BY owner_id
), planned AS MATERIALIZED (
    SELECT plan.owner_id, grouping(plan.owner_id) = 1 AS is_total,
           count(*) AS planned,
           count(*) FILTER (WHERE plan.status = 'fulfilled') AS done,
           count(*) FILTER (WHERE plan.status = 'missed') AS missed,
           count(*) FILTER (WHERE plan.status = 'cancelled') AS cancelled
    FROM people
    CROSS JOIN period
    JOIN {plan} plan ON plan.tenant_id = people.tenant_id AND plan.owner_id = people.id
    WHERE plan.tenant_id = $1 AND plan.deleted_at IS NULL AND plan.planned_on BETWEEN period.first_day AND period.last_day
    GROUP BY GROUPING SETS ((), (plan.owner_id))
), told AS (
    -- The whole has no owner: the tenant stands for it.
    SELECT coalesce(w.owner_id, p.owner_id) AS owner_id, coalesce(w.is_total, p.is_total) AS is_total, json_build_object(
        'activities', coalesce(w.activities, 0), 'visits', coalesce(w.visits, 0), 'verified', coalesce(w.verified, 0),
        'outside', coalesce(w.outside, 0), 'verifiedShare', round(w.verified::numeric / nullif(w.visits, 0), 4),
        'minutes', coalesce(w.minutes, 0),
        'withinDayShare', round(w.within_day::numeric / nullif(w.activities, 0), 4),
        'medianDelayHours', round(d.median_hours, 2),
        'planned', coalesce(p.planned, 0), 'done', coalesce(p.done, 0), 'missed', coalesce(p.missed, 0),
        'cancelled', coalesce(p.cancelled, 0)) AS figures
    FROM summed w
    LEFT JOIN delayed d ON d.owner_id = coalesce(w.owner_id, $1)
    FULL JOIN planned p ON coalesce(p.owner_id, $1) = coalesce(w.owner_id, $1)
)
SELECT json_build_object(
    'from', period.first_day, 'to', period.last_day, 'asOf', period.as_of, 'timeZone', period.time_zone, 'per', told_by.per,
    'total', (SELECT figures FROM told WHERE is_total),
    'reps', (
        SELECT coalesce(json_agg(json_build_object('userId', people.id, 'name', people.name, 'team', people.team,
                   'figures', told.figures) ORDER BY people.name, people.id), '[]')
        FROM told JOIN people ON people.id = told.owner_id WHERE NOT told.is_total),
    'spans', (
        SELECT coalesce(json_agg(json_build_object('from', w.begins, 'userId', w.owner_id, 'name', people.name,
                   'activities', w.activities, 'visits', w.visits, 'verified', w.verified, 'minutes', w.minutes)
                   ORDER BY w.begins, people.name, people.id), '[]')
        FROM by_span w JOIN people ON people.id = w.owner_id),
    'time', (
        SELECT json_agg(json_build_object('tier', tiers.tier, 'minutes', coalesce(tiers.minutes, 0),
                   'share', round(tiers.minutes::numeric / nullif(s.minutes, 0), 4),
                   'policyShare', round((tenant.time_policy ->> tiers.tier)::numeric / 100, 2)) ORDER BY tiers.place)
        FROM summed s
        JOIN tenant ON tenant.id = $1
        CROSS JOIN LATERAL (VALUES
            (1, 'key', s.key_minutes), (2, 'ordinary', s.ordinary_minutes), (3, 'potential', s.potential_minutes),
            (4, NULL, s.minutes - s.key_minutes - s.ordinary_minutes - s.potential_minutes)
        ) AS tiers(place, tier, minutes)
        WHERE s.is_total),
    'untimed', (SELECT coalesce(untimed, 0) FROM summed WHERE is_total)
) AS report
FROM period CROSS JOIN told_by
