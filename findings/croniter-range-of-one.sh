#!/usr/bin/env bash
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check croniter==7.0.0

cat > run.py <<'PY'
from datetime import datetime

from croniter import croniter

def times(expression, count):
    fires = croniter(expression, datetime(2026, 1, 1))
    return [fires.get_next(datetime).strftime("%d %H:%M") for _ in range(count)]

print(times("5-5 * * * *", 2), times("0 0 1-1 * *", 2))
PY
seen=$(env/bin/python run.py)
echo "croniter 7.0.0: the next two times of '5-5 * * * *' and of '0 0 1-1 * *' after 2026-01-01"
echo "expected: ['01 00:05', '01 01:05'] ['01 00:00', '01 00:00'] (of February and March)"
echo "seen:     $seen"
[ "$seen" = "['01 00:01', '01 00:02'] ['02 00:00', '03 00:00']" ]
