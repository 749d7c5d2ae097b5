"""One attempt as data: request, events while it runs, outcome; and whether it is tried again.

Requests and outcomes are JSON both ways: they travel to child processes and into queues.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from flowerpower.config.overrides import RunOverrides
from flowerpower.config.run_section import RetryConfig
from flowerpower.errors import FlowerpowerError
from flowerpower.jobs.job import PAYLOAD_VERSION
from flowerpower.jobs.job_spec import overrides_json

if TYPE_CHECKING:
    import random

# An exception that comes from another process has lost its traceback, and one that cannot be
# pickled is replaced by a plain one. These attributes carry what the error view and the retry
# policy need of the original.
ORIGINAL_FRAMES = "_flowerpower_original_frames"
"""Attribute of an exception: its frames where it was raised, each (file, line, name, text)."""
ORIGINAL_TYPE_NAMES = "_flowerpower_original_type_names"
"""Attribute of a replacement: the `names_of` the exception that could not be pickled."""

NodeState = Literal["running", "finished", "failed", "skipped", "interrupted"]
"""An interrupted node was running when the run ended for another reason than its own failure."""


@dataclass(frozen=True)
class RunRequest:
    """A request for one attempt at a pipeline of the project in `base_dir`.

    `scheduled_for` is the nominal time of the fire that made the job, in ISO 8601, or None. `after`
    are the ids of the job's parents.
    """

    base_dir: str
    pipeline: str
    overrides: RunOverrides = field(default_factory=RunOverrides)
    scheduled_for: str | None = None
    after: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A JSON object; `from_json` reads it again."""
        return run_json(**{**vars(self), "overrides": overrides_json(self.overrides)})

    @staticmethod
    def from_json(data: dict[str, Any]) -> RunRequest:
        """The request in `data`; raises FlowerpowerError if another version wrote it.

        pydantic.ValidationError says that the overrides are not valid.
        """
        if data.get("v") != PAYLOAD_VERSION:
            raise FlowerpowerError(
                f"The request has version {data.get('v')!r}; this is version {PAYLOAD_VERSION}."
            )
        overrides = RunOverrides.model_validate(data.get("overrides", {}))
        return RunRequest(
            data["base_dir"], data["pipeline"], overrides, data.get("scheduled_for"),
            tuple(data.get("after") or ()),
        )  # fmt: skip


def run_json(
    base_dir: str,
    pipeline: str,
    overrides: dict[str, Any],
    scheduled_for: str | None,
    after: tuple[str, ...],
) -> dict[str, Any]:
    """A RunRequest as JSON, whose `overrides` are JSON already."""
    return {
        "v": PAYLOAD_VERSION,
        "base_dir": base_dir,
        "pipeline": pipeline,
        "overrides": overrides,
        "scheduled_for": scheduled_for,
        "after": list(after),
    }


# Not frozen: that takes four times as long to make, and each node of a run makes two of these.
@dataclass(unsafe_hash=True)
class NodeEvent:
    """A node began or ended after `seconds`; `done` of `total` nodes have ended so far."""

    node: str
    state: NodeState
    done: int
    total: int
    seconds: float | None = None
    from_cache: bool = False


@dataclass
class NodeRecord:
    """How one node ended; `error` says why it failed although the run went on."""

    name: str
    state: NodeState
    started_at: str
    seconds: float | None = None
    from_cache: bool = False
    error: str | None = None


@dataclass
class FileRecord:
    """A file that a run wrote from the values of `nodes`; `size` is in bytes."""

    nodes: list[str]
    format: str
    path: str
    size: int


@dataclass
class RunError:
    """Why an attempt failed; `file` and `line` point into the user's code, if known.

    `type_names` are the names that `retry.exceptions` is matched with. `code` is the code of the
    FlowerpowerError, or `run_failed` for an exception of the pipeline.
    """

    type: str
    message: str
    code: str = "run_failed"
    exit_code: int = 6
    node: str | None = None
    file: str | None = None
    line: int | None = None
    hint: str | None = None
    details: list[str] = field(default_factory=list)
    traceback: str = ""
    type_names: list[str] = field(default_factory=list)


@dataclass
class RunOutcome:
    """How an attempt ended, and what it computed.

    `outputs` are JSON, node by node; `notes` say which values could not be written unchanged
    (`{"output", "note"}`). `values` and `exception` are the real objects; they exist only in the
    process that ran the attempt and are not part of the JSON.
    """

    pipeline: str
    status: Literal["finished", "failed"]
    started_at: str
    ended_at: str
    seconds: float
    outputs: dict[str, Any] = field(default_factory=dict)
    notes: list[dict[str, str]] = field(default_factory=list)
    nodes: list[NodeRecord] = field(default_factory=list)
    files: list[FileRecord] = field(default_factory=list)
    error: RunError | None = None
    retryable: bool = False
    values: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    exception: BaseException | None = field(default=None, repr=False, compare=False)

    def to_json(self) -> dict[str, Any]:
        """A JSON object; `from_json` reads it again."""
        body = {**vars(self)}
        del body["values"], body["exception"]
        return {
            "v": PAYLOAD_VERSION,
            **body,
            # Not `asdict`, which copies every value and takes as long as some runs.
            "nodes": [{**vars(node)} for node in self.nodes],
            "files": [{**vars(file)} for file in self.files],
            "error": {**vars(self.error)} if self.error else None,
        }

    @staticmethod
    def from_json(data: dict[str, Any]) -> RunOutcome:
        """The outcome in `data`, without the real objects."""
        body = {key: value for key, value in data.items() if key != "v"}
        body["nodes"] = [NodeRecord(**node) for node in body["nodes"]]
        body["files"] = [FileRecord(**file) for file in body.get("files", [])]
        body["error"] = RunError(**body["error"]) if body["error"] else None
        return RunOutcome(**body)


def is_retryable(policy: RetryConfig | None, exception_names: Iterable[str]) -> bool:
    """Whether the policy, if known, lists one of the exception's names (`names_of`)."""
    return policy is not None and not set(policy.exceptions).isdisjoint(exception_names)


def names_of(exception_type: type[BaseException]) -> list[str]:
    """The class and all its base classes but `object`, each as `Name` and as `module.Name`."""
    # Names, not classes: a queue decides about retries without importing the pipeline's code.
    names: list[str] = []
    for cls in exception_type.__mro__[:-1]:
        names += [cls.__name__, f"{cls.__module__}.{cls.__qualname__}"]
    return names


def delay_before_retry(policy: RetryConfig, retry: int, dice: random.Random) -> float:
    """Seconds to wait before the `retry`-th retry (counted from 1).

    The delay is multiplied by `backoff` for each retry, up to `max_delay`. Then up to
    `jitter_factor` of it is added or subtracted at random.
    """
    try:
        delay = policy.delay * policy.backoff ** (retry - 1)
    except OverflowError:
        delay = policy.max_delay
    base = min(delay, policy.max_delay)
    return max(0.0, base * (1 + policy.jitter_factor * dice.uniform(-1, 1)))
