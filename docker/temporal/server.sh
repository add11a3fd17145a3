#!/bin/sh
# Starts the server with its password from the mounted secret; the image knows only a variable.
set -eu

POSTGRES_PWD=$(cat /run/secrets/temporal_db_password)
export POSTGRES_PWD
exec /etc/temporal/entrypoint.sh
