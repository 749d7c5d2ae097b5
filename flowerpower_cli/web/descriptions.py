"""What the pages know of pipelines: their DAGs and inputs, read in a process of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowerpower.config.file_stamps import file_stamp
from flowerpower.errors import FlowerpowerError
from flowerpower.pipeline.registry import MODULES_FOLDER
from flowerpower.pipeline.signature import stamps_of_configuration
from flowerpower.run.draw.graph import Graph, GraphNode
from flowerpower.text import visible
from flowerpower_cli.web.security import TOKEN_VARIABLE

TIMEOUT = 60.0
"""Seconds that importing a pipeline's modules may take."""
UNSURE_FOR = 10.0
"""Seconds that a description is used of which nobody knows when it becomes outdated."""


@dataclass(frozen=True)
class Description:
    """A pipeline as its code and YAML define it, or the `error` that says why they do not.

    `inputs` are `{"name", "type", "required", "needed_by", "value"}`; `configuration` is YAML,
    secrets masked.
    """

    graph: Graph | None = None
    inputs: Sequence[Mapping[str, Any]] = ()
    configuration: str = ""
    error: FlowerpowerError | None = None


@dataclass(frozen=True)
class _Kept:
    description: Description
    stamps: Mapping[str, Sequence[int] | None] | None
    read_at: float

    @property
    def is_fresh(self) -> bool:
        if self.stamps is None:
            return time.monotonic() - self.read_at < UNSURE_FOR
        return all(
            file_stamp(file) == (stamp and tuple(stamp)) for file, stamp in self.stamps.items()
        )


class Descriptions:
    """The descriptions of a project's pipelines, kept until a file that they depend on changes."""

    def __init__(self, base_dir: Path, job_queue_type: str) -> None:
        self._root = base_dir
        self._base = {"base_dir": str(base_dir), "type": job_queue_type}
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()
        # One at a time: each is a process that imports Hamilton.
        self._reader = ThreadPoolExecutor(1, "descriptions")
        self._pending: set[str] = set()

    def get(self, *names: str) -> dict[str, Description]:
        """The descriptions of these pipelines, by name; those that are not known are read now."""
        missing = [name for name in dict.fromkeys(names) if not self._is_fresh(name)]
        if missing:
            self._read(missing)
        return {name: self._kept[name].description for name in names}

    def begin(self, *names: str) -> Future[dict[str, Description]]:
        """As `get`, in the background."""
        return self._reader.submit(self.get, *names)

    def if_known(self, name: str) -> Description | None:
        """The last description, or None; if it is not that of now, it is read in the background."""
        kept = self._kept.get(name)
        if kept is None or not kept.is_fresh:
            self._read_in_background(name)
        return None if kept is None else kept.description

    def _read_in_background(self, name: str) -> None:
        with self._lock:
            if name in self._pending:
                return
            self._pending.add(name)

        def read() -> None:
            self._read([name])
            with self._lock:
                self._pending.discard(name)

        self._reader.submit(read)

    def ask(self, act: str, **request: Any) -> dict[str, Any]:
        """What the project's process answers; see project_process.

        Raises:
            FlowerpowerError: that it reports, or that it died or took too long.
        """
        answer = _run({**self._base, "act": act, **request})
        if (error := answer.get("error")) is not None:
            raise _error_of(error)
        return answer

    def close(self) -> None:
        """Begin to read no further description."""
        self._reader.shutdown(wait=False, cancel_futures=True)

    def _is_fresh(self, name: str) -> bool:
        kept = self._kept.get(name)
        return kept is not None and kept.is_fresh

    def _stamps(self, name: str) -> dict[str, Any]:
        """Of the files that one mends first if the pipeline cannot be described."""
        module = str(self._root / MODULES_FOLDER / f"{name}.py")
        return {**stamps_of_configuration(self._root, name), module: file_stamp(module)}

    def _read(self, names: Sequence[str]) -> None:
        try:
            answers = self.ask("describe", pipelines=names)
        except FlowerpowerError as error:
            if len(names) > 1:
                # One of them has ended the process: the others are read without it.
                for name in names:
                    self._read([name])
                return
            answers = {names[0]: {"error": error.to_json()}}
        for name in names:
            stamps = answers[name].get("files") if "graph" in answers[name] else self._stamps(name)
            self._kept[name] = _Kept(_description(answers[name]), stamps, time.monotonic())


def _run(request: Mapping[str, Any]) -> dict[str, Any]:
    environ = {name: text for name, text in os.environ.items() if name != TOKEN_VARIABLE}
    try:
        process = subprocess.run(
            # -P: a file of the current folder must not be taken for a module of Python.
            [sys.executable, "-P", "-m", "flowerpower_cli.web.project_process"],
            input=json.dumps(request), capture_output=True, text=True, errors="replace",
            timeout=TIMEOUT, check=False, env=environ,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise FlowerpowerError(
            f"The project's modules were not imported within {TIMEOUT:g} seconds."
        ) from None
    try:
        answer = json.loads(process.stdout)
    except ValueError:
        lines = visible(process.stderr).strip().splitlines()
        raise FlowerpowerError(
            f"The process that imports the project's modules ended with {process.returncode}.",
            details=lines[-5:],
        ) from None
    return answer if isinstance(answer, dict) else {}


def _description(body: Mapping[str, Any]) -> Description:
    if "graph" not in body:
        return Description(error=_error_of(body["error"]))
    graph = body["graph"]
    nodes = [
        GraphNode(**{**node, "needs": (*node["needs"],), "optional": frozenset(node["optional"])})
        for node in graph["nodes"]
    ]
    return Description(
        Graph(graph["pipeline"], graph["final_vars"], nodes),
        body["inputs"],
        body["configuration"],
    )


def _error_of(body: Mapping[str, Any]) -> FlowerpowerError:
    """An error as it was before it became JSON, of the class that has its code."""
    kinds = _with_subclasses([FlowerpowerError])
    kind = next((kind for kind in kinds if kind.code == body["code"]), FlowerpowerError)
    return kind(body["message"], hint=body["hint"], details=body.get("details") or ())


def _with_subclasses(kinds: Iterable[type[FlowerpowerError]]) -> list[type[FlowerpowerError]]:
    return [sub for kind in kinds for sub in (kind, *_with_subclasses(kind.__subclasses__()))]
