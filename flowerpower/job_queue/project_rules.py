"""What a project's files say of its jobs, as a backend needs it: limits, and followers.

A follower is a child that YAML declares: it is added with its parent, in the same step.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from flowerpower.config.file_stamps import Stamp, stamp_of
from flowerpower.config.files import PIPELINES_FOLDER, PROJECT_FILE, Project, load_project
from flowerpower.config.project_source import ProjectSource
from flowerpower.config.rules_reader import NO_RULES, JobRules, RulesReader
from flowerpower.errors import ConfigError, ProjectNotFound
from flowerpower.jobs.chain import AfterCondition
from flowerpower.jobs.job_spec import JobSpec
from flowerpower.jobs.limits import NO_LIMITS, PIPELINE_LIMIT, Limit, Limits
from flowerpower.text import JOB_ID_LIMIT
from flowerpower.triggers import clock

if TYPE_CHECKING:
    from flowerpower.config.project import ProjectConfig
    from flowerpower.job_queue.base import JobQueueBackend

LOOK_EVERY = 0.2
"""Seconds between two looks at the files; a busy worker claims more often."""
MAX_FOLLOWERS = 100
"""Jobs that one job is followed by at most, theirs too."""
_DIGEST = 16


class ProjectRules:
    """The limits and the followers that a project's files declare, as the files are now.

    Args:
        project: the project as it was read.
        source: where its files are.
        environ: where variables that the files name are looked up; None stands for the process's.
    """

    def __init__(
        self, project: Project, source: ProjectSource, environ: Mapping[str, str] | None = None
    ) -> None:
        self._project, self._source = project, source
        self._environ = os.environ if environ is None else environ
        self._reader_of: tuple[Path, RulesReader] | None = None
        self._project_stamp: Stamp | None = None
        self._looked_at: float | None = None
        # A worker asks from several threads. The second must not go on with what was before the
        # first look, which is no limits at all.
        self._lock = threading.Lock()
        self._read: Mapping[str, JobRules] | None = None
        self._limits = NO_LIMITS

    def attach(self, backend: JobQueueBackend) -> None:
        """Have the backend use these rules for the jobs that it adds, and its workers too."""
        backend.with_followers = self.with_followers
        backend.limits = self.limits

    def by_pipeline(self) -> Mapping[str, JobRules]:
        """The rules of every pipeline; of one whose file is wrong there are none."""
        return self._reader.read()

    def can_be_kept(self, pipeline: str) -> bool:
        """Whether all that the pipeline says of limits and chains is valid, and is there.

        Nothing is read for that but what is kept of the rules.
        """
        by_pipeline = self.by_pipeline()
        own = by_pipeline.get(pipeline, NO_RULES)
        has_parents = all(parent in by_pipeline for parent, _ in own.after)
        has_limits = not own.limits or set(own.limits) <= self.limits().by_name.keys()
        return own.is_whole and has_parents and has_limits

    @property
    def _reader(self) -> RulesReader:
        # Each version of a remote project has a folder of its own.
        root = self._source.root()
        if self._reader_of is None or self._reader_of[0] != root:
            self._reader_of = root, RulesReader(root, PIPELINES_FOLDER, self._environ)
        return self._reader_of[1]

    def limits(self) -> Limits:
        """The limits that count now. While conf/project.yml is wrong, those from before.

        A limit that a pipeline names and the project does not have is left out.
        """
        with self._lock:
            return self._current_limits()

    def _current_limits(self) -> Limits:
        now = clock.monotonic()
        if self._looked_at is not None and now - self._looked_at < LOOK_EVERY:
            return self._limits
        self._looked_at = now
        root = self._source.root()
        rules, stamp = self._reader.read(), stamp_of(root / PROJECT_FILE)
        if stamp != self._project_stamp:
            self._project_stamp = stamp
            try:
                project = load_project(root, self._environ)
                # Now: what is wrong with the file must leave the rules from before.
                _ = project.config
                self._project = project
            except (ConfigError, ProjectNotFound):
                pass
            else:
                self._read = None
        if rules is not self._read:
            self._read, self._limits = rules, _limits_of(self._project.config, rules)
        return self._limits

    def with_followers(self, spec: JobSpec) -> JobSpec:
        """The request, and its followers with theirs; a chain that comes back ends there."""
        return self._with_followers(spec, MAX_FOLLOWERS)

    def count_followers(self, pipeline: str) -> int:
        """How many jobs would follow one of the pipeline, counted up to one over MAX_FOLLOWERS."""
        waiting = [self._with_followers(JobSpec(pipeline), MAX_FOLLOWERS + 1)]
        for spec in waiting:
            waiting += spec.followers
        return len(waiting) - 1

    def _with_followers(self, spec: JobSpec, most: int) -> JobSpec:
        followed: dict[str, list[tuple[str, str]]] = {}
        for name, rules in self._reader.read().items():
            for parent, condition in rules.after:
                followed.setdefault(parent, []).append((name, condition))
        if spec.pipeline not in followed:
            return spec
        queue = self._project.job_queue.backend.default_queue
        left = most

        def added(parent: JobSpec, above: tuple[str, ...]) -> JobSpec:
            nonlocal left
            followers = []
            for name, condition in followed.get(parent.pipeline, ()):
                if name in above or left <= 0:
                    continue
                left -= 1
                follower = JobSpec(
                    name, id=follower_id(name, parent.id), queue=queue, after=(parent.id,),
                    after_on=AfterCondition(condition), scheduled_for=parent.scheduled_for,
                    project_version=parent.project_version,
                )  # fmt: skip
                followers.append(added(follower, (*above, name)))
            return replace(parent, followers=tuple(followers))

        return added(spec, (spec.pipeline,))


def follower_id(pipeline: str, parent_id: str) -> str:
    """The id of the job of `pipeline` that follows that job, the same each time."""
    job_id = f"{pipeline}-after-{parent_id}"
    if len(job_id) <= JOB_ID_LIMIT:
        return job_id
    digest = hashlib.sha256(job_id.encode()).hexdigest()[:_DIGEST]
    return f"{job_id[: JOB_ID_LIMIT - _DIGEST - 1]}-{digest}"


def _limits_of(config: ProjectConfig, rules: Mapping[str, JobRules]) -> Limits:
    by_name = {}
    for name, limit in config.limits.items():
        starts, seconds = (limit.per.starts, limit.per.seconds) if limit.per else (None, 0.0)
        by_name[name] = Limit(limit.at_once, starts, seconds)
    of_pipeline = {}
    left_out = []
    for pipeline, rule in rules.items():
        names = [name for name in rule.limits if name in config.limits]
        if not rule.is_whole or len(names) < len(rule.limits):
            left_out.append(
                f"Not all that {PIPELINES_FOLDER / pipeline}.yml says of limits and chains counts: "
                f"`flowerpower pipeline validate {pipeline}` says why."
            )
        if rule.max_running is not None:
            names.append(f"{PIPELINE_LIMIT}{pipeline}")
            by_name[names[-1]] = Limit(at_once=rule.max_running)
        if names:
            of_pipeline[pipeline] = tuple(names)
    return Limits(by_name, of_pipeline, tuple(left_out))
