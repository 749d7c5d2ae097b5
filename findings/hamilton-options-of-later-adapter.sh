#!/usr/bin/env bash
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check sf-hamilton==1.90.0 apache-hamilton==1.90.0
export HAMILTON_TELEMETRY_ENABLED=false

cat > run.py <<'PY'
import dataclasses
from typing import Any

from hamilton import registry
from hamilton.io.data_adapters import DataSaver
from hamilton.io.materialization import to


@dataclasses.dataclass
class Indented(DataSaver):
    path: str
    indent: int = 2

    @classmethod
    def applicable_types(cls) -> list[type]:
        return [dict]

    @classmethod
    def name(cls) -> str:
        return FORMAT

    def save_data(self, data: dict) -> dict[str, Any]:
        return {}


for FORMAT in ("indented_json", "json"):
    registry.register_adapter(Indented)
    try:
        getattr(to, FORMAT)(id="saved", dependencies=["table"], path="x", indent=4)
        print(FORMAT, "takes it", end="; ")
    except TypeError as error:
        print(FORMAT, error, end="; ")
PY
seen=$(env/bin/python run.py)
echo "sf-hamilton 1.90.0: a saver that has the option indent is registered for a new format, and for json;"
echo "then to.FORMAT(…, indent=4)"
echo "expected: indented_json takes it; json takes it; "
echo "seen:     $seen"
[ "$seen" = "indented_json takes it; json got an unexpected keyword argument 'indent'; " ]
