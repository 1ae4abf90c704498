INSERT INTO {into} ({names})
SELECT {rows}
FROM {stage}
