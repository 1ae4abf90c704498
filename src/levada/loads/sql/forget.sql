DELETE FROM {ledger} WHERE target = $1
