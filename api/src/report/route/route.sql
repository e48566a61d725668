, stops AS (
    SELECT a.id, a.account_id, acc.name, a.occurred, a.duration_minutes, a.verdict,
           (a.check_in ->> 'latitude') IS NOT NULL AS is_checked,
           coalesce((a.check_in ->> 'latitude')::double precision, (acc.position ->> 'latitude')::double precision) AS latitude,
           coalesce((a.check_in ->> 'longitude')::double precision, (acc.position ->> 'longitude')::double precision) AS longitude
    FROM people
    CROSS JOIN period
    JOIN activity a ON a.tenant_id = people.tenant_id AND a.owner_id = people.id
    JOIN account acc ON acc.tenant_id = a.tenant_id AND acc.id = a.account_id
    WHERE a.tenant_id = $1 AND a.deleted_at IS NULL AND a.kind = 'visit'
      AND a.occurred >= period.starts AND a.occurred < period.ends
)
SELECT json_build_object(
    'day', period.first_day, 'timeZone', period.time_zone,
    'userId', (SELECT id FROM people), 'name', (SELECT name FROM people),
    'stops', (
        SELECT coalesce(json_agg(json_build_object('activityId', id, 'accountId', account_id, 'account', name,
                   'occurred', to_char(occurred AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'minutes', duration_minutes,
                   'verdict', verdict, 'isCheckedIn', is_checked, 'latitude', latitude, 'longitude', longitude)
                   ORDER BY occurred, id), '[]') FROM stops)
) AS report
FROM period
