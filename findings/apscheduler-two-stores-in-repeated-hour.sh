#!/usr/bin/env bash
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check apscheduler==3.11.3 tzdata==2025.2

cat > run.py <<'PY'
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers import base
from apscheduler.schedulers.background import BackgroundScheduler

BERLIN = ZoneInfo("Europe/Berlin")

class Clock(datetime):
    "02:40 in Berlin, in the night when 02:00 to 03:00 comes twice; for the first time."

    @classmethod
    def now(cls, tz=None):
        return datetime(2026, 10, 25, 0, 40, tzinfo=timezone.utc).astimezone(tz)

class Scheduler(BackgroundScheduler):
    def _process_jobs(self):
        seconds = super()._process_jobs()
        if len(self.get_jobs()) == 2:
            self.seconds = seconds
        return seconds

def scheduler_with(stores):
    scheduler = Scheduler(timezone=BERLIN, jobstores={name: MemoryJobStore() for name in stores})
    # 02:50 of the first pass, in 10 minutes, and 02:10 of the second pass, in 30 minutes.
    first = datetime(2026, 10, 25, 2, 50, tzinfo=BERLIN, fold=0)
    second = datetime(2026, 10, 25, 2, 10, tzinfo=BERLIN, fold=1)
    scheduler.add_job(print, "date", run_date=first, jobstore=stores[0])
    scheduler.add_job(print, "date", run_date=second, jobstore=stores[-1])
    scheduler.start()
    scheduler._process_jobs()
    scheduler.shutdown()
    return int(scheduler.seconds)

base.datetime = Clock
print(scheduler_with(["default"]), scheduler_with(["default", "second"]))
PY
seen=$(env/bin/python run.py)
echo "APScheduler 3.11.3: how many seconds the loop sleeps before jobs that are due in 600 and in 1800 seconds,"
echo "in the hour that clocks show twice: with both jobs in one job store, and with one in each of two"
echo "expected: 600 600"
echo "seen:     $seen"
[ "$seen" = "600 1800" ]
