-- Those that first came to a stage within the period, and what has become of them. One row a stage, and one a stage and
-- currency; for all and for each group. See picked.sql for what goes before.
), journeys AS (
    -- When it first came to each stage or past it, and the numbers of its newest move and of its newest losses: in all,
    -- and from each stage. The moves are read in one pass of an index that holds all of this.
    SELECT p.id, ARRAY[
               min(m.occurred) FILTER (WHERE m.to_stage <> 'lost'),
               min(m.occurred) FILTER (WHERE m.to_stage IN ('pre_sale', 'negotiation', 'signed')),
               min(m.occurred) FILTER (WHERE m.to_stage IN ('negotiation', 'signed')),
               min(m.occurred) FILTER (WHERE m.to_stage = 'signed')
           ] AS came,
           max(m.number) AS newest,
           max(m.number) FILTER (WHERE m.to_stage = 'lost') AS lost,
           ARRAY[
               max(m.number) FILTER (WHERE m.to_stage = 'lost' AND m.from_stage = 'intent'),
               max(m.number) FILTER (WHERE m.to_stage = 'lost' AND m.from_stage = 'pre_sale'),
               max(m.number) FILTER (WHERE m.to_stage = 'lost' AND m.from_stage = 'negotiation')
           ] AS lost_from
    FROM picked p
    JOIN {stage_move} m ON m.tenant_id = p.tenant_id AND m.opportunity_id = p.id
    WHERE m.tenant_id = $1 AND m.deleted_at IS NULL
    GROUP BY p.id
), entered AS (
    SELECT p.split_id, p.split_text, p.amount, p.currency, s.stage,
           j.came[s.place + 1] IS NOT NULL AS advanced,
           coalesce(j.lost = j.newest, false) AS lost,
           j.lost_from[s.place] = j.newest AS lost_here,
           extract(epoch FROM j.came[s.place + 1] - j.came[s.place])::double precision / 86400 AS days
    FROM picked p
    CROSS JOIN period
    JOIN journeys j ON j.id = p.id
    CROSS JOIN (VALUES (1, 'intent'), (2, 'pre_sale'), (3, 'negotiation'), (4, 'signed')) AS s(place, stage)
    WHERE j.came[s.place] >= period.starts AND j.came[s.place] < period.ends
), counted AS (
    SELECT true AS is_total, grouping(currency) = 1 AS is_count, NULL::uuid AS split_id, NULL::text AS split_text, stage, currency,
           count(*) AS entered,
           count(*) FILTER (WHERE advanced) AS advanced,
           count(*) FILTER (WHERE lost_here) AS lost,
           count(*) FILTER (WHERE NOT advanced AND NOT lost) AS open,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY days) AS median_days,
           percentile_cont(0.9) WITHIN GROUP (ORDER BY days) AS p90_days,
           sum(amount) AS amount
    FROM entered
    GROUP BY GROUPING SETS ((stage), (stage, currency))
    UNION ALL
    SELECT false, grouping(currency) = 1, split_id, split_text, stage, currency,
           count(*),
           count(*) FILTER (WHERE advanced),
           count(*) FILTER (WHERE lost_here),
           count(*) FILTER (WHERE NOT advanced AND NOT lost),
           percentile_cont(0.5) WITHIN GROUP (ORDER BY days),
           percentile_cont(0.9) WITHIN GROUP (ORDER BY days),
           sum(amount)
    FROM entered
    WHERE $12::text <> 'none'
    GROUP BY GROUPING SETS ((split_id, split_text, stage), (split_id, split_text, stage, currency))
