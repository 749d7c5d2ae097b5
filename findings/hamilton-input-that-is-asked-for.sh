#!/usr/bin/env bash
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check sf-hamilton==1.90.0 apache-hamilton==1.90.0
export HAMILTON_TELEMETRY_ENABLED=false

cat > dag.py <<'PY'
def total(price: int, count: int = 2) -> int:
    return price * count
PY
cat > run.py <<'PY'
import dag
from hamilton import driver

built = driver.Builder().with_modules(dag).build()
try:
    built.execute(["total"])
except Exception as error:
    print(type(error).__name__, end="; ")
print(built.execute(["price", "count"]))
PY
seen=$(env/bin/python run.py 2>/dev/null)
echo "sf-hamilton 1.90.0: a node without its required input; then that input and one with a default, asked for themselves"
echo "expected: an error; an error for the required input, and 2 for the one with a default"
echo "seen:     $seen"
[ "$seen" = "ValueError; {'price': None, 'count': None}" ]
