INSERT INTO {table} ({names})
SELECT {names}
FROM _levada_latest AS s
WHERE NOT EXISTS (SELECT 1 FROM {table} AS t WHERE {same})
ORDER BY _levada_place
