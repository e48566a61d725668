), pooled AS (
    SELECT name, mode() WITHIN GROUP (ORDER BY value) AS most_often,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY number) AS middle,
           count(DISTINCT value) + (count(*) > count(value))::integer AS distinct_values
    FROM closed GROUP BY name
)
SELECT c.name, c.won, count(*) AS closed, count(c.value) AS filled,
       count(*) FILTER (WHERE CASE WHEN p.middle IS NULL THEN c.value = p.most_often ELSE c.number > p.middle END) AS middling,
       p.distinct_values::bigint AS distinct_values
FROM closed c JOIN pooled p ON p.name = c.name
GROUP BY c.name, c.won, p.distinct_values
