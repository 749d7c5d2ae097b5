"""The job rules of all pipelines of a project: what each follows, and its limits.

They are read for each job that is added, and before each claim of a worker. So they are kept in
this process, and in `.flowerpower/job_rules.json` for the next one, beside the stamp of each file.
A file or an entry that is wrong says nothing here: its own pipeline alone must fail, and
`flowerpower.pipeline.rule_faults` names it.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowerpower.config.file_stamps import Stamp, is_settled, stamp_of
from flowerpower.config.remote.version import kept_beside
from flowerpower.errors import ConfigError
from flowerpower.files.atomic import write_file
from flowerpower.text import is_name

if TYPE_CHECKING:
    from flowerpower.config.yaml_reader import KeyPath, YamlNode

INDEX = Path(".flowerpower", "job_rules.json")
VERSION = 2
"""To be raised when what is kept, or the meaning of a rule, changes."""


@dataclass(frozen=True)
class JobRules:
    """What a pipeline says of its jobs.

    `after` has the pipelines that it follows, each with the end that counts. `limits` are names of
    the project's limits; there may be no such. It `is_whole` unless something was left out because
    it is wrong, or names a variable that is not set.
    """

    after: tuple[tuple[str, str], ...] = ()
    limits: tuple[str, ...] = ()
    max_running: int | None = None
    is_whole: bool = True


NO_RULES = JobRules()
_Kept = dict[str, tuple[Stamp, JobRules]]


class RulesReader:
    """Reads the job rules in a folder of pipelines, each file again only once it has changed.

    Args:
        root: the project's folder.
        pipelines: the folder of the files, relative to it.
        environ: where `${NAME}` in a rule is looked up.
    """

    def __init__(self, root: Path, pipelines: Path, environ: Mapping[str, str]) -> None:
        self._folder, self._environ = root / pipelines, environ
        self._index = kept_beside(root) / INDEX.name
        self._kept: _Kept | None = None
        self._rules: dict[str, JobRules] = {}
        self._lock = threading.Lock()

    def read(self) -> Mapping[str, JobRules]:
        """The rules by pipeline, of every pipeline; the same object while nothing has changed."""
        with self._lock:
            return self._read()

    def _read(self) -> Mapping[str, JobRules]:
        if self._kept is None:
            self._kept = _read_index(self._index)
        kept, fresh = self._kept, {}
        rules: dict[str, JobRules] = {}
        for name, stamp in self._stamps():
            if name in kept and kept[name][0] == stamp:
                fresh[name] = kept[name]
                rules[name] = kept[name][1]
                continue
            rules[name], depends = _rules_in(self._folder / f"{name}.yml", self._environ)
            # What depends on the environment is another for the next process.
            if is_settled(stamp) and not depends:
                fresh[name] = stamp, rules[name]
        if fresh != kept:
            self._kept = fresh
            _write_index(self._index, fresh)
        if rules != self._rules:
            self._rules = rules
        return self._rules

    def _stamps(self) -> list[tuple[str, Stamp]]:
        stamps = []
        with contextlib.suppress(OSError):
            for name in sorted(os.listdir(self._folder)):
                stamp = stamp_of(self._folder / name)
                if name.endswith(".yml") and is_name(name[:-4]) and stamp is not None:
                    stamps.append((name[:-4], stamp))
        return stamps


def _rules_in(file: Path, environ: Mapping[str, str]) -> tuple[JobRules, bool]:
    """The rules in a pipeline's file, and whether they depend on the environment."""
    # Not at the top: most of the time what is kept is enough.
    from pydantic import ValidationError

    from flowerpower.config.job_rules import AfterConfig, LimitedRun
    from flowerpower.config.yaml_reader import parse_yaml

    depends = False
    try:
        content = file.read_bytes()
        root = parse_yaml(content, "", None).root
        # Without the environment: what is unset elsewhere in the file does not matter here.
        written = rules = _rules_of(root)
        depends = "${" in json.dumps(written)
        if depends:
            # What is unset leaves out its own rule alone.
            paths = _paths(root)
            rules = _rules_of(parse_yaml(content, "", environ, paths).root)
    except (OSError, ConfigError):
        return JobRules(is_whole=False), depends
    is_whole = rules.keys() == written.keys()
    after = rules.pop("after", [])
    follows: dict[str, str] = {}
    for entry in after if isinstance(after, list) else [after]:
        try:
            valid = AfterConfig.model_validate(entry)
        except ValidationError:
            is_whole = False
        else:
            follows.setdefault(valid.pipeline, valid.on)
    run = LimitedRun()
    try:
        run = LimitedRun.model_validate(rules)
    except ValidationError:
        is_whole = False
    limits = tuple(dict.fromkeys(run.limits))
    return JobRules(tuple(follows.items()), limits, run.max_running, is_whole), depends


def _rules_of(root: YamlNode) -> dict[str, Any]:
    """`after`, and what `run` says of limits, as far as they are given."""
    from flowerpower.config.job_rules import LimitedRun

    parts = _run_of(root)
    nodes = {key: parts[key] for key in LimitedRun.model_fields if key in parts}
    if "after" in root.content:
        nodes["after"] = root.content["after"]
    values = {key: node.plain() for key, node in nodes.items()}
    return {key: value for key, value in values.items() if value is not None}


def _paths(root: YamlNode) -> set[KeyPath]:
    """Every key of the file, and every key of `run`."""
    return {(key,) for key in root.content} | {("run", key) for key in _run_of(root)}


def _run_of(root: YamlNode) -> dict[str, YamlNode]:
    run = root.content["run"].content if "run" in root.content else None
    return run if isinstance(run, dict) else {}


def _read_index(path: Path) -> _Kept:
    try:
        index = json.loads(path.read_bytes())
        if index["v"] != VERSION:
            return {}
        kept: _Kept = {}
        for name, (stamp, rules) in index["files"].items():
            mtime, ctime, size, inode = stamp
            after = tuple((pipeline, on) for pipeline, on in rules["after"])
            rules = JobRules(**{**rules, "after": after, "limits": tuple(rules["limits"])})
            kept[name] = (mtime, ctime, size, inode), rules
        return kept
    # Whatever else is in its place is written anew.
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}


def _write_index(path: Path, kept: _Kept) -> None:
    files = {name: (stamp, asdict(rules)) for name, (stamp, rules) in kept.items()}
    body = {"v": VERSION, "files": files}
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        write_file(path, json.dumps(body).encode())
