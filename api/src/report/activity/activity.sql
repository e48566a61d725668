, done AS NOT MATERIALIZED (
    SELECT a.owner_id, a.account_id, a.kind = 'visit' AS is_visit, coalesce(a.verdict, 'unknown') AS verdict, a.duration_minutes AS minutes,
           a.occurred, extract(epoch FROM a.captured - a.occurred)::double precision / 3600 AS hours
    FROM people
    CROSS JOIN period
    JOIN {activity} a ON a.tenant_id = people.tenant_id AND a.owner_id = people.id
    WHERE a.tenant_id = $1 AND a.deleted_at IS NULL AND a.occurred >= period.starts AND a.occurred < period.ends
), by_day AS MATERIALIZED (
    SELECT owner_id, (done.occurred AT TIME ZONE period.time_zone)::date AS day,
           count(*) AS activities,
           count(*) FILTER (WHERE is_visit) AS visits,
           count(*) FILTER (WHERE is_visit AND verdict = 'verified') AS verified,
           count(*) FILTER (WHERE is_visit AND verdict = 'outside') AS outside,
           coalesce(sum(minutes), 0) AS minutes,
           count(*) FILTER (WHERE minutes IS NULL) AS untimed,
           count(*) FILTER (WHERE hours <= 24) AS within_day
    FROM done CROSS JOIN period
    GROUP BY owner_id, (done.occurred AT TIME ZONE period.time_zone)::date
), delays AS (
    SELECT owner_id, grouping(owner_id) = 1 AS is_total, percentile_cont(0.5) WITHIN GROUP (ORDER BY hours) AS median_hours
    FROM done GROUP BY GROUPING SETS ((), (owner_id))
), summed AS (
    SELECT owner_id, grouping(owner_id) = 1 AS is_total, sum(activities) AS activities, sum(visits) AS visits,
           sum(verified) AS verified, sum(outside) AS outside, sum(minutes) AS minutes, sum(within_day) AS within_day
    FROM by_day GROUP BY GROUPING SETS ((), (owner_id))
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
), whole AS (
    SELECT s.owner_id, s.is_total, s.activities, s.visits, s.verified, s.outside, s.minutes, s.within_day, d.median_hours
    FROM summed s
    -- The whole has no owner: the tenant stands for it.
    LEFT JOIN delays d ON coalesce(d.owner_id, $1) = coalesce(s.owner_id, $1)
), told AS (
    SELECT coalesce(w.owner_id, p.owner_id) AS owner_id, coalesce(w.is_total, p.is_total) AS is_total, json_build_object(
        'activities', coalesce(w.activities, 0), 'visits', coalesce(w.visits, 0), 'verified', coalesce(w.verified, 0),
        'outside', coalesce(w.outside, 0), 'verifiedShare', round(w.verified::numeric / nullif(w.visits, 0), 4),
        'minutes', coalesce(w.minutes, 0),
        'withinDayShare', round(w.within_day::numeric / nullif(w.activities, 0), 4),
        'medianDelayHours', round(w.median_hours::numeric, 2),
        'planned', coalesce(p.planned, 0), 'done', coalesce(p.done, 0), 'missed', coalesce(p.missed, 0),
        'cancelled', coalesce(p.cancelled, 0)) AS figures
    FROM whole w
    FULL JOIN planned p ON coalesce(p.owner_id, $1) = coalesce(w.owner_id, $1)
), timed AS (
    SELECT account.tier, sum(spent.minutes) AS minutes
    FROM (SELECT account_id, sum(minutes) AS minutes FROM done WHERE minutes IS NOT NULL GROUP BY account_id) spent
    JOIN account ON account.tenant_id = $1 AND account.id = spent.account_id
    GROUP BY account.tier
)
SELECT json_build_object(
    'from', period.first_day, 'to', period.last_day, 'asOf', period.as_of, 'timeZone', period.time_zone,
    'total', (SELECT figures FROM told WHERE is_total),
    'reps', (
        SELECT coalesce(json_agg(json_build_object('userId', people.id, 'name', people.name, 'team', people.team,
                   'figures', told.figures) ORDER BY people.name, people.id), '[]')
        FROM told JOIN people ON people.id = told.owner_id WHERE NOT told.is_total),
    'days', (
        SELECT coalesce(json_agg(json_build_object('day', w.day, 'userId', w.owner_id, 'name', people.name,
                   'activities', w.activities, 'visits', w.visits, 'verified', w.verified, 'minutes', w.minutes)
                   ORDER BY w.day, people.name, people.id), '[]')
        FROM by_day w JOIN people ON people.id = w.owner_id),
    'time', (
        SELECT json_agg(json_build_object('tier', policy.tier, 'minutes', coalesce(timed.minutes, 0),
                   'share', round(coalesce(timed.minutes, 0)::numeric / nullif((SELECT sum(minutes) FROM timed), 0), 4),
                   'policyShare', round(policy.share, 2)) ORDER BY policy.place)
        FROM (VALUES (1, 'key'), (2, 'ordinary'), (3, 'potential'), (4, NULL)) AS tiers(place, tier)
        JOIN tenant ON tenant.id = $1
        CROSS JOIN LATERAL (
            SELECT tiers.place, tiers.tier, (tenant.time_policy ->> tiers.tier)::numeric / 100 AS share
        ) policy
        LEFT JOIN timed ON timed.tier IS NOT DISTINCT FROM policy.tier),
    'untimed', (SELECT coalesce(sum(untimed), 0) FROM by_day)
) AS report
FROM period
