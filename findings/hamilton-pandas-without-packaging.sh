#!/usr/bin/env bash
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check sf-hamilton==1.90.0 apache-hamilton==1.90.0 pandas==3.1.1
export HAMILTON_TELEMETRY_ENABLED=false

cat > run.py <<'PY'
from hamilton import driver, registry

driver.Builder().build()
print("csv" in registry.LOADER_REGISTRY)
PY
before=$(env/bin/python run.py 2>/dev/null)
env/bin/pip install --quiet --disable-pip-version-check packaging==26.4
after=$(env/bin/python run.py 2>/dev/null)
echo "sf-hamilton 1.90.0 with pandas 3.1.1: whether it has a loader for csv, without and with the package packaging"
echo "expected: True True"
echo "seen:     $before $after (its extension for pandas imports packaging, which it does not require)"
[ "$before $after" = "False True" ]
