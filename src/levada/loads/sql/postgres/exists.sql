-- From the tables of the catalogue: to_regclass may go by what this transaction saw when it began.
SELECT
    EXISTS (SELECT FROM pg_namespace WHERE nspname = $1),
    EXISTS (
        SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relname = $2
    ),
    EXISTS (
        SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relname = $3
    )
