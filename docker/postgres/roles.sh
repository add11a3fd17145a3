#!/bin/bash
# Runs once, when the database is empty: one role a program, each with the databases of its own.
# gatehouse_owner migrates and imports directories; gatehouse, the worker, changes no schema.
set -euo pipefail

secrets=${SECRETS_DIR:-/run/secrets}

psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
  --set temporal="$(cat "$secrets/temporal_db_password")" \
  --set owner="$(cat "$secrets/gatehouse_owner_password")" \
  --set worker="$(cat "$secrets/gatehouse_db_password")" <<'SQL'
CREATE ROLE temporal LOGIN PASSWORD :'temporal';
CREATE ROLE gatehouse_owner LOGIN PASSWORD :'owner';
CREATE ROLE gatehouse LOGIN PASSWORD :'worker';
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
CREATE DATABASE gatehouse OWNER gatehouse_owner;
REVOKE ALL ON DATABASE temporal, temporal_visibility, gatehouse FROM PUBLIC;
GRANT CONNECT ON DATABASE gatehouse TO gatehouse;
SQL
