"""What most commands need of `conf/project.yml`, kept so that the next one need not read it.

To read and check a file takes pydantic and YAML, whose imports take half of the time of a short
command. So `.flowerpower/project.json` has the few settings that adding a job needs, beside the
stamp of the file. Of a file that says more than these, names a variable of the environment, or
holds what may be a secret, nothing is kept.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowerpower.config.file_stamps import Stamp, is_settled
from flowerpower.config.queue_settings import (
    BACKEND_TYPES,
    BackendSettings,
    QueueSettings,
    check_backend_url,
)
from flowerpower.files.atomic import write_file

if TYPE_CHECKING:
    from flowerpower.config.yaml_reader import YamlFile

KEPT = Path(".flowerpower", "project.json")
VERSION = 1
"""To be raised when what is kept, or the meaning of a setting, changes."""
_KINDS: dict[str, Any] = {
    **dict.fromkeys(("port", "database", "num_workers"), int),
    **dict.fromkeys(("result_ttl", "history_ttl"), int | float),
    "job_queue": dict,
    "queues": list,
}
"""Of settings that are no text."""
_NEEDED = {"type", "num_workers", "result_ttl", "history_ttl", "queues"}
_KEYS = {"name", "timezone", "job_queue", "limits"}


@dataclass(frozen=True)
class ProjectSettings:
    """The settings of a project that most commands need, as its file alone gives them."""

    name: str | None
    timezone: str | None
    job_queue: QueueSettings


def read(root: Path, stamp: Stamp | None) -> ProjectSettings | None:
    """What was kept of the file with this stamp; None if nothing was, or it is no such thing."""
    try:
        kept = json.loads((root / KEPT).read_bytes())
        if kept["v"] != VERSION or stamp is None:
            return None
        return _settings(kept["settings"]) if tuple(kept["stamp"]) == stamp else None
    # Whatever else is in its place is written anew.
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def keep(root: Path, stamp: Stamp | None, file: YamlFile, settings: ProjectSettings) -> None:
    """Keep the settings of a file that is valid; if it cannot be, nothing happens."""
    address = settings.job_queue.backend
    may_be_secret = address.password is not None or any(c in (address.url or "") for c in "@?")
    # A comment may name a variable: that of a new project does.
    is_plain = {*file.root.content} <= _KEYS and not file.has_placeholders
    if stamp is None or not is_settled(stamp) or not is_plain or may_be_secret:
        return
    body = {"v": VERSION, "stamp": stamp, "settings": asdict(settings)}
    # Where there is no such folder nobody has used a queue, and a look at files makes none.
    with contextlib.suppress(OSError):
        if (root / KEPT.parent).is_dir():
            write_file(root / KEPT, json.dumps(body).encode())


def _settings(data: dict[str, Any]) -> ProjectSettings:
    queue = dict(data["job_queue"])
    backend = dict(queue.pop("backend"))
    values = {**data, **queue, **backend}
    for name, value in values.items():
        kind = _KINDS.get(name, str)
        if not isinstance(value, kind) and (value is not None or name in _NEEDED):
            raise TypeError(f"{name} is no {kind}")
    queues = backend["queues"] = tuple(backend["queues"])
    if queue["type"] not in BACKEND_TYPES or not queues or {type(name) for name in queues} != {str}:
        raise ValueError("no settings of a queue")
    check_backend_url(queue["type"], backend["url"])
    settings = QueueSettings(backend=BackendSettings(**backend), **queue)
    return ProjectSettings(data["name"], data["timezone"], settings)
