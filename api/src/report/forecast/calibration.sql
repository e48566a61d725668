, decided AS (
    SELECT s.owner_id AS user_id, s.opportunity_id AS id, s.stage = 'signed' AS is_signed
    FROM people
    JOIN {owned_standing} s ON s.tenant_id = $1 AND s.owner_id = people.id
    WHERE s.deleted_at IS NULL AND s.stage IN ('signed', 'lost')
      -- Of two bounds that it does not know, the planner expects nearly nothing between them; of a CASE, half.
      AND CASE WHEN s.entered >= (SELECT starts FROM period) THEN s.entered < (SELECT ends FROM period) END
), said AS (
    SELECT d.user_id, d.id, d.is_signed::integer AS outcome, s.probability::double precision / 100 AS chance
    FROM decided d
    JOIN {stay} s ON s.tenant_id = $1 AND s.opportunity_id = d.id
    WHERE s.stage IN ('intent', 'pre_sale', 'negotiation')
), scored AS (
    SELECT user_id, count(*) AS forecasts, count(DISTINCT id) AS opportunities,
           avg((chance - outcome) ^ 2) AS brier, avg(chance) AS said, avg(outcome) AS signed
    FROM said GROUP BY user_id
)
SELECT json_build_object(
    'from', period.first_day, 'to', period.last_day, 'asOf', period.as_of, 'timeZone', period.time_zone,
    'reps', (
        SELECT coalesce(json_agg(json_build_object('userId', people.id, 'name', people.name, 'team', people.team,
                   'forecasts', s.forecasts, 'opportunities', s.opportunities, 'brier', round(s.brier::numeric, 4),
                   'meanProbability', round(s.said::numeric, 4), 'signedShare', round(s.signed::numeric, 4),
                   'bias', round((s.said - s.signed)::numeric, 4), 'isSmall', s.opportunities < 20)
                   ORDER BY people.name, people.id), '[]')
        FROM scored s JOIN people ON people.id = s.user_id)
) AS report
FROM period
