WITH old AS MATERIALIZED (
    SELECT id FROM _levada_rounds
    WHERE lake = $1 AND pipeline = $2 AND ended < $3::text::timestamptz
    ORDER BY ended, id LIMIT 100
    FOR UPDATE SKIP LOCKED
), runs AS (
    DELETE FROM _levada_runs USING old
    WHERE lake = $1 AND pipeline = $2 AND round = old.id
)
DELETE FROM _levada_rounds USING old
WHERE lake = $1 AND pipeline = $2 AND _levada_rounds.id = old.id
