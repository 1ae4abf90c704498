SELECT max(version) FROM _levada_history
