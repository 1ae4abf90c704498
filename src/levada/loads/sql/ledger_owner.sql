SELECT pipeline || '/' || stream
FROM {ledger}
WHERE target = $1 AND (pipeline, stream) IS DISTINCT FROM ($2, $3)
LIMIT 1
