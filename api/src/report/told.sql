-- The records as they are told of a past day, in place of the tables. `{kept}` leaves deleted ones out: as known now all of
-- them, as known then those that had been deleted by the end of that day. `{stood}` is which stays are those
-- at the end of it, by when moves took place or by when they were told; `{heard}` the time by which a change counts:
-- when it was typed, or when the server was told of it. `{was:kind}` are the fields of one record before the first change
-- that came later, `{were:kind}` those of all records, by `told.rs` of the fields that reports go by. Who may see a record is
-- told by `holder_id`, its present owner.
, opportunity_was AS MATERIALIZED (
    {were:opportunity}
), account_was AS MATERIALIZED (
    {were:account}
), user_was AS MATERIALIZED (
    {were:user}
), told_user AS NOT MATERIALIZED (
    SELECT x.tenant_id, x.id, x.name, coalesce((w.fields ->> 'teamId')::uuid, x.team_id) AS team_id, x.deleted_at
    FROM "user" x
    LEFT JOIN user_was w ON w.id = x.id
    WHERE x.tenant_id = $1
), ever_account AS NOT MATERIALIZED (
    SELECT x.tenant_id, x.id, x.name, x.created_at, x.deleted_at, coalesce((w.fields ->> 'ownerId')::uuid, x.owner_id) AS owner_id,
           coalesce(w.fields ->> 'kind', x.kind) AS kind,
           CASE WHEN w.fields ? 'tier' THEN w.fields ->> 'tier' ELSE x.tier END AS tier,
           CASE WHEN w.fields ? 'address' THEN w.fields -> 'address' ELSE x.address END AS address
    FROM account x
    LEFT JOIN account_was w ON w.id = x.id
    WHERE x.tenant_id = $1
), told_account AS NOT MATERIALIZED (
    SELECT x.tenant_id, x.id, x.name, x.kind, x.tier, x.owner_id, x.created_at,
           x.deleted_at AS buried_at, NULL::timestamptz AS deleted_at
    FROM ever_account x
    WHERE x.tenant_id = $1 AND x.created_at < (SELECT told_before FROM period) AND {kept}
), ever_opportunity AS NOT MATERIALIZED (
    SELECT x.tenant_id, x.id, x.name, x.account_id, x.deleted_at, x.owner_id AS holder_id,
           coalesce((w.fields ->> 'ownerId')::uuid, x.owner_id) AS owner_id,
           CASE WHEN w.fields ? 'productId' THEN (w.fields ->> 'productId')::uuid ELSE x.product_id END AS product_id,
           CASE WHEN w.fields ? 'source' THEN w.fields ->> 'source' ELSE x.source END AS source,
           CASE WHEN w.fields ? 'amount' THEN (w.fields ->> 'amount')::numeric ELSE x.amount END AS amount,
           CASE WHEN w.fields ? 'currency' THEN w.fields ->> 'currency' ELSE x.currency END AS currency,
           CASE WHEN w.fields ? 'expectedOn' THEN (w.fields ->> 'expectedOn')::date ELSE x.expected_on END AS expected_on
    FROM opportunity x
    LEFT JOIN opportunity_was w ON w.id = x.id
    WHERE x.tenant_id = $1
), told_opportunity AS NOT MATERIALIZED (
    SELECT x.tenant_id, x.id, x.name, x.account_id, x.holder_id, x.owner_id, x.product_id, x.source, x.amount, x.currency,
           x.expected_on, x.deleted_at AS buried_at, NULL::timestamptz AS deleted_at
    FROM ever_opportunity x
    WHERE x.tenant_id = $1 AND {kept}
), owned_stay AS NOT MATERIALIZED (
    SELECT x.*, x.owner_id AS holder_id, coalesce((w.fields ->> 'ownerId')::uuid, x.owner_id) AS owned_by
    FROM stay x
    LEFT JOIN opportunity_was w ON w.id = x.opportunity_id
    WHERE x.tenant_id = $1
), stay_now AS NOT MATERIALIZED (
    SELECT x.tenant_id, x.opportunity_id, x.owned_by AS owner_id, x.holder_id, x.account_id, x.deleted_at AS buried_at, NULL::timestamptz AS deleted_at,
           x.from_stage, x.stage, x.lost_reason, x.probability, x.entered,
           CASE WHEN x.stood_until < (SELECT told_before FROM period) THEN x.stood_until ELSE 'infinity' END AS stood_until
    FROM owned_stay x
    WHERE x.tenant_id = $1 AND {kept} AND x.entered < (SELECT told_before FROM period)
), stay_then AS NOT MATERIALIZED (
    SELECT x.tenant_id, x.opportunity_id, x.owned_by AS owner_id, x.holder_id, x.account_id, x.deleted_at AS buried_at, NULL::timestamptz AS deleted_at,
           x.from_stage, x.stage, x.lost_reason, x.probability, x.entered,
           coalesce(min(x.entered) OVER later, 'infinity') AS stood_until
    FROM owned_stay x
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
), owned_standing AS NOT MATERIALIZED (
    SELECT x.tenant_id, x.opportunity_id, coalesce((w.fields ->> 'ownerId')::uuid, x.owner_id) AS owner_id, x.deleted_at, x.stage, x.entered
    FROM standing_told x
    LEFT JOIN opportunity_was w ON w.id = x.opportunity_id
), told_plan AS NOT MATERIALIZED (
    -- What becomes of a plan is no correction: its status is that of then, however it is known.
    SELECT x.tenant_id, x.id, coalesce((was.fields ->> 'ownerId')::uuid, x.owner_id) AS owner_id,
           coalesce((was.fields ->> 'plannedOn')::date, x.planned_on) AS planned_on,
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
    JOIN ever_account a ON a.tenant_id = $1 AND a.id = x.account_id
), day_then AS NOT MATERIALIZED (
    SELECT $1::uuid AS tenant_id, counted.* FROM ({days_then}) counted
)
