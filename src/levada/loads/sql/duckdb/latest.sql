-- A key that comes twice: the newest row, else the last one.
CREATE TEMPORARY TABLE _levada_latest AS
SELECT DISTINCT ON ({key}) *
FROM (SELECT {rows}, rowid AS _levada_place FROM {stage})
ORDER BY {key}, {newest}_levada_place DESC
