SELECT
    EXISTS (SELECT 1 FROM duckdb_schemas() WHERE database_name = current_database() AND schema_name = $1),
    EXISTS (SELECT 1 FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2),
    EXISTS (SELECT 1 FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = $1 AND table_name = $3)
