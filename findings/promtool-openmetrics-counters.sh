#!/usr/bin/env bash
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq prometheus=2.42.0+ds-5+deb12u1 2> apt.log || { cat apt.log; exit 2; }
dpkg-deb -x prometheus_*.deb tools
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check prometheus-client==0.26.0

cat > metrics.py <<'PY'
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

registry = CollectorRegistry()
Counter("jobs", "Jobs that have ended.", registry=registry).inc()
text = generate_latest(registry).decode()
assert [family.type for family in text_string_to_metric_families(text)] == ["counter"]
print(text, end="")
PY
env/bin/python metrics.py > metrics.txt
code=0
seen=$(tools/usr/bin/promtool check metrics < metrics.txt 2>&1) || code=$?
echo "promtool 2.42.0: check metrics on what prometheus-client 0.26.0 writes as OpenMetrics, a counter with HELP"
echo "expected: exit 0"
echo "seen:     exit $code, $seen"
[ "$code" = 3 ] && grep -q "jobs_total no help text" <<< "$seen"
