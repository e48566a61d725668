(
        SELECT jsonb_object_agg(earliest.key, earliest.was) AS fields
        FROM (
            SELECT DISTINCT ON (change.key) change.key, change.value -> 0 AS was
            FROM record_history h
            CROSS JOIN LATERAL jsonb_each(h.changes::jsonb) AS change(key, value)
            WHERE h.tenant_id = $1 AND h.record_id = x.id AND h.kind = '{kind}' AND h.op = 'update'
              AND h.{heard} >= (SELECT told_before FROM period) AND x.revision > 1
            ORDER BY change.key, h.revision
        ) earliest
    )