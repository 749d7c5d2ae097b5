#!/usr/bin/env bash
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check ray==2.60.0

cat > run.py <<'PY'
import time

import ray

ray.init(num_cpus=1, include_dashboard=False, logging_level="error")


@ray.remote
def measure():
    print("temperature:", end=" ", flush=True)
    time.sleep(2)
    print("21 degrees")


ray.get(measure.remote())
time.sleep(2)
PY
env/bin/python run.py > out.txt 2>&1
seen=$(grep -c 'measure pid=' out.txt || true)
echo "ray 2.60.0: a task prints one line in two pieces, 2 s apart"
echo "expected: 1 line '(measure pid=…) temperature: 21 degrees' at the driver, as in any terminal or log"
echo "seen:     $seen lines:"
sed 's/pid=[0-9]*/pid=…/' out.txt | grep 'measure pid=' | sed 's/^/          /'
[ "$seen" = 2 ] && ! grep -q 'temperature: 21' out.txt
