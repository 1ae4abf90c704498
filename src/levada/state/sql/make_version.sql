INSERT INTO _levada_history (version)
SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM _levada_history)
