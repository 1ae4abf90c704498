DELETE FROM {table} WHERE {found}
