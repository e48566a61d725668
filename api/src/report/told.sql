-- The records as they are told of a past day, in place of the tables. `{kept}` leaves deleted ones out: as known now all of
-- them, as known then those that had been deleted by the end of that day. `{stood}` is which stays are those
-- at the end of it, by when moves took place or by when they were told; `{heard}` the time by which a change counts:
-- when it was typed, or when the server was told of it. `{was:kind}` are the fields before the first change that came later.
, worth_then AS MATERIALIZED (
    -- What an opportunity was worth before the first change that came later. A quotation mark within a text is escaped, so
    -- that these patterns find members only; record_history_worth_idx holds the few rows that have one.
    SELECT h.record_id AS id,
           bool_or(h.changes LIKE '%"amount":%') AS of_amount,
           (array_agg((h.changes::json -> 'amount' ->> 0)::numeric ORDER BY h.revision) FILTER (WHERE h.changes LIKE '%"amount":%'))[1] AS amount,
           bool_or(h.changes LIKE '%"currency":%') AS of_currency,
           (array_agg(h.changes::json -> 'currency' ->> 0 ORDER BY h.revision) FILTER (WHERE h.changes LIKE '%"currency":%'))[1] AS currency,
           bool_or(h.changes LIKE '%"expectedOn":%') AS of_day,
           (array_agg((h.changes::json -> 'expectedOn' ->> 0)::date ORDER BY h.revision) FILTER (WHERE h.changes LIKE '%"expectedOn":%'))[1] AS expected_on
    FROM record_history h
    WHERE h.tenant_id = $1 AND h.{heard} >= (SELECT told_before FROM period) AND h.kind = 'opportunity' AND h.op = 'update'
      AND (h.changes LIKE '%"amount":%' OR h.changes LIKE '%"currency":%' OR h.changes LIKE '%"expectedOn":%')
    GROUP BY h.record_id
), told_opportunity AS NOT MATERIALIZED (
    SELECT x.tenant_id, x.id, x.name, x.owner_id, x.account_id, x.product_id, x.source,
           CASE WHEN w.of_amount THEN w.amount ELSE x.amount END AS amount,
           CASE WHEN w.of_currency THEN w.currency ELSE x.currency END AS currency,
           CASE WHEN w.of_day THEN w.expected_on ELSE x.expected_on END AS expected_on,
           x.deleted_at AS buried_at, NULL::timestamptz AS deleted_at
    FROM opportunity x
    LEFT JOIN worth_then w ON w.id = x.id
    WHERE x.tenant_id = $1 AND {kept}
), stay_now AS NOT MATERIALIZED (
    SELECT x.tenant_id, x.opportunity_id, x.owner_id, x.account_id, x.deleted_at AS buried_at, NULL::timestamptz AS deleted_at,
           x.from_stage, x.stage, x.lost_reason, x.probability, x.entered,
           CASE WHEN x.stood_until < (SELECT told_before FROM period) THEN x.stood_until ELSE 'infinity' END AS stood_until
    FROM stay x
    WHERE x.tenant_id = $1 AND {kept} AND x.entered < (SELECT told_before FROM period)
), stay_then AS NOT MATERIALIZED (
    SELECT x.tenant_id, x.opportunity_id, x.owner_id, x.account_id, x.deleted_at AS buried_at, NULL::timestamptz AS deleted_at,
           x.from_stage, x.stage, x.lost_reason, x.probability, x.entered,
           coalesce(min(x.entered) OVER later, 'infinity') AS stood_until
    FROM stay x
    WHERE x.tenant_id = $1 AND {kept} AND x.told < (SELECT told_before FROM period)
    WINDOW later AS (PARTITION BY x.opportunity_id ORDER BY x.number ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)
), standing_told AS NOT MATERIALIZED (
    SELECT x.tenant_id, x.opportunity_id, x.owner_id, NULL::timestamptz AS deleted_at,
           x.from_stage, x.stage, x.entered, x.probability, x.lost_reason,
           CASE WHEN x.came_intent < (SELECT told_before FROM period) THEN x.came_intent END AS came_intent,
           CASE WHEN x.came_pre_sale < (SELECT told_before FROM period) THEN x.came_pre_sale END AS came_pre_sale,
           CASE WHEN x.came_negotiation < (SELECT told_before FROM period) THEN x.came_negotiation END AS came_negotiation,
           CASE WHEN x.came_signed < (SELECT told_before FROM period) THEN x.came_signed END AS came_signed
    FROM stay x
    WHERE x.tenant_id = $1 AND {kept} AND {stood}
), told_account AS NOT MATERIALIZED (
    SELECT x.tenant_id, x.id, x.name, x.kind, x.tier, x.owner_id, x.created_at,
           x.deleted_at AS buried_at, NULL::timestamptz AS deleted_at
    FROM account x
    WHERE x.tenant_id = $1 AND x.created_at < (SELECT told_before FROM period) AND {kept}
), told_plan AS NOT MATERIALIZED (
    -- What becomes of a plan is no correction: its status is that of then, however it is known.
    SELECT x.tenant_id, x.id, x.owner_id, coalesce((was.fields ->> 'plannedOn')::date, x.planned_on) AS planned_on,
           coalesce(was.fields ->> 'status', x.status) AS status, NULL::timestamptz AS deleted_at
    FROM plan x
    LEFT JOIN LATERAL {was:plan} was ON true
    WHERE x.tenant_id = $1 AND {kept} {created}
)
, activity_now AS NOT MATERIALIZED (
    -- What had taken place, as it reads now: a correction that came later corrects the past.
    SELECT x.tenant_id, x.owner_id, x.account_id, x.kind, x.occurred, x.captured, x.duration_minutes, x.verdict,
           NULL::timestamptz AS deleted_at
    FROM activity x
    WHERE x.tenant_id = $1 AND x.occurred < (SELECT told_before FROM period) AND {kept}
), activity_then AS NOT MATERIALIZED (
    -- What the server had been told, as it read then: corrections that came later are taken back.
    SELECT x.tenant_id, x.owner_id, x.account_id, x.kind, x.occurred, x.captured, x.duration_minutes, x.verdict,
           NULL::timestamptz AS deleted_at
    FROM activity x
    WHERE x.tenant_id = $1 AND x.revision = 1 AND x.occurred < (SELECT told_before FROM period) AND {kept} AND x.received < (SELECT told_before FROM period)
    UNION ALL
    SELECT x.tenant_id, x.owner_id, x.account_id, coalesce(was.fields ->> 'kind', x.kind),
           coalesce((was.fields ->> 'occurred')::timestamptz, x.occurred), x.captured,
           CASE WHEN was.fields ? 'durationMinutes' THEN (was.fields ->> 'durationMinutes')::integer ELSE x.duration_minutes END,
           CASE WHEN was.fields ? 'verdict' THEN was.fields ->> 'verdict' ELSE x.verdict END, NULL
    FROM activity x
    LEFT JOIN LATERAL {was:activity} was ON true
    WHERE x.tenant_id = $1 AND x.revision > 1 AND {kept} AND x.received < (SELECT told_before FROM period)
)
, done_then AS NOT MATERIALIZED (
    SELECT x.owner_id, (x.occurred AT TIME ZONE (SELECT time_zone FROM period))::date AS day, x.kind, x.verdict,
           x.duration_minutes AS minutes, a.tier, x.captured - x.occurred AS delay
    FROM activity_then x
    JOIN account a ON a.tenant_id = $1 AND a.id = x.account_id
), day_then AS NOT MATERIALIZED (
    SELECT $1::uuid AS tenant_id, counted.* FROM ({days_then}) counted
)
