"""The numbers of a project's job queue, as Prometheus reads them."""

from __future__ import annotations

from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowerpower import __version__
from flowerpower.errors import BackendUnreachable, ConfigError, FlowerpowerError
from flowerpower.jobs.counter import BOUNDS, NO_BUCKET, Counter, CounterKind
from flowerpower.jobs.job import JobStatus
from flowerpower.jobs.schedule import Outcome
from flowerpower.text import mask, one_line

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from flowerpower.pipeline.limit_states import LimitState
    from flowerpower.pipeline.manager import PipelineManager
    from flowerpower.pipeline.status import ProjectStatus

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
"""Of `Metrics.openmetrics`; PROMETHEUS_CONTENT_TYPE of `Metrics.prometheus`."""
PROMETHEUS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_ENDED = tuple(status for status in JobStatus if status.is_ended)
_LE = (*map(str, BOUNDS), "+Inf")


@dataclass(frozen=True)
class Metrics:
    """What was read; `unreachable` says why only `flowerpower_up 0` was.

    It can be given to prometheus_client where that wants a registry.
    """

    families: Sequence[Metric]
    unreachable: BackendUnreachable | None = None

    def collect(self) -> Sequence[Metric]:
        """The families, as a collector of prometheus_client has them."""
        return self.families

    def openmetrics(self) -> str:
        """OpenMetrics 1.0, which Prometheus scrapes."""
        from prometheus_client.openmetrics.exposition import generate_latest

        text: bytes = generate_latest(self)  # type: ignore[no-untyped-call]
        return text.decode()

    def prometheus(self) -> str:
        """The older text format, for what reads no OpenMetrics: node_exporter and promtool."""
        from prometheus_client.exposition import generate_latest

        return generate_latest(self).decode()

    def write_textfile(self, path: Path) -> None:
        """Write `prometheus` to a file, whole or not at all, for node_exporter.

        Raises:
            FlowerpowerError: if it cannot be written; a file that was there is as before.
        """
        from prometheus_client.exposition import write_to_textfile

        try:
            # Not `files.atomic`: what it writes beside the target has the same suffix, and
            # node_exporter would read both.
            write_to_textfile(str(path), self)
        except OSError as error:
            raise FlowerpowerError(f"{path} cannot be written: {error.strerror}.") from None

    def to_json(self) -> list[dict[str, Any]]:
        """Every family with its samples as JSON."""
        return [
            {
                "name": family.name,
                "type": family.type,
                "unit": family.unit or None,
                "help": family.documentation,
                "samples": [
                    {"name": sample.name, "labels": sample.labels, "value": sample.value}
                    for sample in family.samples
                ],
            }
            for family in self.families
        ]


def metrics_text(manager: PipelineManager) -> str:
    """All metrics as OpenMetrics; `flowerpower_up 0` if the queue cannot be read.

    Raises:
        ConfigError: if prometheus_client is not installed.
    """
    return read_metrics(manager).openmetrics()


def read_metrics(manager: PipelineManager) -> Metrics:
    """Read the metrics of the project's queue.

    Raises:
        ConfigError: if prometheus_client is not installed.
    """
    try:
        import prometheus_client  # noqa: F401
    except ImportError:
        raise ConfigError(
            "Metrics need the package prometheus_client, which is not installed.",
            hint="pip install 'flowerpower-cli[metrics]'",
        ) from None
    project = manager.project.name
    try:
        # The longest-running job and the next fire are the first of their lists.
        status, counters = manager.status(limit=1), manager.job_queue.counters()
    except BackendUnreachable as error:
        return Metrics(list(_Families(project).up(is_up=False)), error)
    families = _Families(project)
    return Metrics(
        [
            *families.up(is_up=True),
            *families.state(status),
            *families.queues(status),
            *families.limits(status.limits),
            *families.jobs(
                [one for one in counters if one.kind == CounterKind.JOB], manager.list()
            ),
            *families.fires([one for one in counters if one.kind == CounterKind.FIRE]),
        ]
    )


