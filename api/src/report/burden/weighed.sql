)
-- How often each weighed field was filled in the activities for opportunities that were won, and for those that were lost.
SELECT w.field AS name, s.outcome = 'signed' AS won, count(*) AS closed,
       count(*) FILTER (WHERE coalesce((s.held ->> w.field)::integer, 0) > 0) AS filled,
       NULL::bigint AS middling, NULL::bigint AS distinct_values
FROM seen s JOIN weighed w ON w.kind = s.kind
WHERE s.outcome IN ('signed', 'lost') AND w.field <> 'opportunityId'
GROUP BY w.field, s.outcome
