#!/usr/bin/env bash
# Makes the keys that the containers start with, into a folder:  deploy/make-keys.sh deploy/secrets [COMMAND THAT RUNS FlowService]
# keys.json has the hashes, for the service; client_key, metrics_key and admin_key are for those who call it.
set -euo pipefail
umask 077
folder=$1
shift
service=("${@:-FlowService}")

entry() {
    local name=$1 scopes=$2 key hash
    { read -r _ key && read -r _ hash; } < <("${service[@]}" key)
    printf '%s' "$key" >"$folder/${name}_key"
    printf '"%s": {"Hash": "%s", "Scopes": "%s"}' "$name" "$hash" "$scopes"
}

mkdir -p "$folder"
printf '{\n  %s,\n  %s,\n  %s\n}\n' "$(entry client infer)" "$(entry metrics metrics)" "$(entry admin admin,infer)" >"$folder/keys.json"
# The containers read these two as users of their own; the first has no keys, and the second opens /metrics alone.
chmod 644 "$folder/keys.json" "$folder/metrics_key"
echo "$folder: keys.json for the service; client_key, metrics_key and admin_key for its callers"
