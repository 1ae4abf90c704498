SELECT
    to_regnamespace(quote_ident($1)) IS NOT NULL,
    to_regclass(format('%I.%I', $1, $2)) IS NOT NULL,
    to_regclass(format('%I.%I', $1, $3)) IS NOT NULL
