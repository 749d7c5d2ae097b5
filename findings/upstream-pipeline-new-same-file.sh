#!/usr/bin/env bash
# flowerpower 0.37.0 (the upstream tool of this name) with fsspec 2026.6.0: in a project that its own `init`
# has just made, `pipeline new` ends with shutil's SameFileError, and conf/pipelines has no file of it.
# Expected: the module and the configuration of the new pipeline, as its Python call makes them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check flowerpower==0.37.0 fsspec==2026.6.0
cd "$folder"
export HOME=$folder NO_COLOR=1 TERM=dumb
venv/bin/flowerpower init --name shop >init.log 2>&1
cd shop
status=0
../venv/bin/flowerpower pipeline new sales >../new.log 2>&1 || status=$?
echo "expected: conf/pipelines/sales.yml is made"
echo "seen:     exit code $status, $(ls conf/pipelines 2>/dev/null | grep -c sales || true) files of it, $(grep -o SameFileError ../new.log | sort -u | head -1)"
grep -q SameFileError ../new.log && [ ! -e conf/pipelines/sales.yml ]
