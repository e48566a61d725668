, done AS MATERIALIZED (
    SELECT a.owner_id, a.kind = 'visit' AS is_visit, coalesce(a.verdict, 'unknown') AS verdict, a.duration_minutes AS minutes,
           (a.occurred AT TIME ZONE period.time_zone)::date AS day, acc.tier,
           extract(epoch FROM a.captured - a.occurred)::double precision / 3600 AS hours
    FROM people
    CROSS JOIN period
    JOIN activity a ON a.tenant_id = people.tenant_id AND a.owner_id = people.id
    JOIN account acc ON acc.tenant_id = a.tenant_id AND acc.id = a.account_id
    WHERE a.tenant_id = $1 AND a.deleted_at IS NULL AND a.occurred >= period.starts AND a.occurred < period.ends
), worked AS MATERIALIZED (
    SELECT owner_id, day, grouping(owner_id) = 1 AS is_total, grouping(day) = 1 AS is_whole,
           count(*) AS activities,
           count(*) FILTER (WHERE is_visit) AS visits,
           count(*) FILTER (WHERE is_visit AND verdict = 'verified') AS verified,
           count(*) FILTER (WHERE is_visit AND verdict = 'outside') AS outside,
           coalesce(sum(minutes), 0) AS minutes,
           count(*) FILTER (WHERE hours <= 24) AS within_day,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY hours) AS median_hours
    FROM done
    GROUP BY GROUPING SETS ((), (owner_id), (owner_id, day))
), planned AS MATERIALIZED (
    SELECT plan.owner_id, grouping(plan.owner_id) = 1 AS is_total,
           count(*) AS planned,
           count(*) FILTER (WHERE plan.status = 'fulfilled') AS done,
           count(*) FILTER (WHERE plan.status = 'missed') AS missed,
           count(*) FILTER (WHERE plan.status = 'cancelled') AS cancelled
    FROM people
    CROSS JOIN period
    JOIN plan ON plan.tenant_id = people.tenant_id AND plan.owner_id = people.id
    WHERE plan.tenant_id = $1 AND plan.deleted_at IS NULL AND plan.planned_on BETWEEN period.first_day AND period.last_day
    GROUP BY GROUPING SETS ((), (plan.owner_id))
), whole AS (
    SELECT w.owner_id, w.is_total, w.activities, w.visits, w.verified, w.outside, w.minutes, w.within_day, w.median_hours
    FROM worked w WHERE w.is_whole
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
    -- The whole has no owner: the tenant stands for it.
    FULL JOIN planned p ON coalesce(p.owner_id, $1) = coalesce(w.owner_id, $1)
), timed AS (
    SELECT tier, sum(minutes) AS minutes FROM done WHERE minutes IS NOT NULL GROUP BY tier
)
SELECT json_build_object(
    'from', period.first_day, 'to', period.last_day, 'timeZone', period.time_zone,
    'total', (SELECT figures FROM told WHERE is_total),
    'reps', (
        SELECT coalesce(json_agg(json_build_object('userId', people.id, 'name', people.name, 'team', people.team,
                   'figures', told.figures) ORDER BY people.name, people.id), '[]')
        FROM told JOIN people ON people.id = told.owner_id WHERE NOT told.is_total),
    'days', (
        SELECT coalesce(json_agg(json_build_object('day', w.day, 'userId', w.owner_id, 'name', people.name,
                   'activities', w.activities, 'visits', w.visits, 'verified', w.verified, 'minutes', w.minutes)
                   ORDER BY w.day, people.name, people.id), '[]')
        FROM worked w JOIN people ON people.id = w.owner_id WHERE NOT w.is_whole),
    'time', (
        SELECT json_agg(json_build_object('tier', policy.tier, 'minutes', coalesce(timed.minutes, 0),
                   'share', round(coalesce(timed.minutes, 0)::numeric / nullif((SELECT sum(minutes) FROM timed), 0), 4),
                   'policyShare', policy.share) ORDER BY policy.place)
        FROM (VALUES (1, 'key', 0.6), (2, 'ordinary', 0.3), (3, 'potential', 0.1), (4, NULL, NULL)) AS policy(place, tier, share)
        LEFT JOIN timed ON timed.tier IS NOT DISTINCT FROM policy.tier),
    'untimed', (SELECT count(*) FROM done WHERE minutes IS NULL)
) AS report
FROM period
