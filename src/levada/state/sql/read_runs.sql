SELECT
    round,
    stream, partition, outcome, run, level, read, kept, quarantined, dropped, nullified, loaded, pages,
    requests, resumed, files, gaps, changed, seconds, kind, what, place, todo
FROM _levada_runs
WHERE lake = $1 AND pipeline = $2 AND round IN (
    SELECT id FROM _levada_rounds WHERE lake = $1 AND pipeline = $2 ORDER BY id DESC LIMIT $3
)
ORDER BY round, number
