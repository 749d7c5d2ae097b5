#!/usr/bin/env bash
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check sf-hamilton==1.90.0 apache-hamilton==1.90.0
export HAMILTON_TELEMETRY_ENABLED=false

cat > dag.py <<'PY'
from typing import TypedDict


class Row(TypedDict):
    key: str


def of_dict(row: Row) -> str:
    return row["key"]


def of_tuple(pair: tuple[int, int]) -> int:
    return sum(pair)


def of_list(days: list[int]) -> str:
    return str(days)
PY
cat > run.py <<'PY'
import dag
from hamilton import driver

built = driver.Builder().with_modules(dag).build()
for node, inputs in (
    ("of_dict", {"row": {"key": "a"}}),
    ("of_tuple", {"pair": (1, 2)}),
    ("of_list", {"days": ["x"]}),
):
    try:
        print(built.execute([node], inputs=inputs)[node], end="; ")
    except Exception as error:
        print(type(error).__name__, end="; ")
PY
seen=$(env/bin/python run.py 2>/dev/null)
echo "sf-hamilton 1.90.0: {'key': 'a'} for a TypedDict, (1, 2) for tuple[int, int], ['x'] for list[int]"
echo "expected: a; 3; an error"
echo "seen:     $seen"
[ "$seen" = "TypeError; ValueError; ['x']; " ]
