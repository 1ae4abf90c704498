SELECT count(to_regclass('_levada_history'))
