UPDATE {ledger}
SET fingerprint = $5, run = $6, rows = $7::BIGINT, loaded_at = now()
WHERE target = $1 AND pipeline = $2 AND stream = $3 AND partition = $4
