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


def price() -> Parallelizable[int]:
    yield from (1, 2, 3)


def net(price: int) -> int:
    return 2 * price


def total(net: Collect[int]) -> int:
    return sum(net)


def part() -> Parallelizable[int]:
    yield from (3, 6)


def share(part: int, total: int) -> float:
    return part / total


def shares(share: Collect[float]) -> list[float]:
    return list(share)
PY
cat > run.py <<'PY'
import dag
from hamilton import driver

builder = driver.Builder().with_modules(dag).enable_dynamic_execution(allow_experimental_mode=True)
try:
    print(builder.build().execute(["shares"])["shares"])
except Exception as error:
    print(type(error).__name__)
PY
seen=$(for seed in 0 1 2 3 4 5 6 7 8 9; do PYTHONHASHSEED=$seed env/bin/python run.py 2>/dev/null; done | sort -u | tr '\n' ' ')
echo "sf-hamilton 1.90.0: a node in a second block takes what the first block collects; ten hash seeds"
echo "expected: [0.25, 0.5]"
echo "seen:     $seen"
[ "$seen" = "KeyError TypeError " ]
