WITH coming AS (
    SELECT {rows} FROM {stage}
), there AS (
    SELECT {names} FROM {table} WHERE {found}
), lacking AS (
    SELECT * FROM coming EXCEPT ALL SELECT * FROM there
), left_over AS (
    SELECT * FROM there EXCEPT ALL SELECT * FROM coming
)
SELECT (SELECT count(*) FROM lacking) + (SELECT count(*) FROM left_over)
