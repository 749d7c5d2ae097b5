"""Reading the files of other schedulers: which expressions stand there, and what each runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from flowerpower.config.yaml_reader import parse_yaml
from flowerpower.errors import ConfigError, FlowerpowerError, UsageError
from flowerpower.triggers import clock
from flowerpower.triggers.dialects.table import DIALECTS

MAX_BYTES = 1_000_000
_VARIABLE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)", re.ASCII)
_ZONES = ("CRON_TZ", "TZ")
_SETTING = re.compile(r"([A-Za-z]+)\s*=\s*(.*)", re.ASCII)


@dataclass(frozen=True)
class SourceLine:
    """One expression of a file.

    Attributes:
        number: of its line, from 1.
        expression: empty if there is none.
        command: what it runs; None if the file does not say.
        timezone: the zone that the file gives it; None if it gives none.
        options: further keys of an entry under `schedule`.
        notes: sentences of what is not kept, or has another meaning here.
        problem: why it cannot be an entry; None if it may.
    """

    number: int
    expression: str
    command: str | None = None
    timezone: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    problem: str | None = None


def read_source(
    content: bytes, dialect: str, *, system: bool = False, unit: str | None = None
) -> list[SourceLine]:
    """The expressions of a file.

    With `system` a crontab has a column for the user. `unit` is the text of the service that a
    timer of systemd starts.

    Raises:
        UsageError: if it is no text, or larger than MAX_BYTES.
        ConfigError: if it is YAML, and not valid.
    """
    if len(content) > MAX_BYTES:
        raise UsageError(f"The file is larger than {MAX_BYTES // 1_000_000} MB.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"The file is not UTF-8 text (offset {error.start}).") from None
    if DIALECTS[dialect].is_crontab:
        return [*_crontab(text, dialect, system=system)]
    if system:
        raise UsageError(f"--system is for crontabs; {dialect} has none.")
    if dialect == "systemd" and re.search(r"^\s*\[Timer\]", text, re.MULTILINE):
        return [*_timer(text, unit)]
    if dialect == "kubernetes" and re.search(r"^\s*kind:\s*[\"']?CronJob", text, re.MULTILINE):
        return [line for number, part in _documents(text) for line in _cron_job(number, part)]
    return [*_expressions(text)]


def _lines(text: str) -> Iterator[tuple[int, str]]:
    # Not by splitlines(): it also breaks at characters that are part of a line to a cron.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and not line.strip().startswith("#"):
            yield number, line.strip()


def _crontab(text: str, dialect: str, *, system: bool) -> Iterator[SourceLine]:
    title = DIALECTS[dialect].title
    zone_note: tuple[str, ...] = ()
    for number, line in _lines(text):
        if match := _VARIABLE.fullmatch(line):
            if match[1] in _ZONES:
                zone_note = (
                    f"{title} does not look at {match[1]}: the line's times are the machine's.",
                )
            continue
        is_word = line.startswith("@")
        columns = (1 if is_word else 5) + system
        parts = line.split(None, columns)
        expression = " ".join(parts[: columns - system])
        if len(parts) <= columns:
            problem = f"A line has {'a word' if is_word else 'five fields'}"
            problem += f"{', a user' if system else ''} and a command; this one ends too early."
            yield SourceLine(number, expression, problem=problem)
        elif expression.lower() == "@reboot":
            problem = "@reboot is no time: run a service instead (flowerpower service print)."
            yield SourceLine(number, expression, parts[columns], problem=problem)
        else:
            yield SourceLine(number, expression, parts[columns], notes=zone_note)


def _expressions(text: str) -> Iterator[SourceLine]:
    """One expression a line, with or without quotes."""
    for number, line in _lines(text):
        if len(line) > 1 and line[0] == line[-1] and line[0] in "\"'":
            line = line[1:-1]
        yield SourceLine(number, line.removeprefix("OnCalendar=").strip())


def _timer(text: str, unit: str | None) -> Iterator[SourceLine]:
    command = None
    if unit is not None and (match := re.search(r"^ExecStart\s*=\s*[-@:+!]*(.+)$", unit, re.M)):
        command = match[1].strip()
    settings = [(n, m[1], m[2].strip()) for n, line in _lines(text) if (m := _SETTING.match(line))]
    options: dict[str, Any] = {}
    notes: list[str] = []
    for _, key, value in settings:
        if key == "RandomizedDelaySec" and (delay := _seconds(value)):
            options["jitter"] = delay
        elif key == "Persistent" and value.lower() in ("no", "false", "0", "off"):
            notes.append("Persistent=false: here a missed fire is made up for (coalesce).")
    for number, key, value in settings:
        if key == "OnCalendar" and value:
            yield SourceLine(number, value, command, options=options, notes=tuple(notes))
        elif key.startswith("On") and key.endswith("Sec"):
            problem = f"{key} counts from a start, not from the clock: use interval, or a service."
            yield SourceLine(number, f"{key}={value}", command, problem=problem)


def _seconds(text: str) -> float | None:
    try:
        plain = re.sub(r"\s+|in(?=\b|\d)|ec(?=\b|\d)", "", text)
        return clock.parse_duration(plain)
    except FlowerpowerError:
        return None


def _documents(text: str) -> Iterator[tuple[int, str]]:
    """The documents of a YAML file, each with the number of lines before it."""
    lines = text.splitlines(keepends=True)
    begin = 0
    for number, line in [*enumerate(lines), (len(lines), "---")]:
        if line.rstrip() == "---":
            yield begin, "".join(lines[begin:number])
            begin = number + 1


def _cron_job(before: int, text: str) -> Iterator[SourceLine]:
    # Tags and the like are refused as in our own files.
    try:
        root = parse_yaml(text.encode(), "the manifest", None).root
    except ConfigError as error:
        fault = error.faults[0]
        raise ConfigError(f"Line {before + (fault.line or 1)}: {fault.message}") from None
    body = root.plain()
    if body.get("kind") != "CronJob":
        return
    spec = body.get("spec") if isinstance(body.get("spec"), dict) else {}
    place, _ = root.nearest(("spec", "schedule"))
    schedule = spec.get("schedule")
    if not isinstance(schedule, str):
        yield SourceLine(before + place.line, "", problem="It has no spec.schedule.")
        return
    options: dict[str, Any] = {}
    notes: list[str] = []
    if spec.get("suspend") is True:
        options["enabled"] = False
    if isinstance(deadline := spec.get("startingDeadlineSeconds"), int) and deadline > 0:
        options["misfire_grace_time"] = deadline
    policy = spec.get("concurrencyPolicy", "Allow")
    if policy == "Replace":
        options["overlap"] = "replace"
    elif policy != "Forbid":
        notes.append("concurrencyPolicy is Allow: here a fire during a run is skipped (overlap).")
    zone = spec.get("timeZone")
    yield SourceLine(
        before + place.line,
        schedule,
        _container_command(spec),
        zone if isinstance(zone, str) else None,
        options,
        tuple(notes),
    )


def _container_command(spec: dict[str, Any]) -> str | None:
    import shlex

    here: Any = spec
    for key in ("jobTemplate", "spec", "template", "spec", "containers"):
        here = here.get(key) if isinstance(here, dict) else None
    if not isinstance(here, list) or len(here) != 1 or not isinstance(here[0], dict):
        return None
    words = [*(here[0].get("command") or []), *(here[0].get("args") or [])]
    if len(words) == 3 and words[0] in ("sh", "bash", "/bin/sh", "/bin/bash") and words[1] == "-c":
        return str(words[2])
    return shlex.join(map(str, words)) or None
