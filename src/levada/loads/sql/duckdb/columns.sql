SELECT column_name, data_type, NOT is_nullable, column_default IS NOT NULL, comment
FROM duckdb_columns()
WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2
ORDER BY column_index
