DELETE FROM _levada_runs
WHERE lake = $1 AND pipeline = $2 AND round IN (
    SELECT id FROM _levada_rounds
    WHERE lake = $1 AND pipeline = $2 AND ended < $3
    ORDER BY ended, id LIMIT 100
)
