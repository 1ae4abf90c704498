CREATE TABLE IF NOT EXISTS {ledger} (
    target text NOT NULL,
    pipeline text NOT NULL,
    stream text NOT NULL,
    partition text NOT NULL,
    fingerprint text NOT NULL,
    run text NOT NULL,
    rows bigint NOT NULL,
    loaded_at timestamp with time zone,
    PRIMARY KEY (target, pipeline, stream, partition)
)
