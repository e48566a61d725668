-- Where each opportunity stood when it is told, whether it came to each stage before, and what it was worth then.
, told AS MATERIALIZED (
    SELECT p.owner_id, s.stage, s.entered AS since, s.probability, p.amount, p.currency, p.expected_on,
           s.came_intent IS NOT NULL AS intent, s.came_pre_sale IS NOT NULL AS pre_sale, s.came_negotiation IS NOT NULL AS negotiation
    FROM picked p
    JOIN {standing} s ON s.tenant_id = $1 AND s.opportunity_id = p.id
)
