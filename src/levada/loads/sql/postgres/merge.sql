WITH latest AS (
    SELECT DISTINCT ON ({key}) *
    FROM (SELECT {rows}, ctid AS _levada_place FROM {stage}) AS s
    -- A key that comes twice: the newest row, else the last one.
    ORDER BY {key}, {newest}_levada_place DESC
), done AS (
    INSERT INTO {table} AS t ({names})
    SELECT {names} FROM latest
    -- In one order, so that two merges do not wait for each other.
    ORDER BY {key}
    ON CONFLICT ({key}) DO UPDATE SET {changes}
    WHERE {differs}
    RETURNING (xmax = 0) AS new
)
SELECT count(*) FILTER (WHERE new), count(*) FILTER (WHERE NOT new) FROM done
