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

def days(expression, count):
    fires = croniter(expression, datetime(2026, 1, 30))
    return [fires.get_next(datetime).strftime("%m-%d") for _ in range(count)]

# The 2nd to the 31st and the last day of the month; and every Friday, also named as the 2nd one.
print(days("0 0 2-31,L * *", 3), days("0 0 * * FRI,5#2", 2))
PY
seen=$(env/bin/python run.py)
echo "croniter 7.0.0: the next days of '0 0 2-31,L * *' and of '0 0 * * FRI,5#2' after 2026-01-30"
echo "expected: ['01-31', '02-02', '02-03'] ['02-06', '02-13']"
echo "seen:     $seen"
[ "$seen" = "['01-31', '02-01', '02-02'] ['02-13', '03-13']" ]
