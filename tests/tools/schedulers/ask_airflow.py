"""Reads lines of ZONE, FROM, UNTIL and EXPRESSION with tabs between; prints seconds since 1970."""

import sys

import pendulum
from airflow.timetables._cron import CronMixin

for line in sys.stdin:
    zone, start, until, expression = line.rstrip("\n").split("\t", 3)
    try:
        mixin = CronMixin(expression, zone)
        mixin.validate()
        moment = pendulum.from_timestamp(int(start) - 1, "UTC")
        fires: list[int] = []
        while (moment := mixin._get_next(moment)).timestamp() < int(until):
            fires.append(int(moment.timestamp()))
            if len(fires) > 100_000:
                raise RuntimeError(line)
    except (ValueError, LookupError):
        print("error")
        continue
    print(*fires)
