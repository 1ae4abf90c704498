UPDATE {table} AS t SET {changes}
FROM _levada_latest AS s
WHERE {same} AND ({differs})
