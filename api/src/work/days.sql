-- What was done, a row an owner and day, of rows of owner_id, day, kind, verdict, minutes, tier of the account, and delay from
-- when it took place to when it was typed. Delays are counted by steps, with the whole minutes of those of each step.
SELECT owner_id, day,
       count(*)::integer AS activities,
       (count(*) FILTER (WHERE kind = 'visit'))::integer AS visits,
       (count(*) FILTER (WHERE kind = 'visit' AND verdict = 'verified'))::integer AS verified,
       (count(*) FILTER (WHERE kind = 'visit' AND verdict = 'outside'))::integer AS outside,
       (count(*) FILTER (WHERE delay <= interval '24 hours'))::integer AS within_day,
       (count(*) FILTER (WHERE minutes IS NULL))::integer AS untimed,
       coalesce(sum(minutes), 0) AS minutes,
       coalesce(sum(minutes) FILTER (WHERE tier = 'key'), 0) AS key_minutes,
       coalesce(sum(minutes) FILTER (WHERE tier = 'ordinary'), 0) AS ordinary_minutes,
       coalesce(sum(minutes) FILTER (WHERE tier = 'potential'), 0) AS potential_minutes,
       ARRAY[{delays}]::integer[] AS delays,
       ARRAY[{delay_minutes}]::bigint[] AS delay_minutes
FROM (
    SELECT d.*, width_bucket(late, '{steps}'::integer[]) AS step
    FROM (
        SELECT r.*, least(greatest(floor(date_part('epoch', r.delay) / 60), 0), {longest})::integer AS late
        FROM ({rows}) r
        -- Else both are worked out once more for each sum.
        OFFSET 0
    ) d
    OFFSET 0
) x
GROUP BY owner_id, day
