"""Record when other schedulers fire: the table that our readings of their dialects are tested by.

    python -m tests.tools.record_schedulers tests/unit/scheduler_fires.json [DIALECT...]

See `schedulers/programs.py` for the programs and what they need. Takes some minutes the first time.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from tests.tools.schedulers.programs import PROGRAMS, Answer, Question, version_of

SPANS = {
    # A leap year, for days; two days, for times of day; and the days of clock changes.
    "year": ("UTC", "2028-01-01T00:00", "2029-01-01T00:00"),
    "day": ("UTC", "2028-01-01T00:00", "2028-01-03T00:00"),
    "forward": ("Europe/Berlin", "2027-03-27T12:00", "2027-03-29T10:00"),
    "back": ("Europe/Berlin", "2027-10-30T12:00", "2027-11-01T11:00"),
    "midnight": ("America/Sao_Paulo", "2018-11-03T12:00", "2018-11-05T12:00"),
    "half": ("Australia/Lord_Howe", "2025-10-04T00:00", "2025-10-05T12:00"),
    "half-back": ("Australia/Lord_Howe", "2025-04-05T00:00", "2025-04-06T12:00"),
}
CHANGES = tuple(SPANS)[2:]
DAYS = """
* * * | 1 * * | 31 * * | 29 2 * | */2 * * | 1-31/2 * * | */10 * * | 5/10 * * | 13 * 5 | 13 * FRI
1-7 * 1 | */2 * 1 | 1-31 * 1 | 1 * 1-5 | 1,15 * 1 | 1 * */2 | * * 7 | * * 0 | * * 1,7 | * * 5-7
* * 0-6 | * * 1-7 | * * */2 | * * */7 | * * 2/2 | * * 1-5 | * * mon-FRI | * * FRI-SUN | * * FRI-MON
* * sun | * * SUN-TUE | * * monday | * * 0-7/3 | 1 DEC * | 1 12 * | 1 1 * | 1 OCT * | 1 */3 *
1 2-11/3 * | 1 JAN-MAR * | 1 nov-feb * | 1 3 * | L * * | 15W * * | * * 5L | * * L5 | * * 5#2 | * * 6 | ? * 1
* 2 * | 0 * 1 | 1-1 * * | 30 2 * | * * 4-4 | 32 * * | * 13 * | * * 8 | 28-31 * * | */32 * * | 1-7 * */7
"""
TIMES = """
*/7 12 | 5/20 12 | 50-10 12 | */90 12 | 0 22-2 | 0 */5 | 5-5 12 | 0 9-17 | 0,30 8 | */20 */6 | 59 23
0 24 | 60 12 | 1,2,3-5 12 | 10-40/10 12 | H 12 | 08 09 | 0~59 12 | 1-2-3 12 | , 12 | 5, 12
"""
AT_CHANGES = """
30 2 | 0 2 | 0 3 | 0,30 2 | 0 2,3 | 15,45 1-3 | */30 2 | */30 * | 17 * | 10,40 0-23 | 0 */2 | 0 0 | 30 0 | 45 1
"""
MACROS = "@hourly @daily @midnight @weekly @monthly @yearly @annually @reboot @every_minute"
SYSTEMD = {
    "year": """
*-*-* 12:00 | Mon..Fri 12:00 | Mon,Wed *-*-* 12:00:00 | Fri *-*-13 12:00 | Mon *-*-1..7 12:00 | *-*-1/2 12:00
*-*~1 12:00 | *-*~3 12:00 | *-02~1 12:00 | 2028-*-1 12:00 | 2027..2029-06-1/10 12:00 | Sun 12:00 | *-1,7-1 12:00
daily | weekly | monthly | yearly | annually | quarterly | semiannually | Sat..Mon 12:00 | 12:00 | 06-15 12:00
*-*-31 12:00 | *-02-30 12:00 | Mon *-*~7/1 12:00 | *-3/3-1 12:00 | Monday 12:00 | Mon-Wed 12:00 | 2026-01-01 12:00
*-*-* 25:00 | foo | *-12..2-01 12:00 | *-*-1..31/10 12:00 | 2028/2-01-01 12:00 | 28-01-01 12:00 | *-*-8..14
""",
    "day": """
hourly | minutely | *:0/15 | *-*-* *:00/20:00 | 8..10:00 | 12:00:30 | *-*-* 12:0/20:0/30 | 22..2:00 | 5/20:00
12:5/20 | 12:00:00.5 | *-*-* 00/6:00 | 12:00 Europe/Berlin | 12:00 UTC
""",
    "change": """
*-*-* 02:30 | 02:00 | 03:00 | 02:00,30 | 02,03:00 | 01..03:15,45 | *:0/30 | hourly | *:17 | 0/2:00 | daily | 00:30
01:45 | 02:30:15
""",
}
QUARTZ = {
    "year": """
