"""Values given as flags: `-i key=value`, `--inputs @file | - | JSON`, `--config key=value`.

`overrides_from` makes one object of them and of the other run options.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from flowerpower.errors import ConfigError, InvalidInputs, UsageError
from flowerpower.text import one_line, shortened

if TYPE_CHECKING:
    from flowerpower.config.run import RunOverrides
    from flowerpower.pipeline.overrides import JobArguments
    from flowerpower_cli.options import RunOptions

MAX_TEXT = 10_000_000


def overrides_from(options: RunOptions, progressbar: bool | None = None) -> RunOverrides:
    """The run options of a command as the library's object.

    Raises:
        UsageError: naming the option that is not valid.
    """
    from flowerpower.pipeline.overrides import make_overrides

    inputs = parse_inputs(options.inputs, Path.cwd()) if options.inputs is not None else {}
    inputs.update(parse_pairs(options.input or [], "-i"))
    final_vars = _listed(options.final_vars)
    if options.final_vars and not final_vars:
        raise UsageError("--final-vars names no node.")
    given: JobArguments = {
        "inputs": inputs,
        "overrides": parse_pairs(options.override or [], "--override"),
        "final_vars": final_vars,
        "config": parse_pairs(options.config or [], "--config"),
        "load": _files(options.load, "--load"),
        "save": _files(options.save, "--save"),
        "executor": options.executor.value if options.executor else None,
        "max_workers": options.max_workers,
        "cache": options.cache,
        "recompute": _listed(options.recompute),
        "adapters": _listed(options.with_adapter),
        "max_retries": options.max_retries,
        "retry_delay": options.retry_delay,
        "jitter_factor": options.jitter_factor,
        "timeout": options.timeout,
    }
    return make_overrides(given, progressbar=progressbar)


def _listed(texts: list[str] | None) -> list[str]:
    return [each for text in texts or [] for each in text.split(",") if each]


def _files(pairs: list[str] | None, flag: str) -> dict[str, str]:
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


def parse_pairs(pairs: Iterable[str], flag: str) -> dict[str, Any]:
    """`KEY=VALUE` texts as a mapping; a value is JSON where it is such, else text.

    Raises:
        InvalidInputs: naming the flag and the text that is no pair.
    """
    parsed: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key.strip():
            raise InvalidInputs(
                f"{flag} takes KEY=VALUE, got {one_line(shortened(pair, 60))!r}.",
                hint=f"For example {flag} source_file=data.csv.",
            )
        parsed[key.strip()] = _value(text)
    return parsed


def _value(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return text


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def parse_inputs(source: str, base: Path) -> dict[str, Any]:
    """The mapping in `source`: a JSON object, `@FILE` (YAML or JSON), or `-` for stdin.

    A relative FILE is looked up from the folder `base`.

    Raises:
        InvalidInputs: if it cannot be read or is no mapping.
    """
    if source == "-":
        shown, content = "stdin", _read_stdin()
    elif source.startswith("@"):
        shown, content = one_line(source[1:]), _read_file(base / source[1:])
    else:
        shown, content = "JSON", source.encode("utf-8", "surrogateescape")
        if not source.lstrip().startswith("{"):
            raise InvalidInputs(
                f"--inputs {one_line(shortened(source, 60))!r}: expected JSON, @FILE or -.",
                hint="Use -i KEY=VALUE for a single input.",
            )
    return _mapping(content, shown)


def _read_stdin() -> bytes:
    return sys.stdin.buffer.read(MAX_TEXT + 1)


def _read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_TEXT + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidInputs(f"--inputs: {one_line(str(path))} cannot be read: {reason}.") from None


def _mapping(content: bytes, shown: str) -> dict[str, Any]:
    if len(content) > MAX_TEXT:
        raise InvalidInputs(f"--inputs: {shown} is larger than {MAX_TEXT // 1_000_000} MB.")
    try:
        data = json.loads(content, parse_constant=_refuse_constant)
    except RecursionError:
        raise InvalidInputs(f"--inputs: {shown} is nested too deeply.") from None
    except ValueError:
        data = _from_yaml(content, shown)
    if not isinstance(data, dict):
        raise InvalidInputs(f"--inputs: {shown} holds no mapping of names to values.")
    return data


def _from_yaml(content: bytes, shown: str) -> Any:
    from flowerpower.config.yaml_reader import parse_yaml

    try:
        return parse_yaml(content, shown, None).root.plain()
    except ConfigError as error:
        raise InvalidInputs(f"--inputs: {error.message}", details=error.details) from None
