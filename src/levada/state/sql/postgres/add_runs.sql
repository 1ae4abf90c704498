INSERT INTO _levada_runs (
    lake, pipeline,
    round, number, stream, partition, outcome, run, level, read, kept, quarantined, dropped, nullified,
    loaded, pages, requests, resumed, files, gaps, changed, seconds, kind, what, place, todo
)
SELECT
    $1::text, $2::text,
    round, number, stream, partition, outcome, run, level, read, kept, quarantined, dropped, nullified,
    loaded, pages, requests, resumed, files, gaps, changed, seconds, kind, what, place, todo
FROM jsonb_to_recordset($3::text::jsonb) AS coming (
    round text,
    number bigint,
    stream text,
    partition text,
    outcome text,
    run text,
    level text,
    read bigint,
    kept bigint,
    quarantined bigint,
    dropped bigint,
    nullified bigint,
    loaded bigint,
    pages bigint,
    requests bigint,
    resumed bigint,
    files bigint,
    gaps bigint,
    changed boolean,
    seconds double precision,
    kind text,
    what text,
    place text,
    todo text
)
