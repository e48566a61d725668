-- What has become of each opportunity, and the stages that it first came to within the period. counted.sql counts them;
-- see picked.sql for what goes before. Set aside once for one figure of all; read twice by groups, for whose sorting
-- several processes can then read.
), journeys AS {aside} (
    SELECT p.split_id,
           {split_text} AS split_text,
           p.amount, p.currency, s.stage = 'lost' AS lost, s.from_stage,
           s.came_intent >= (SELECT starts FROM period) AND s.came_intent < (SELECT ends FROM period) AS intent,
           s.came_pre_sale >= (SELECT starts FROM period) AND s.came_pre_sale < (SELECT ends FROM period) AS pre_sale,
           s.came_negotiation >= (SELECT starts FROM period) AND s.came_negotiation < (SELECT ends FROM period) AS negotiation,
           s.came_signed >= (SELECT starts FROM period) AND s.came_signed < (SELECT ends FROM period) AS signed,
           date_part('epoch', s.came_pre_sale - s.came_intent) / 86400 AS to_pre_sale,
           date_part('epoch', s.came_negotiation - s.came_pre_sale) / 86400 AS to_negotiation,
           date_part('epoch', s.came_signed - s.came_negotiation) / 86400 AS to_signed
    FROM picked p
    JOIN {standing} s ON s.tenant_id = $1 AND s.opportunity_id = p.id
), amounts AS MATERIALIZED (
    SELECT split_id, split_text, currency,
           sum(amount) FILTER (WHERE intent) AS intent, sum(amount) FILTER (WHERE pre_sale) AS pre_sale,
           sum(amount) FILTER (WHERE negotiation) AS negotiation, sum(amount) FILTER (WHERE signed) AS signed
    FROM journeys GROUP BY split_id, split_text, currency
), counted AS (
