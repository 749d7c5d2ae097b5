"""The tables of docs/how-to/from-a-crontab.md, made of how each dialect reads a line.

python -m tests.tools.crontab_tables
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flowerpower.errors import InvalidTrigger
from flowerpower.triggers.dialects.table import DIALECTS

# Of Debian's /etc/crontab and the files of its packages in /etc/cron.d: certbot, mdadm, php,
# sysstat, zfsutils-linux and e2fsprogs.
REAL_LINES = (
    "17 * * * *", "25 6 * * *", "47 6 * * 7", "52 6 1 * *", "0 */12 * * *", "57 0 * * 0",
    "09,39 * * * *", "5-55/10 * * * *", "24 0 8-14 * *", "30 3 * * 0",
)  # fmt: skip
OTHERS = (
    "0 8 * * 1-5", "0 12 13 * 5", "0 12 */2 * *", "0 12 */2 * 1", "0 12 1-7 * 1", "0 12 * * 5-7",
    "0 12 * * FRI-MON", "0 12 1 12 *", "0 12 1 DEC *", "5/20 12 * * *", "5-5 12 * * *",
    "0 12 * * 5#2", "@weekly",
)  # fmt: skip
_ZONE = ZoneInfo("Europe/Berlin")
_DAYS = (("2027-03-28", "forward"), ("2027-10-31", "back"))
_BY_CLOCK = ("30 2 * * *", "*/30 2 * * *", "17 * * * *", "0 0 * * *")
FIVE_FIELDS = [name for name in DIALECTS if name not in ("systemd", "quartz")]


def _words(dialect: str, line: str) -> str:
    try:
        return DIALECTS[dialect].read(line).in_words()
    except InvalidTrigger:
        return "refused"


def lines_table(lines: tuple[str, ...]) -> str:
    """What Debian's cron makes of each line, and who makes something else of it."""
    rows = ["| Line | Debian's cron | Otherwise |", "|---|---|---|"]
    for line in lines:
        own = _words("debian", line)
        others: dict[str, list[str]] = {}
        for dialect in FIVE_FIELDS:
            if (words := _words(dialect, line)) != own:
                others.setdefault(words, []).append(dialect)
        text = "; ".join(f"{', '.join(names)}: {words}" for words, names in others.items())
        rows.append(f"| `{line}` | {own} | {text} |")
    return "\n".join(rows)


def changes_table() -> str:
    """What each does on the two days of clock changes in Berlin: the fires from 00:00 to 04:00."""
    spans = [_hours(day) for day, _ in _DAYS]
    heads = [f"{name}: `{line}`" for line in _BY_CLOCK[:2] for _, name in _DAYS]
    rows = [f"| | {' | '.join(heads)} |", f"|---|{'---|' * len(heads)}"]
    groups: dict[tuple[str, ...], list[str]] = {}
    for dialect in FIVE_FIELDS:
        cells = tuple(_fires(dialect, line, *span) for line in _BY_CLOCK[:2] for span in spans)
        groups.setdefault(cells, []).append(dialect)
    for line, quartz in (("02:30", "0 30 2 * * ?"),):
        texts = {"systemd": (line, "02:0/30"), "quartz": (quartz, "0 */30 2 * * ?")}
        for dialect, expressions in texts.items():
            cells = tuple(
                _fires(dialect, expression, *span) for expression in expressions for span in spans
            )
            groups.setdefault(cells, []).append(dialect)
    rows += [f"| {', '.join(names)} | {' | '.join(cells)} |" for cells, names in groups.items()]
    return "\n".join(rows)


def _hours(day: str) -> tuple[int, int]:
    start = datetime.fromisoformat(day).replace(tzinfo=_ZONE)
    return int(start.timestamp()), int(start.replace(hour=4).astimezone(UTC).timestamp())


def _fires(dialect: str, expression: str, start: int, stop: int) -> str:
    try:
        fires = DIALECTS[dialect].read(expression).fires(_ZONE, start, stop)
    except InvalidTrigger:
        return "refused"
    local = [datetime.fromtimestamp(fire, _ZONE) for fire in fires]
    return ", ".join(f"{time:%H:%M %Z}" for time in local) or "none"


TABLES = {
    "real lines": lambda: lines_table(REAL_LINES),
    "other lines": lambda: lines_table(OTHERS),
    "clock changes": changes_table,
}

if __name__ == "__main__":
    for name, make in TABLES.items():
        print(f"{name}\n\n{make()}\n")
