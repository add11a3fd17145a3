#!/bin/sh
# Makes the random passwords that docker-compose.yml mounts as files, and .env with the user id
# that its containers run as, so that only that user can read them. What exists is kept.
set -eu

cd "$(dirname "$0")"
umask 077
mkdir -p secrets

owner=$(id -u)
group=$(id -g)
if [ "$owner" -eq 0 ]; then # PostgreSQL refuses to run as root
  owner=1000
  group=1000
fi

for name in postgres_password temporal_db_password gatehouse_owner_password gatehouse_db_password; do
  if [ ! -s "secrets/$name" ]; then
    # Hexadecimal, since Temporal puts its password into YAML as it is.
    od -An -N32 -tx1 /dev/urandom | tr -d ' \n' > "secrets/$name"
    echo "made docker/secrets/$name"
  fi
done
if [ "$(id -u)" -eq 0 ]; then
  chown -R "$owner:$group" secrets
fi

if [ ! -e ../.env ]; then
  printf 'GATEHOUSE_UID=%s\nGATEHOUSE_GID=%s\n' "$owner" "$group" > ../.env
  echo "made .env"
fi
