-- What was done, a row an owner and day, of rows of sign (1 where it counts, -1 where it counts no longer), owner_id, day,
-- kind, verdict, minutes, tier of the account, and delay from when it took place to when it was typed.
-- Delays are counted by steps, with the whole minutes of those of each step.
SELECT owner_id, day,
       sum(sign)::integer AS activities,
       coalesce(sum(sign) FILTER (WHERE kind = 'visit'), 0)::integer AS visits,
       coalesce(sum(sign) FILTER (WHERE kind = 'visit' AND verdict = 'verified'), 0)::integer AS verified,
       coalesce(sum(sign) FILTER (WHERE kind = 'visit' AND verdict = 'outside'), 0)::integer AS outside,
       coalesce(sum(sign) FILTER (WHERE delay <= interval '24 hours'), 0)::integer AS within_day,
       coalesce(sum(sign) FILTER (WHERE minutes IS NULL), 0)::integer AS untimed,
       coalesce(sum(sign * minutes), 0) AS minutes,
       coalesce(sum(sign * minutes) FILTER (WHERE tier = 'key'), 0) AS key_minutes,
       coalesce(sum(sign * minutes) FILTER (WHERE tier = 'ordinary'), 0) AS ordinary_minutes,
       coalesce(sum(sign * minutes) FILTER (WHERE tier = 'potential'), 0) AS potential_minutes,
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
