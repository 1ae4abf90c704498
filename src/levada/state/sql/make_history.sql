CREATE TABLE IF NOT EXISTS _levada_history (version integer PRIMARY KEY)
