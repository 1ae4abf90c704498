DELETE FROM _levada_rounds
WHERE lake = $1 AND pipeline = $2 AND id IN (
    SELECT id FROM _levada_rounds
    WHERE lake = $1 AND pipeline = $2 AND ended < $3::text::timestamptz
    ORDER BY ended, id LIMIT 100 FOR UPDATE SKIP LOCKED
)
