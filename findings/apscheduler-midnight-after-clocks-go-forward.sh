#!/usr/bin/env bash
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check apscheduler==3.11.3 tzdata

cat > run.py <<'PY'
from datetime import datetime
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

zone = ZoneInfo("Europe/Berlin")

def fires(expression, start, count):
    trigger = CronTrigger.from_crontab(expression, timezone=zone)
    fire = trigger.get_next_fire_time(None, datetime(*start, tzinfo=zone))
    shown = []
    for _ in range(count):
        shown.append(f"{fire:%m-%d}")
        fire = trigger.get_next_fire_time(fire, fire)
    return shown

print(fires("0 0 * * *", (2027, 3, 27), 4), fires("0 0 1 * *", (2027, 2, 1), 4))
PY
seen=$(env/bin/python run.py)
echo "apscheduler 3.11.3: days on which '0 0 * * *' and '0 0 1 * *' fire in Europe/Berlin, where clocks go forward on 28 March 2027"
echo "expected: ['03-27', '03-28', '03-29', '03-30'] ['02-01', '03-01', '04-01', '05-01']"
echo "seen:     $seen"
[ "$seen" = "['03-27', '03-28', '03-30', '03-31'] ['02-01', '03-01', '05-01', '06-01']" ]
