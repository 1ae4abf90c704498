CREATE UNIQUE INDEX ON {table} ({key})
