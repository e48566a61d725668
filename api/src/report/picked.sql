-- The opportunities that the caller sees and the filters leave.
, picked AS NOT MATERIALIZED (
    SELECT t.id, t.name, t.owner_id, t.amount, t.currency, t.expected_on, t.deleted_at, t.product_id, t.source, a.kind AS account_kind, a.tier, a.address ->> 'region' AS region
    FROM {opportunity} t
    LEFT JOIN {ever_account} a ON a.tenant_id = $1 AND a.id = t.account_id
    WHERE t.tenant_id = $1 AND {picked}
      AND ($6::uuid IS NULL OR t.owner_id IN (
          SELECT u.id FROM {user} u WHERE u.tenant_id = $1 AND u.team_id IN (SELECT id FROM below)))
      AND ($7::uuid IS NULL OR t.owner_id = $7)
)
