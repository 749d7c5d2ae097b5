#!/usr/bin/env bash
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check pydantic==2.14.4

cat > run.py <<'PY'
from datetime import date, datetime, time

from pydantic import TypeAdapter, ValidationError

def read(kind, text):
    try:
        return str(TypeAdapter(kind).validate_json(text, strict=True))
    except ValidationError:
        return "refused"

print(*(read(kind, '"1700000000"') for kind in (date, time, datetime)), read(datetime, "1700000000"), sep="; ")
PY
seen=$(env/bin/python run.py)
echo 'pydantic 2.14.4: strict JSON "1700000000" as date, time and datetime, and without quotes as datetime'
echo "expected: refused; refused; refused; refused"
echo "seen:     $seen"
[ "$seen" = "refused; refused; 2023-11-14 22:13:20+00:00; refused" ]
