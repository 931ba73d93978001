#!/usr/bin/env bash
# Makes the keys that the containers start with, into a folder:  deploy/make-keys.sh deploy/secrets [COMMAND THAT RUNS FlowService]
# keys.json has the hashes, for the service; client_key, metrics_key and admin_key are for those who call it.
set -euo pipefail
umask 077
folder=${1:?the folder that the keys are written to is missing: deploy/make-keys.sh deploy/secrets [COMMAND THAT RUNS FlowService]}
shift
service=("${@:-FlowService}")

entry() {
    local name=$1 scopes=$2 key hash
    { read -r _ key && read -r _ hash; } < <("${service[@]}" key) || { echo "'${service[*]} key' made no key" >&2 && return 1; }
    printf '%s' "$key" >"$folder/${name}_key"
    printf '"%s": {"Hash": "%s", "Scopes": "%s"}' "$name" "$hash" "$scopes"
}

if [ -e "$folder/keys.json" ]; then
    echo "$folder/keys.json: exists already; move it away for new keys, which take the place of those that clients have" >&2
    exit 1
fi
mkdir -p "$folder"
client=$(entry client infer)
metrics=$(entry metrics metrics)
admin=$(entry admin admin,infer)
printf '{\n  %s,\n  %s,\n  %s\n}\n' "$client" "$metrics" "$admin" >"$folder/keys.json"
# The containers read these two as users of their own; the first has no keys, and the second opens /metrics alone.
chmod 644 "$folder/keys.json" "$folder/metrics_key"
echo "$folder: keys.json for the service; client_key, metrics_key and admin_key for its callers"
