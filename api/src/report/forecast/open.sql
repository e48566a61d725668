-- Where each opportunity stood when it is told, whether it came to each stage before, and what it was worth then.
, journeys AS (
    SELECT DISTINCT ON (p.id) p.id, m.to_stage AS stage, m.occurred AS since, m.probability,
           ARRAY[bool_or(m.to_stage <> 'lost') OVER of_one, bool_or(m.to_stage IN ('pre_sale', 'negotiation', 'signed')) OVER of_one,
                 bool_or(m.to_stage IN ('negotiation', 'signed')) OVER of_one] AS came
    FROM picked p
    CROSS JOIN period
    JOIN {stage_move} m ON m.tenant_id = p.tenant_id AND m.opportunity_id = p.id
    WHERE m.tenant_id = $1 AND m.deleted_at IS NULL AND m.occurred < period.told_before
    WINDOW of_one AS (PARTITION BY p.id)
    ORDER BY p.id, m.number DESC
), told AS MATERIALIZED (
    SELECT p.tenant_id, p.id, p.owner_id, j.stage, j.since, j.probability, j.came, p.amount, p.currency, p.expected_on
    FROM picked p
    JOIN journeys j ON j.id = p.id
)
