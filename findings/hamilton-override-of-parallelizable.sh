#!/usr/bin/env bash
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check sf-hamilton==1.90.0 apache-hamilton==1.90.0
export HAMILTON_TELEMETRY_ENABLED=false

cat > dag.py <<'PY'
from hamilton.htypes import Collect, Parallelizable

calls = []


def station() -> Parallelizable[int]:
    yield from (1, 2)


def reading(station: int) -> int:
    calls.append(station)
    return station


def readings(reading: Collect[int]) -> list[int]:
    return list(reading)
PY
cat > run.py <<'PY'
import dag
from hamilton import driver

built = driver.Builder().with_modules(dag).enable_dynamic_execution(allow_experimental_mode=True).build()
built.execute(["readings"], overrides={"station": [3, 5]})
print(sorted(dag.calls, key=str))
PY
seen=$(env/bin/python run.py)
echo "sf-hamilton 1.90.0: what a node of a block is called with if the Parallelizable node is overridden by [3, 5]"
echo "expected: [3, 5], one call for each item"
echo "seen:     $seen"
[ "$seen" = "[3, 5, [3, 5]]" ]