0 0 12 * * ? | 0 0 12 ? * MON-FRI | 0 0 12 ? * 2-6 | 0 0 12 ? * 1 | 0 0 12 ? * 7 | 0 0 12 1 * ? | 0 0 12 L * ?
0 0 12 L-3 * ? | 0 0 12 LW * ? | 0 0 12 15W * ? | 0 0 12 1W * ? | 0 0 12 31W * ? | 0 0 12 ? * 6L | 0 0 12 ? * FRIL
0 0 12 ? * L | 0 0 12 ? * 6#3 | 0 0 12 ? * FRI#5 | 0 0 12 13 * 6 | 0 0 12 * * * | 0 0 12 1 1/3 ? | 0 0 12 1/2 * ?
0 0 12 */2 * ? | 0 0 12 1,15 * ? | 0 0 12 1 JAN,DEC ? | 0 0 12 * * ? 2028 | 0 0 12 1 * ? 2026-2030 | 0 0 12 29 2 ?
0 0 12 * * ? 2026 | 0 0 12 ? * SAT-MON | 0 0 12 ? * FRI-SUN | 0 0 12 ? * 0 | 0 0 12 ? * 8 | 0 0 12 ? ? ? | 0 0 12 31 * ?
0 0 12 ? * 2/2 | 0 0 12 1 NOV-FEB ? | 0 0 12 1 11-2 ? | 0 0 12 L-3W * ? | 0 12 * * ? | 0 0 12 * * MON | 0 0 12 ? * */2
0 0 12 1 12 ? | 0 0 12 28-3 * ? | 0 0 12 ? * MON,WED | 0 0 12 1 * ? 2028/2 | 0 0 12 30 2 ? | 0 0 12 1,L * ?
0 0 12 ? * MON,6L | 0 0 12 5-5 * ? | 0 0 12 ? * 1-7 | 0 0 12 ? * SUN-SAT
""",
    "day": """
0 0/15 * * * ? | 0 5/20 12 * * ? | 0 */20 12 * * ? | 30 0 12 * * ? | 0/20 0 12 * * ? | 0 0 22-2 * * ? | 0 0 9-17 * * ?
0 0 0/6 * * ? | 0 0 24 * * ? | 0 60 12 * * ? | 0 0 H * * ? | @daily | 0 0 */5 * * ? | 0 50-10 12 * * ? | 0 */90 12 * * ?
""",
    "change": """
0 30 2 * * ? | 0 0 2 * * ? | 0 0 3 * * ? | 0 0,30 2 * * ? | 0 0 2,3 * * ? | 0 15,45 1-3 * * ? | 0 0/30 * * * ?
0 17 * * * ? | 0 0 0/2 * * ? | 0 0 0 * * ? | 0 30 0 * * ? | 0 45 1 * * ?
""",
}


def questions(dialect: str) -> list[tuple[str, Question]]:
    """What a program is asked, each with the name of its span."""
    own = {"systemd": SYSTEMD, "quartz": QUARTZ}.get(dialect)
    if own is None:
        year = [f"0 12 {days}" for days in _listed(DAYS)]
        day = [f"{times} * * *" for times in _listed(TIMES)]
        change = [f"{times} * * *" for times in _listed(AT_CHANGES)]
        macros = MACROS.split()
        year += [name for name in macros if name != "@hourly"]
        day += ["@hourly", "@nightly"]
    else:
        year, day, change = (_listed(own[name]) for name in ("year", "day", "change"))
    asked = [("year", text) for text in year] + [("day", text) for text in day]
    # What Debian's cron does at clock changes is in debian_cron_fires.json.
    changes = () if dialect == "debian" else CHANGES
    asked += [(name, text) for name in changes for text in change]
    return [(name, Question(text, *_seconds(name))) for name, text in asked]


def _listed(text: str) -> list[str]:
    return [part.strip() for line in text.strip().splitlines() for part in line.split("|")]


def _seconds(name: str) -> tuple[str, int, int]:
    zone, *bounds = SPANS[name]
    start, stop = (int(datetime.fromisoformat(f"{text}+00:00").timestamp()) for text in bounds)
    return zone, start, stop


def compact(answer: Answer) -> str | None:
    """An answer as text that stays readable: by month, the days and the times of each."""
    if answer is None:
        return None
    days: dict[str, list[str]] = {}
    for second in answer:
        moment = datetime.fromtimestamp(second, UTC)
        time = f"{moment:%H:%M:%S}".removesuffix(":00")
        days.setdefault(f"{moment:%m-%d}", []).append(time)
    groups: dict[tuple[str, str], list[int]] = {}
    for day, times in days.items():
        groups.setdefault((day[:2], ",".join(dict.fromkeys(times))), []).append(int(day[3:]))
    return "; ".join(f"{month}-{_runs(n)} {times}" for (month, times), n in groups.items())


def _runs(numbers: list[int]) -> str:
    runs: list[str] = []
    for _, group in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        run = [number for _, number in group]
        runs.append(f"{run[0]}-{run[-1]}" if len(run) > 2 else ",".join(map(str, run)))
    return ",".join(runs)


def main(target: Path, dialects: list[str]) -> None:
    """Ask the programs, and write their answers to `target`; those of other dialects stay."""
    body = json.loads(target.read_text()) if target.exists() else {"dialects": {}}
    body["meaning"] = (
        "Fires in UTC, by month: days and times. null: the program does not take the expression."
    )
    body["recorded_by"] = "tests/tools/record_schedulers.py"
    body["spans"] = {name: list(span) for name, span in SPANS.items()}
    for dialect in dialects or PROGRAMS:
        asked = questions(dialect)
        answers = PROGRAMS[dialect]([question for _, question in asked])
        fires: dict[str, dict[str, str | None]] = {name: {} for name in SPANS}
        for (name, question), answer in zip(asked, answers, strict=True):
            fires[name][question.expression] = compact(answer)
        fires = {name: answers for name, answers in fires.items() if answers}
        body["dialects"][dialect] = {"program": version_of(dialect), "fires": fires}
        print(dialect, len(asked), flush=True)
    target.write_text(json.dumps(body, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
