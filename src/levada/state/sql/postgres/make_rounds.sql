CREATE TABLE IF NOT EXISTS _levada_rounds (
    lake text NOT NULL,
    pipeline text NOT NULL,
    id text NOT NULL,
    verb text NOT NULL,
    door text NOT NULL,
    ending text NOT NULL,
    started timestamp with time zone NOT NULL,
    ended timestamp with time zone NOT NULL,
    kind text NOT NULL,
    what text NOT NULL,
    place text NOT NULL,
    todo text NOT NULL,
    notes text NOT NULL,
    PRIMARY KEY (lake, pipeline, id)
)
