SELECT
    id, verb, door, ending, started, ended, kind, what, place, todo, notes
FROM _levada_rounds
WHERE lake = $1 AND pipeline = $2
ORDER BY id DESC
LIMIT $3
