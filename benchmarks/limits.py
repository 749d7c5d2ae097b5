"""What limits and chains cost, on SQLite, PostgreSQL and Redis: each beside the same without them.

- Claims a second with 10,000 waiting jobs, every second one of which is held back by a full limit,
  against the same queue without limits; from the first claim on, so with what parking them costs.
- Jobs a second of a whole worker, with a limit on what it runs and as many jobs that are held back.
- Ends of attempts a second, of jobs with one child against jobs without.
- `add_job` of a pipeline that has a follower, against one that has none.

    python benchmarks/limits.py [--waiting 10000] [--turns 50] [--on Redis]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from beside import output, project, redis
from lines import Bound, Line, Pair, beside_other, print_table
from programs import rounds

from flowerpower.config.overrides import RunOverrides
from flowerpower.job_queue import JobQueueManager
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.claim import AttemptResult, Claim, FinishRequest, WorkerInfo
from flowerpower.jobs.job import JobStatus
from flowerpower.jobs.job_spec import JobSpec
from flowerpower.jobs.limits import NO_LIMITS, Limit, Limits
from flowerpower.pipeline import PipelineManager
from flowerpower.triggers import clock
from tests.servers import PostgresServer

CLAIMS_BOUND = Bound(0.8, at_least=True)
PLACES = ("SQLite", "PostgreSQL", "Redis")
TURN = 20
"""Claims, ends and added jobs of a turn: few, as a busy machine is not the same for long."""
JOBS = 500
"""Jobs of a turn of a whole worker."""
FULL = Limits({"full": Limit(at_once=1)}, {"held": ("full",)})
FINISHED = AttemptResult(JobStatus.FINISHED, result={"outputs": {}, "notes": []})
Options = dict[str, Any]


def make_project(folder: Path, options: Options, *, limited: bool) -> None:
    """Pipelines that do the same; with limits, `held` is held back after its first job."""
    project(folder)
    limits = "limits: {wide: 100, narrow: {per: 1/24h}}\n" if limited else ""
    queue = json.dumps({"type": options["type"], "backend": {"url": options["url"]}})
    (folder / "conf/project.yml").write_text(f"name: {folder.name}\njob_queue: {queue}\n{limits}")
    configs = {"three": "wide", "held": "narrow", "followed": "", "follower": ""}
    for name, limit in configs.items():
        run = f"run: {{modules: [pipelines.three], inputs: {{x: 3}}, limits: [{limit}]}}\n"
        after = "after: {pipeline: followed}\n" if name == "follower" else ""
        text = run if limited else run.replace(f", limits: [{limit}]", "")
        (folder / f"conf/pipelines/{name}.yml").write_text(text + after)


def _worker(queue: JobQueueBackend) -> str:
    info = WorkerInfo("bench", "host", 1, ("default",), 9, clock.now())
    queue.register_worker(info)
    return info.id


def _end(queue: JobQueueBackend, claims: list[Claim]) -> None:
    assert all(queue.finish_many([FinishRequest(claim, FINISHED) for claim in claims]))


class Waiting:
    """A queue in which every second job is of a limited pipeline, one of which runs."""

    def __init__(self, queue: JobQueueBackend, count: int, limits: Limits) -> None:
        self._queue, self._limits = queue, limits
        self._worker = _worker(queue)
        queue.add_job(JobSpec("held", priority=1))
        queue.claim(self._worker, 1, ["default"], limits=limits)
        names = ("held", "three")
        queue.add_jobs([JobSpec(names[number % 2]) for number in range(count)])

    def rate(self) -> float:
        """Claims of one job a second."""
        seconds = 0.0
        for _ in range(TURN):
            began = time.perf_counter()
            claims = self._queue.claim(self._worker, 1, ["default"], limits=self._limits)
            seconds += time.perf_counter() - began
            assert len(claims) == 1
            _end(self._queue, claims)
        return TURN / seconds


def claims_a_second(options: Options, count: int, turns: int) -> list[Pair]:
    """With a full limit and without limits, in turns."""
    with contextlib.ExitStack() as stack:
        queues = [_opened(stack, options, name) for name in ("limited", "free")]
        limited = Waiting(queues[0], count, FULL)
        free = Waiting(queues[1], count, NO_LIMITS)
        return [(limited.rate(), free.rate()) for _ in range(turns)]


def ends_a_second(options: Options, turns: int) -> list[Pair]:
    """Of jobs that have a child and of jobs that have none, one by one, in turns."""
    with contextlib.ExitStack() as stack:
        queue = _opened(stack, options, "ends")
        worker = _worker(queue)

        def rate(children: int) -> float:
            specs = [JobSpec("three") for _ in range(TURN)]
            queue.add_jobs(specs)
            waiting = [
                JobSpec("three", after=(spec.id,)) for spec in specs for _ in range(children)
            ]
            queue.add_jobs(waiting)
            claims = [queue.claim(worker, 1, ["default"])[0] for _ in range(TURN)]
            began = time.perf_counter()
            for claim in claims:
                _end(queue, [claim])
            seconds = time.perf_counter() - began
            queue.change_jobs("delete", [spec.id for spec in waiting])
            return TURN / seconds

        return [(rate(1), rate(0)) for _ in range(turns)]


def added_a_second(folder: Path, turns: int) -> list[Pair]:
    """Jobs that have a follower, and jobs that have none, in turns."""
    with contextlib.closing(PipelineManager(folder, quiet=True)) as manager:

        def rate(name: str) -> float:
            began = time.perf_counter()
            for _ in range(TURN):
                manager.add_job(name)
            return TURN / (time.perf_counter() - began)

        # The first job of each has its pipeline imported, to check the request.
        manager.add_job("followed")
        manager.add_job("three")
        return [(rate("followed"), rate("three")) for _ in range(turns)]


def jobs_a_second(folders: dict[str, Path], turns: int) -> list[Pair]:
    """Of whole workers, two children each that make 100 jobs."""

    def rate(folder: Path, *, held: bool) -> float:
        inputs = RunOverrides(inputs={"x": 3})
        with JobQueueManager(base_dir=folder) as queue:
            names = ("held", "three") if held else ("three",)
            queue.add_jobs([JobSpec(name, inputs) for _ in range(JOBS) for name in names])
        jobs = float(output(folder, "work.py", "100", "{}"))
        with JobQueueManager(base_dir=folder) as queue:
            queue.prune(everything_ended=True)
        return jobs

    return [
        (rate(folders["limited"], held=True), rate(folders["free"], held=False))
        for _ in range(turns)
    ]


def _opened(stack: contextlib.ExitStack, options: Options, name: str) -> JobQueueBackend:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    url = f"sqlite:///{folder}/jobs.db" if options["url"] is None else options["url"]
    queue = JobQueueManager(**{**options, "url": url}, base_dir=folder, namespace=name)
    return stack.enter_context(queue)


@contextlib.contextmanager
def _place(name: str) -> Iterator[Options]:
    """A queue of this kind."""
    with contextlib.ExitStack() as stack:
        if name == "SQLite":
            yield {"type": "apscheduler", "url": None}
        elif name == "PostgreSQL":
            server = stack.enter_context(contextlib.closing(PostgresServer()))
            yield {"type": "apscheduler", "url": server.new_database()}
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            yield {"type": "rq", "url": stack.enter_context(redis(folder))}


def _claims_line(place: str, options: Options, waiting: int, turns: int) -> Line:
    what = f"claims a second, {waiting:,} waiting, half held back"
    pairs = claims_a_second(options, waiting, turns)
    return beside_other(what, place, "/s", pairs, "without limits", CLAIMS_BOUND)


def claims_lines(places: Sequence[str]) -> Iterator[Line]:
    """What a full limit costs when jobs are claimed: those of the table of benchmarks."""
    for place in places:
        with _place(place) as options:
            yield _claims_line(place, options, 10_000, rounds(20))


def lines(place: str, waiting: int, turns: int) -> Iterator[Line]:
    """All that is measured on one kind of queue, each as soon as it is known."""
    with _place(place) as options, tempfile.TemporaryDirectory() as root:
        folders = {kind: Path(root) / place / kind for kind in ("limited", "free")}
        for kind, folder in folders.items():
            make_project(folder, options, limited=kind == "limited")
        yield _claims_line(place, options, waiting, turns)
        ends = ends_a_second(options, turns)
        yield beside_other("ends a second of jobs with a child", place, "/s", ends, "without")
        added = added_a_second(folders["free"], turns)
        yield beside_other("add_job a second with a follower", place, "/s", added, "without")
        jobs = jobs_a_second(folders, min(turns, 3))
        yield beside_other("jobs a second, as many held back", place, "/s", jobs, "without limits")


def main() -> None:
    """Measure and print the lines."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--waiting", type=int, default=10_000)
    parser.add_argument("--turns", type=int, default=50)
    parser.add_argument("--on", action="append", choices=PLACES, help="repeatable")
    wanted = parser.parse_args()
    places = wanted.on or PLACES
    print_table(one for place in places for one in lines(place, wanted.waiting, wanted.turns))


if __name__ == "__main__":
    main()
