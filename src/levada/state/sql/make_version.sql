INSERT INTO _levada_history (version) VALUES (1)
