#!/usr/bin/env bash
# The containers as docker-compose.yml starts them: builds the image, starts three replicas behind nginx with Prometheus beside them, asks,
# restarts one replica after the other and kills one while clients ask, and takes all down again.
#   tests/containers.sh [COMMAND OF COMPOSE]      "docker compose" unless told; BUILD=no takes the image that is there
set -euo pipefail
cd "$(dirname "$0")/.."
compose=(${1:-docker compose} --profile scale)
replicas=(flowservice-1 flowservice-2 flowservice-3)

ready() {
    for _ in $(seq 1 240); do
        [ "$(curl -s --max-time 1 -o /dev/null -w '%{http_code}' "172.30.88.1${1##*-}:8080/health/ready")" = 200 ] && return
        sleep 0.25
    done
    echo "$1 is not ready after a minute" >&2
    "${compose[@]}" logs "$1" >&2
    exit 1
}

[ "${BUILD:-yes}" = no ] || "${compose[@]}" build flowservice
[ -e deploy/secrets/keys.json ] || deploy/make-keys.sh deploy/secrets "${ENGINE:-docker}" run --rm flowservice
key="X-Api-Key: $(cat deploy/secrets/client_key)"

trap '"${compose[@]}" down --timeout 20 >/dev/null 2>&1' EXIT
"${compose[@]}" up -d --no-build flowservice "${replicas[@]}" prometheus nginx
for replica in "${replicas[@]}"; do ready "$replica"; done

echo "Who has no key is refused; all replicas draw the same samples."
[ "$(curl -s -o /dev/null -w '%{http_code}' localhost:8088/models)" = 401 ]
ask() { curl -sf localhost:8088/sample -H "$key" -H 'Content-Type: application/json' -d '{"model": "two-moons", "count": 2, "seed": 7}'; }
answers=$(for _ in 1 2 3 4 5 6; do ask && echo; done | sort -u)
echo "$answers"
[ "$(wc -l <<<"$answers")" = 1 ]

echo "Prometheus reads the service and each replica."
for _ in $(seq 1 60); do
    up=$(curl -sf 'localhost:9090/api/v1/query?query=count(up==1)' | grep -oE '"[0-9]+"' | tr -d '"' || true)
    [ "$up" = 4 ] && break
    sleep 1
done
[ "$up" = 4 ]

echo "A restart of each, and the death of one, while clients ask."
stop=$(mktemp)
FLOW_KEY=$(cat deploy/secrets/client_key) /usr/bin/env python3 - "$stop" <<'PYTHON' &
import http.client, json, os, sys, threading, time
failed, asked, slowest = [], [0], [0.0]
def ask():
    server = http.client.HTTPConnection("127.0.0.1", 8088, timeout=30)
    while os.path.exists(sys.argv[1]):
        began = time.time()
        server.request("POST", "/logprob", json.dumps({"model": "two-moons", "x": [[0, 1], [0.5, 0.25]]}), {"X-Api-Key": os.environ["FLOW_KEY"], "Content-Type": "application/json"})
        answer = server.getresponse()
        body = answer.read()
        asked[0] += 1
        slowest[0] = max(slowest[0], time.time() - began)
        if answer.status != 200 or b'"log_prob":[-0.38251123,-5.5933375]' not in body:
            failed.append((answer.status, body[:200]))
        time.sleep(0.005)
clients = [threading.Thread(target=ask) for _ in range(4)]
for client in clients: client.start()
for client in clients: client.join()
print(f"{asked[0]} requests, {len(failed)} of them failed {failed[:3]}; the slowest took {slowest[0]:.1f} s")
sys.exit(1 if failed or not asked[0] else 0)
PYTHON
clients=$!
sleep 2
for replica in "${replicas[@]}"; do
    "${compose[@]}" restart --timeout 80 "$replica"
    ready "$replica"
done
"${compose[@]}" kill -s KILL flowservice-2
sleep 3
"${compose[@]}" start flowservice-2
ready flowservice-2
rm "$stop"
wait "$clients"
echo "passed"
