#!/usr/bin/env bash
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check rq==3.0.0 'rq-exporter<=3.1.0'
version=$(env/bin/python -c 'from importlib.metadata import version; print(version("rq-exporter"))')
seen=$(env/bin/rq-exporter --help 2>&1 | tail -n 1 || true)
echo "rq 3.0.0: pip install rq-exporter beside it"
echo "expected: a version that works, or an error of pip"
echo "seen:     rq-exporter $version: ${seen%% (*}"
[ "$version" = 2.1.2 ] && [[ "$seen" == "ImportError: cannot import name 'Connection'"* ]]
