SELECT
    a.attname,
    format_type(a.atttypid, a.atttypmod),
    a.attnotnull,
    a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> '',
    col_description(a.attrelid, a.attnum)
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
