-- The fields that stages ask for, in the opportunities that were won and in those that were lost: how often they are filled,
-- and whether what stands in them differs. A number or day is compared with the median of all, anything else with what stands
-- there most often. $1 tenant, $2 user, $3 from, $4 before, $5 team or none, $6 names of fields. What stands between this
-- file and the next: the condition of visibility over `t`.
WITH RECURSIVE below AS (
    SELECT team.tenant_id, team.id FROM team WHERE team.tenant_id = $1 AND team.id = $5::uuid
    UNION
    SELECT team.tenant_id, team.id FROM below b
    JOIN team ON team.tenant_id = b.tenant_id AND team.parent_id = b.id
    WHERE team.tenant_id = $1
), closed AS (
    SELECT t.stage = 'signed' AS won, f.name, f.value, f.number
    FROM opportunity t
    JOIN "user" u ON u.tenant_id = t.tenant_id AND u.id = t.owner_id
    CROSS JOIN LATERAL (VALUES
        ('accountId', t.account_id::text, NULL::double precision),
        ('amount', t.amount::text, t.amount::double precision),
        ('contactId', t.contact_id::text, NULL),
        ('currency', t.currency, NULL),
        -- Days until then say more than the day.
        ('expectedOn', t.expected_on::text, extract(epoch FROM t.expected_on - t.created_at)::double precision),
        ('externalId', t.external_id, NULL),
        ('note', nullif(btrim(t.note), ''), char_length(btrim(t.note))::double precision),
        ('productId', t.product_id::text, NULL),
        ('source', nullif(btrim(t.source), ''), NULL)
    ) AS f(name, value, number)
    WHERE t.tenant_id = $1 AND $2::uuid IS NOT NULL AND t.deleted_at IS NULL AND t.stage IN ('signed', 'lost')
      AND t.stage_since >= $3 AND t.stage_since < $4 AND f.name = ANY($6)
      AND ($5::uuid IS NULL OR u.team_id IN (SELECT id FROM below))
