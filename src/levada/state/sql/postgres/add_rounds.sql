INSERT INTO _levada_rounds (
    lake, pipeline,
    id, verb, door, ending, started, ended, kind, what, place, todo, notes
)
SELECT
    $1::text, $2::text,
    id, verb, door, ending, started, ended, kind, what, place, todo, notes
FROM jsonb_to_recordset($3::text::jsonb) AS coming (
    id text,
    verb text,
    door text,
    ending text,
    started timestamp with time zone,
    ended timestamp with time zone,
    kind text,
    what text,
    place text,
    todo text,
    notes text
)