class _Families:
    """Makes the families of metrics; each sample has the label `project`.

    Without that, the files of two projects on one machine would collide in node_exporter.
    """

    def __init__(self, project: str) -> None:
        self._project = project

    def _gauge(
        self, name: str, text: str, samples: Iterable[tuple[Sequence[str], float]],
        labels: Sequence[str] = (), unit: str = "",
    ) -> Metric:  # fmt: skip
        from prometheus_client.core import GaugeMetricFamily

        family = GaugeMetricFamily(
            f"flowerpower_{name}", text, labels=["project", *labels], unit=unit
        )
        for values, number in samples:
            family.add_metric(self._values(*values), number)
        return family

    def _single(self, name: str, text: str, number: float, unit: str = "") -> Metric:
        return self._gauge(name, text, [((), number)], unit=unit)

    def _values(self, *values: str) -> tuple[str, ...]:
        return (self._project, *map(_label_value, values))

    def up(self, *, is_up: bool) -> Iterator[Metric]:
        """Whether the queue answered."""
        yield self._single("up", "1 if the job queue could be read, 0 if not.", int(is_up))

    def state(self, status: ProjectStatus) -> Iterator[Metric]:
        """Versions, workers, schedules and problems."""
        now = status.taken_at
        yield self._gauge(
            "build_info", "Always 1; the labels say which flowerpower and which job queue it is.",
            [((__version__, str(status.backend["backend"]), str(status.backend["version"])), 1)],
            ("version", "backend", "backend_version"),
        )  # fmt: skip
        alive = status.alive
        yield self._gauge(
            "workers", "Workers by state; silent ones have sent no heartbeat lately.",
            [(("alive",), len(alive)), (("silent",), len(status.workers) - len(alive))],
            ("state",),
        )  # fmt: skip
        yield self._single(
            "worker_slots", "How many jobs the workers that are alive can run at once.",
            sum(worker.slots for worker in alive),
        )  # fmt: skip
        # A worker may hold more jobs than it runs: it has claimed the next ones.
        yield self._single(
            "worker_slots_busy", "How many of these slots have a job.",
            sum(min(worker.slots, len(worker.running)) for worker in alive),
        )  # fmt: skip
        since = [job.started_at for job in status.running if job.started_at is not None]
        yield self._single(
            "longest_running_job_seconds", "Since when the job runs that has run the longest; "
            "0 if none runs.",
            max((_seconds(now, moment) for moment in since), default=0.0), "seconds",
        )  # fmt: skip
        yield self._single("schedules", "How many schedules there are.", status.schedules)
        yield self._single(
            "scheduler_up", "1 if a process that fires schedules is alive, 0 if not.",
            int(status.has_scheduler),
        )  # fmt: skip
        due = [schedule.due_at for schedule in status.upcoming if schedule.due_at is not None]
        yield self._gauge(
            "next_fire_seconds", "Seconds until the next fire of a schedule, below 0 if it is "
            "late; no sample if none is to come.",
            [((), (min(due) - now).total_seconds())] if due else [], unit="seconds",
        )  # fmt: skip
        problems = Tally((problem.code, str(problem.level)) for problem in status.problems)
        yield self._gauge(
            "problems", "What is wrong now, by code; `flowerpower status` says what to do.",
            sorted(problems.items()), ("code", "level"),
        )  # fmt: skip

    def queues(self, status: ProjectStatus) -> Iterator[Metric]:
        """The state of each queue."""
        now, queues = status.taken_at, status.queues
        served = Tally(queue for worker in status.alive for queue in set(worker.queues))
        yield self._gauge(
            "queue_jobs", "Jobs by queue and status; ended ones while their records are kept.",
            [((q.name, str(state)), q.counts[state]) for q in queues for state in JobStatus],
            ("queue", "status"),
        )  # fmt: skip
        for name, text, numbers, unit in (
            ("queue_jobs_blocked", "Scheduled jobs that wait until fewer jobs of their schedule "
             "run.", [queue.blocked for queue in queues], ""),
            ("queue_oldest_job_age_seconds", "For how long the queued job has been due that waits "
             "the longest; 0 if none waits.",
             [_seconds(now, queue.oldest_due or now) for queue in queues], "seconds"),
            ("queue_paused", "1 if the queue is paused, 0 if not.",
             [int(queue.paused_at is not None) for queue in queues], ""),
            ("queue_workers", "Workers that are alive and take jobs from the queue.",
             [served[queue.name] for queue in queues], ""),
        ):  # fmt: skip
            samples = [((queue.name,), n) for queue, n in zip(queues, numbers, strict=True)]
            yield self._gauge(name, text, samples, ("queue",), unit)

    def limits(self, limits: Sequence[LimitState]) -> Iterator[Metric]:
        """What the places of each limit are taken by; nothing where there is no limit."""
        if not limits:
            return
        bounded = [state for state in limits if state.limit.at_once is not None]
        yield self._gauge(
            "limit_places", "How many jobs a limit lets run at once.",
            [((state.name,), state.limit.at_once or 0) for state in bounded], ("limit",),
        )  # fmt: skip
        for name, text, numbers in (
            ("limit_running", "Running jobs that have a place of the limit.",
             [len(state.use.running) for state in limits]),
            ("limit_parked", "Queued jobs that the limit holds back.",
             [state.use.parked for state in limits]),
        ):  # fmt: skip
            samples = [((state.name,), n) for state, n in zip(limits, numbers, strict=True)]
            yield self._gauge(name, text, samples, ("limit",))

    def jobs(self, counters: Sequence[Counter], pipelines: Iterable[str]) -> Iterator[Metric]:
        """Jobs that have ended, and their times."""
        # Prometheus sees no increase in a series that begins with 1: the first failure of a
        # pipeline counts only if there was a 0 before.
        begin = {(name, str(status)): 0 for name in pipelines for status in _ENDED}
        yield self._counter(
            "jobs", "Jobs that have ended, by pipeline and status.", "status", counters, begin
        )
        yield self._histogram(
            "job_duration_seconds", "How long the last attempt of ended jobs took.",
            ((one.pipeline, one.bucket, one.count, one.seconds) for one in counters),
        )  # fmt: skip
        yield self._histogram(
            "job_wait_seconds", "How long ended jobs had waited before that, since they were due.",
            ((one.pipeline, one.waited_bucket, one.count, one.waited) for one in counters),
        )  # fmt: skip

    def fires(self, counters: Sequence[Counter]) -> Iterator[Metric]:
        """Fires of schedules, and how late they were."""
        names = {one.pipeline for one in counters}
        begin = {(name, str(outcome)): 0 for name in names for outcome in Outcome}
        yield self._counter(
            "fires", "Fires of schedules, by pipeline and outcome.", "outcome", counters, begin
        )
        yield self._histogram(
            "fire_lateness_seconds", "How late fires added their jobs.",
            ((one.pipeline, one.bucket, one.count, one.seconds) for one in counters),
        )  # fmt: skip

    def _counter(
        self, name: str, text: str, label: str, counters: Iterable[Counter],
        begin: dict[tuple[str, str], int],
    ) -> Metric:  # fmt: skip
        from prometheus_client.core import CounterMetricFamily

        family = CounterMetricFamily(
            f"flowerpower_{name}", text, labels=["project", "pipeline", label]
        )
        sums: dict[tuple[str, ...], int] = defaultdict(int)
        for key, number in [
            *begin.items(),
            *(((c.pipeline, c.outcome), c.count) for c in counters),
        ]:
            sums[self._values(*key)] += number
        for values, number in sorted(sums.items()):
            family.add_metric(values, number)
        return family

    def _histogram(
        self, name: str, text: str, parts: Iterable[tuple[str, int, int, float]]
    ) -> Metric:
        """A histogram by pipeline out of (pipeline, bucket, count, seconds)."""
        from prometheus_client.core import HistogramMetricFamily

        family = HistogramMetricFamily(
            f"flowerpower_{name}", text, labels=["project", "pipeline"], unit="seconds"
        )
        counts: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0] * len(_LE))
        seconds: dict[tuple[str, ...], float] = defaultdict(float)
        for pipeline, bucket, count, total in parts:
            if bucket != NO_BUCKET:
                values = self._values(pipeline)
                # A queue may have been written by a version with more buckets.
                counts[values][min(bucket, len(BOUNDS))] += count
                seconds[values] += total
        for values, buckets in sorted(counts.items()):
            cumulative = zip(_LE, accumulate(buckets), strict=True)
            family.add_metric(values, list(cumulative), seconds[values])
        return family


def _label_value(text: str) -> str:
    # Names come from a database, which may hold anything, and the text may be read on a terminal.
    return one_line(mask(text))


def _seconds(now: datetime, since: datetime) -> float:
    return max(0.0, (now - since).total_seconds())
