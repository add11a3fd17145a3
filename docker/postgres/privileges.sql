-- Runs after every migration, as gatehouse_owner: what the worker may do with the tables.
-- The audit is written once: nobody but the owner can change or remove a line of it.
GRANT USAGE ON SCHEMA public TO gatehouse;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM gatehouse;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO gatehouse;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO gatehouse;
REVOKE UPDATE, DELETE ON audit FROM gatehouse;
REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM gatehouse;
