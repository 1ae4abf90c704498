-- Sessions in a transaction that holds the table or the ledger; what others may not see of them is null.
SELECT DISTINCT a.pid, a.usename, coalesce(a.application_name, ''), a.state, date_trunc('second', a.xact_start)::text
FROM pg_locks AS l
JOIN pg_stat_activity AS a ON a.pid = l.pid
JOIN pg_class AS c ON c.oid = l.relation
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE l.granted
    AND l.locktype = 'relation'
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND l.pid <> pg_backend_pid()
    AND n.nspname = $1
    AND c.relname IN ($2, $3)
ORDER BY 5
LIMIT 3
