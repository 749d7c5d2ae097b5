#!/usr/bin/env bash
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq systemd-cron=1.15.19-5 2> apt.log || { cat apt.log; exit 2; }
dpkg-deb -x ./*.deb tools

cat > run.py <<'PY'
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader

loader = SourceFileLoader("generator", "tools/lib/systemd/system-generators/systemd-crontab-generator")
generator = module_from_spec(spec_from_loader("generator", loader))
loader.exec_module(generator)
print([job["M"] for job in generator.parse_crontab(sys.argv[1])])
PY
printf '0 0 1 SEP * root true\n0 0 1 OCT * root true\n0 0 1 NOV * root true\n0 0 1 DEC * root true\n' > crontab
seen=$(python3 -W ignore run.py crontab 2> /dev/null)
echo "systemd-cron 1.15.19: months of the lines '0 0 1 SEP *', OCT, NOV and DEC"
echo "expected: [[9], [10], [11], [12]]"
echo "seen:     $seen"
[ "$seen" = "[[9], [], [10], [11]]" ]
