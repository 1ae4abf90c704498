SELECT count(*)
FROM {table} AS t
WHERE {found} AND NOT EXISTS (SELECT FROM (SELECT {rows} FROM {stage}) AS s WHERE {same})
