#!/bin/sh
# Makes the namespace and its search attributes and waits until both answer; doing it again changes
# nothing. The address and the namespace come from TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE.
set -eu

RETENTION=720h # 30 days; the audit table is the record, not the history
TRIES=60

# Runs a command until it succeeds, once a second.
wait_for() {
  left=$TRIES
  until "$@" > /dev/null 2>&1; do
    left=$((left - 1))
    if [ "$left" -eq 0 ]; then
      echo "gave up after $TRIES tries: $*" >&2
      exit 1
    fi
    sleep 1
  done
}

wait_for temporal operator cluster health
if ! temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" > /dev/null 2>&1; then
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION"
fi
wait_for temporal operator search-attribute list

known=$(temporal operator search-attribute list)
for name in GatehouseTenant GatehouseKind; do
  case $known in
    *"$name"*) ;;
    *) temporal operator search-attribute create --name "$name" --type Keyword ;;
  esac
done
wait_for temporal workflow count --query 'GatehouseTenant = "none" AND GatehouseKind = "none"'
echo "namespace $TEMPORAL_NAMESPACE is ready"
