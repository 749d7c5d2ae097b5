-- What `doctor` asks a PostgreSQL server for: one row, which any role may ask for.
-- Reads settings, pg_stat_database (pg_stat_activity hides others' sessions) and the role's rights on the tables flowerpower_….
SELECT current_setting('server_version_num')::int AS version,
    current_setting('server_version') AS version_text,
    pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS read_only,
    current_setting('fsync') AS fsync,
    current_setting('full_page_writes') AS full_page_writes,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('max_connections')::int AS max_connections,
    (SELECT sum(numbackends)::int FROM pg_stat_database) AS connections,
    (SELECT string_agg(DISTINCT right_ || ' on ' || tablename, ', ')
        FROM pg_tables, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS rights(right_)
        WHERE tablename LIKE 'flowerpower\_%'
            AND schemaname = (SELECT nspname FROM pg_class JOIN pg_namespace AS n
                ON n.oid = relnamespace WHERE pg_class.oid = to_regclass('flowerpower_schema'))
            AND NOT has_table_privilege(quote_ident(schemaname) || '.' || quote_ident(tablename),
                right_)
            AND NOT (tablename = 'flowerpower_schema' AND right_ <> 'SELECT')) AS missing
