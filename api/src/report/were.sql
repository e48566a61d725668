
        SELECT h.record_id AS id, jsonb_object_agg(change.key, change.value -> 0 ORDER BY h.revision DESC) AS fields
        FROM record_history h
        CROSS JOIN LATERAL jsonb_each(h.changes::jsonb) AS change(key, value)
        WHERE h.tenant_id = $1 AND h.kind = '{kind}' AND h.op = 'update' AND h.{heard} >= (SELECT told_before FROM period)
          AND ({patterns}) AND change.key IN ({members})
        GROUP BY h.record_id
