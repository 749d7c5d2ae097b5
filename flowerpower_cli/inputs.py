"""From the options of a command to what the library takes: words, overrides of a run, triggers."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from flowerpower.errors import (
    ConfigError,
    InvalidInputs,
    InvalidTrigger,
    ProjectNotFound,
    UsageError,
)
from flowerpower.text import did_you_mean, one_line, shortened

if TYPE_CHECKING:
    from flowerpower.config.overrides import RunOverrides
    from flowerpower.pipeline.overrides import JobArguments
    from flowerpower.triggers.base import Trigger
    from flowerpower_cli.command import CommandContext
    from flowerpower_cli.options import RunOptions
    from flowerpower_cli.trigger_options import TriggerOptions

MAX_BYTES = 10_000_000
_HINT = (
    "Expected a mapping of names to values: --inputs '{\"name\": 1}' (JSON or YAML), "
    "--inputs @FILE, --inputs - (stdin), or for a single one -i name=1."
)


def words(texts: list[str] | None) -> list[str]:
    """The words of a repeatable option, each text split at commas."""
    return [word for text in texts or [] for word in text.split(",") if word]


def choices(flag: str, texts: list[str] | None, known: list[str]) -> list[str]:
    """The words of a repeatable option; UsageError names the first that is not `known`."""
    chosen = words(texts)
    for word in chosen:
        if word not in known:
            raise UsageError(
                f"{flag} {word[:60]!r}: expected {', '.join(known)}.{did_you_mean(word, known)}"
            )
    return chosen


def overrides_from(options: RunOptions, progressbar: bool | None = None) -> RunOverrides:
    """The run options of a command as overrides; UsageError names the first that is not valid."""
    from flowerpower.pipeline.overrides import make_overrides

    inputs = _parse_inputs(options.inputs, Path.cwd()) if options.inputs is not None else {}
    # Last, because -i wins.
    inputs.update(_parse_pairs(options.input, "-i"))
    for flag, texts in (
        ("--final-vars", options.final_vars),
        ("--with-adapter", options.with_adapter),
    ):
        _refuse_json(flag, texts)
    final_vars = words(options.final_vars)
    if options.final_vars and not final_vars:
        raise UsageError("--final-vars names no node.")
    arguments: JobArguments = {
        "inputs": inputs,
        "overrides": _parse_pairs(options.override, "--override"),
        "final_vars": final_vars,
        "config": _parse_pairs(options.config, "--config"),
        "load": _parse_files(options.load, "--load"),
        "save": _parse_files(options.save, "--save"),
        "executor": options.executor,
        "max_workers": options.max_workers,
        "cache": options.cache,
        "recompute": words(options.recompute),
        "adapters": words(options.with_adapter),
        "max_retries": options.max_retries,
        "retry_delay": options.retry_delay,
        "jitter_factor": options.jitter_factor,
        "timeout": options.timeout,
    }
    pairs = [*(options.override or []), *(options.input or [])]
    return make_overrides(arguments, progressbar=progressbar, written=_written(pairs))


def _refuse_json(flag: str, texts: list[str] | None) -> None:
    """UsageError if a list or an object is given where names are expected, as in other tools."""
    for text in texts or []:
        value = parse_value(text)
        if isinstance(value, list | dict):
            names = ",".join(map(str, value))
            raise UsageError(
                f"{flag} takes names, got JSON: {one_line(shortened(text, 60))!r}.",
                hint=f"Say {flag} {names or 'NAME'}."
                + (
                    " Its settings stand in YAML, under run.adapter."
                    if isinstance(value, dict)
                    else ""
                ),
            )


def trigger_from(
    context: CommandContext,
    options: TriggerOptions,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    jitter: float | None = None,
) -> Trigger:
    """The trigger options of a command as a trigger; without --timezone in the project's zone.

    Raises:
        InvalidTrigger: if not exactly one of --cron, --every, --interval and --date is given.
    """
    from flowerpower.triggers.make import make_trigger

    if options.kinds != 1:
        raise InvalidTrigger(
            "Expected exactly one of --cron, --every, --interval and --date.",
            hint='For example --cron "0 8 * * 1-5", --interval 1h or --date 2027-01-01T09:00:00.',
        )
    return make_trigger(
        options.cron,
        options.interval,
        options.date,
        every=options.every,
        timezone=options.timezone or _project_timezone(context),
        start=start,
        end=end,
        jitter=jitter,
        except_=words(options.except_),
    )


def _project_timezone(context: CommandContext) -> str | None:
    try:
        return context.timezone
    except ProjectNotFound:
        # `schedule preview --cron …` works anywhere, in the machine's zone.
        if context.base_dir is not None:
            raise
        return None


def _parse_files(pairs: list[str] | None, flag: str) -> dict[str, str]:
    parsed: dict[str, str] = {}
    for pair in pairs or []:
        node, equals, path = pair.partition("=")
        if not equals or not node.strip() or not path.strip():
            raise UsageError(
                f"{flag} takes NODE=FILE, got {one_line(shortened(pair, 60))!r}.",
                hint=f"For example {flag} report=report.csv.",
            )
        parsed[node.strip()] = path
    return parsed


def _parse_pairs(pairs: list[str] | None, flag: str) -> dict[str, Any]:
    """`KEY=VALUE` texts as a mapping; a value that is not JSON is text."""
    parsed: dict[str, Any] = {}
    for pair in pairs or []:
        key, equals, text = pair.partition("=")
        is_mapping = pair.lstrip().startswith("{")
        if not equals or not key.strip() or is_mapping:
            hint = f"For example {flag} source_file=data.csv; VALUE is JSON, or else text."
            if is_mapping and flag == "-i":
                hint = f"A mapping is for --inputs. {hint}"
            raise InvalidInputs(
                f"{flag} takes KEY=VALUE, got {one_line(shortened(pair, 60))!r}.", hint=hint
            )
        parsed[key.strip()] = parse_value(text)
    return parsed


def _written(pairs: list[str]) -> dict[str, str]:
    """The texts of `KEY=VALUE` pairs that are read as something else."""
    texts = {key.strip(): text for key, _, text in (pair.partition("=") for pair in pairs)}
    return {key: text for key, text in texts.items() if parse_value(text) != text}


def parse_value(text: str) -> Any:
    """The value of the text in `-i KEY=TEXT`: JSON, or else the text itself."""
    import json

    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return text


def _refuse_constant(name: str) -> NoReturn:
    # NaN and Infinity, which Python's reader takes, are not JSON.
    raise ValueError(name)


def _parse_inputs(source: str, base: Path) -> dict[str, Any]:
    """The mapping in `source`: JSON or YAML in braces, `@FILE` (the same), or `-` for stdin.

    A relative FILE is looked up in the folder `base`.
    """
    if source == "-":
        # One byte more than is allowed shows that there is too much, without reading it all.
        name, content = "--inputs: stdin", sys.stdin.buffer.read(MAX_BYTES + 1)
    elif source.startswith("@"):
        name = f"--inputs: {one_line(source[1:])}"
        content = _read_file(base / source[1:])
    else:
        name = f"--inputs {one_line(shortened(source, 60))!r}"
        # Python decodes arguments with surrogates for bytes that are not UTF-8: these go back.
        content = source.encode("utf-8", "surrogateescape")
        if not source.lstrip().startswith("{"):
            raise InvalidInputs(f"{name} is neither JSON in braces, nor @FILE, nor -.", hint=_HINT)
    return _mapping(content, name)


def _read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = f"--inputs: {one_line(str(path))} cannot be read: {reason}."
        raise InvalidInputs(message, hint=_HINT) from None


def _mapping(content: bytes, name: str) -> dict[str, Any]:
    if len(content) > MAX_BYTES:
        raise InvalidInputs(f"{name} is larger than {MAX_BYTES // 1_000_000} MB.")
    import json

    try:
        data = json.loads(content, parse_constant=_refuse_constant)
    except RecursionError:
        raise InvalidInputs(f"{name} is nested too deeply.") from None
    except ValueError:
        data = _from_yaml(content, name)
    if not isinstance(data, dict):
        raise InvalidInputs(f"{name} is not a mapping of names to values.", hint=_HINT)
    return data


def _from_yaml(content: bytes, name: str) -> Any:
    from flowerpower.config.yaml_reader import parse_yaml

    try:
        return parse_yaml(content, name, None).root.plain()
    except ConfigError as error:
        faults = error.faults
    # It was read as JSON first. Of one line the parser may say that it goes wrong in the second.
    is_one_line = b"\n" not in content.strip()
    for fault in faults:
        fault.message = fault.message.replace("is not valid YAML", "is neither JSON nor YAML")
        fault.line = None if is_one_line else fault.line
    shown = ConfigError(faults=faults)
    raise InvalidInputs(shown.message, details=shown.details, hint=_HINT)
