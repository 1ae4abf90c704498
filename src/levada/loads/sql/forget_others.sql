DELETE FROM {ledger} WHERE target = $1 AND NOT (pipeline = $2 AND stream = $3 AND partition = $4)
