DELETE FROM _levada_rounds WHERE lake = $1 AND pipeline = $2 AND door = 'lake'
