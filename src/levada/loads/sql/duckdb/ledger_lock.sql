SELECT fingerprint, rows
FROM {ledger}
WHERE target = $1 AND pipeline = $2 AND stream = $3 AND partition = $4
