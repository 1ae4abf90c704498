SELECT count(*) FROM (SELECT {rows} FROM {stage}) AS s WHERE ({found}) IS NOT TRUE
