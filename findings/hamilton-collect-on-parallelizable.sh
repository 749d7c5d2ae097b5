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


def item() -> Parallelizable[int]:
    yield from range(3)


def same(item: int) -> int:
    return item


def through_a_node(same: Collect[int]) -> list[int]:
    return list(same)


def directly(item: Collect[int]) -> list[int]:
    return list(item)
PY
cat > run.py <<'PY'
import dag
from hamilton import driver

def value(name):
    builder = driver.Builder().with_modules(dag).enable_dynamic_execution(allow_experimental_mode=True)
    return builder.build().execute([name])[name]

print(value("through_a_node"), value("directly"))
PY
seen=$(env/bin/python run.py 2>/dev/null)
echo "sf-hamilton 1.90.0: a list collected from a Parallelizable, through a node and directly"
echo "expected: [0, 1, 2] [0, 1, 2]"
echo "seen:     $seen"
[ "$seen" = "[0, 1, 2] [[0, 1, 2]]" ]
