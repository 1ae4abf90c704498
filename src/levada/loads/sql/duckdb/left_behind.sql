SELECT count(*)
FROM {table} AS t
WHERE {found} AND NOT EXISTS (SELECT 1 FROM _levada_latest AS s WHERE {same})
