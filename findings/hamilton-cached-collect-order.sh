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


def station(first: int) -> Parallelizable[int]:
    yield first
    yield 3 - first


def reading(station: int) -> int:
    return station


def readings(reading: Collect[int]) -> list[int]:
    return list(reading)
PY
cat > run.py <<'PY'
import logging

import dag
from hamilton import driver

logging.disable()
for first in (1, 2):
    builder = driver.Builder().with_modules(dag).with_cache(path="cache")
    built = builder.enable_dynamic_execution(allow_experimental_mode=True).build()
    print(built.execute(["readings"], inputs={"first": first})["readings"])
PY
seen=$(env/bin/python run.py | tr '\n' ' ')
echo "sf-hamilton 1.90.0: with the cache, the same two items collected in the order 1, 2 and then 2, 1"
echo "expected: [1, 2] [2, 1]"
echo "seen:     $seen"
[ "$seen" = "[1, 2] [1, 2] " ]
