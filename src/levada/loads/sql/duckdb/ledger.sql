CREATE TABLE IF NOT EXISTS {ledger} (
    target VARCHAR NOT NULL,
    pipeline VARCHAR NOT NULL,
    stream VARCHAR NOT NULL,
    partition VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    run VARCHAR NOT NULL,
    rows BIGINT NOT NULL,
    loaded_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (target, pipeline, stream, partition)
)
