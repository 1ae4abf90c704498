INSERT INTO {ledger} (target, pipeline, stream, partition, fingerprint, run, rows)
VALUES ($1, $2, $3, $4, '', '', 0)
ON CONFLICT DO NOTHING
