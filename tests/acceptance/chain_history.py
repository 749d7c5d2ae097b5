"""What happens in a campaign of chains: its pipelines, a random graph of jobs, and deeds by hand.

The history is what the count compares a queue with, so nothing in it is read from the queue, except
how a job was just before somebody retried or deleted it.
"""

from __future__ import annotations

import json
import random
import textwrap
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from flowerpower.config.overrides import RunOverrides
from flowerpower.errors import FlowerpowerError, JobNotFound
from flowerpower.job_queue.base import JobQueueBackend
from flowerpower.jobs.chain import AfterCondition
from flowerpower.jobs.job import JobStatus, JobVerb
from flowerpower.jobs.job_spec import JobSpec
from flowerpower.jobs.limits import Limit, Limits
from tests.acceptance.working import Site

SUCCESS, FAILURE, END = AfterCondition
LIMITS = {
    "warehouse": Limit(at_once=2),
    "api": Limit(at_once=4, starts=40, seconds=5.0),
}
WINDOW = 60
"""So many of the latest jobs are parents of new ones, and are cancelled, deleted and retried."""


@dataclass(frozen=True)
class Kind:
    """A pipeline: when it fails (never, first: at the first attempt, always), and its limits.

    `how` is what it does before it ends or fails, beside running for its time.
    """

    fails: str = "never"
    retries: int = 0
    how: str = ""
    timeout: float | None = None
    limits: tuple[str, ...] = ()
    max_running: int | None = None
    share: int = 1
    """How many jobs it has among others."""
    follows: tuple[tuple[str, AfterCondition], ...] = ()

    def limit_names(self, pipeline: str) -> tuple[str, ...]:
        """The limits that count its jobs."""
        own = () if self.max_running is None else (f"pipeline:{pipeline}",)
        return (*self.limits, *own)


PIPELINES = {
    "plain": Kind(share=4),
    "query": Kind(limits=("warehouse",), share=4),
    "call": Kind(limits=("api",), share=5),
    "sync": Kind(limits=("warehouse", "api"), share=3),
    "alone": Kind(max_running=1, share=2),
    "flaky": Kind("first", 3, share=3),
    "broken": Kind("always", share=2),
    "stubborn": Kind("always", 1, limits=("warehouse",), share=1),
    # These have jobs of the schedule too; a tick fails in every third second.
    "tick": Kind("thirds", share=1),
    "tock": Kind(follows=(("tick", SUCCESS),), share=0),
    "alarm": Kind(follows=(("tick", FAILURE),), limits=("api",), share=0),
    "report": Kind(follows=(("tock", END), ("alarm", END)), limits=("warehouse",), share=0),
}
UNRULY = {
    "loud": Kind(how="for number in range(300):\n    print(number, 'x' * 10_000)"),
    "large": Kind(how="bytearray(150_000_000)\nprint(threading.active_count())"),
    "odd": Kind(how="return threading.Lock()"),
    "crashing": Kind("always", how="ctypes.string_at(0)"),
    "leaving": Kind("always", how="os._exit(0)"),
    # Shorter than the end of a site waits: it goes on where a worker and its fork server are killed
    # at about the same time, and then nobody can end it.
    "starting": Kind(how="subprocess.Popen(['sleep', '60'], start_new_session=True)"),
    "hanging": Kind("always", how="time.sleep(1000)", timeout=3),
    "deaf": Kind("always", timeout=3, how="signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
                 "ctypes.PyDLL(None).sleep(1000)"),
}  # fmt: skip
"""Pipelines that do their worst; a history has jobs of them only if it is given shares for them."""
PIPELINES |= {name: replace(kind, share=0) for name, kind in UNRULY.items()}
FAIL = {
    "never": "",
    "always": "raise ValueError('as ever')",
    "first": """
try:
    os.close(os.open('first-' + name, os.O_CREAT | os.O_EXCL))
except FileExistsError:
    return name
raise ValueError('the first time')
""",
    "thirds": "if scheduled_for.second % 3 == 0:\n    raise ValueError('a third')",
}
IMPORTS = """\
import ctypes
import json
import os
import signal
import subprocess
import threading
import time
from datetime import datetime

from traced import traced


"""
# What a run was given as its parents: read from it, not from its record.
TELL_PARENTS = """\
with open('parents', 'a') as file:
    file.write(json.dumps([name, parent_job_ids]) + '\\n')
"""


def limits() -> Limits:
    """The limits as a worker has them."""
    own = {
        f"pipeline:{name}": Limit(at_once=kind.max_running)
        for name, kind in PIPELINES.items()
        if kind.max_running is not None
    }
    of_pipeline = {name: kind.limit_names(name) for name, kind in PIPELINES.items()}
    return Limits({**LIMITS, **own}, {name: names for name, names in of_pipeline.items() if names})


@dataclass(frozen=True)
class Planned:
    """A job as it was asked for: after which parents, and when, by the monotonic clock.

    `gone` are those parents that had been deleted by then.
    """

    id: str
    pipeline: str
    parents: tuple[str, ...] = ()
    on: AfterCondition = SUCCESS
    added: float = 0.0
    gone: frozenset[str] = frozenset()

    @property
    def kind(self) -> Kind:
        """What its pipeline does."""
        return PIPELINES[self.pipeline]

    def spec(self, seconds: float) -> JobSpec:
        """The request."""
        inputs = RunOverrides(inputs={"name": self.id, "seconds": seconds})
        return JobSpec(self.pipeline, inputs, id=self.id, after=self.parents, after_on=self.on)


@dataclass(frozen=True)
class Deed:
    """What somebody did to a job, when, and what the job was just before."""

    verb: JobVerb
    moment: float
    before: JobStatus


@dataclass
class History:
    """What was asked for, and done by hand."""

    dice: random.Random
    mean_seconds: float = 0.2
    shares: dict[str, int] = field(
        default_factory=lambda: {name: kind.share for name, kind in PIPELINES.items()}
    )
    """How many jobs each pipeline has among others."""
    planned: dict[str, Planned] = field(default_factory=dict)
    deeds: dict[str, list[Deed]] = field(default_factory=dict)
    expected: dict[str, str] = field(default_factory=dict)
    """How each job ends if nobody intervenes."""

    def verbs(self, job_id: str) -> set[JobVerb]:
        """What was done to a job by hand."""
        return {deed.verb for deed in self.deeds.get(job_id, ())}

    def deed(self, verb: JobVerb, job_id: str) -> Deed | None:
        """The first deed of that kind."""
        return next((deed for deed in self.deeds.get(job_id, ()) if deed.verb == verb), None)

    def plan(self, count: int) -> list[JobSpec]:
        """So many more jobs, two thirds of them after one to four others."""
        return [self._plan_one().spec(self.dice.uniform(0, 2 * self.mean_seconds))
                for _ in range(count)]  # fmt: skip

    def _plan_one(self) -> Planned:
        (pipeline,) = self.dice.choices(list(self.shares), list(self.shares.values()))
        job_id = f"{pipeline}-{len(self.planned)}"
        parents, on = self._choose_parents()
        gone = frozenset(parent for parent in parents if self.deed("delete", parent))
        job = Planned(job_id, pipeline, parents, on, time.monotonic(), gone)
        self.planned[job_id] = job
        met = all(self.expected[parent] in ENDS_MET[on] for parent in parents)
        fails = "failed" if job.kind.fails == "always" else "finished"
        self.expected[job_id] = fails if met else "cancelled"
        return job

    def _choose_parents(self) -> tuple[tuple[str, ...], AfterCondition]:
        """Mostly such that the job runs: what never runs would say nothing of the rest."""
        latest = list(self.planned)[-WINDOW:]
        ways = [
            ([], SUCCESS, 3),
            ([job_id for job_id in latest if self.expected[job_id] == "finished"], SUCCESS, 5),
            ([job_id for job_id in latest if self.expected[job_id] == "failed"], FAILURE, 2),
            (latest, END, 2),
            (latest, self.dice.choice(list(AfterCondition)), 1),
        ]
        ((pool, on, _),) = self.dice.choices(ways, [weight for _, _, weight in ways])
        count = min(self.dice.choice((1, 1, 2, 3, 4)), len(pool))
        return tuple(self.dice.sample(pool, count)), on

    def intervene(self, queue: JobQueueBackend) -> None:
        """Cancel, delete or retry one of the latest jobs, whatever it is by now."""
        job_id = self.dice.choice(list(self.planned)[-WINDOW:])
        try:
            status = queue.get_job(job_id).status
        except JobNotFound:
            return
        verbs: Mapping[JobStatus, tuple[JobVerb, ...]] = {
            JobStatus.RUNNING: ("cancel",),
            JobStatus.FINISHED: ("delete",),
            JobStatus.FAILED: ("retry", "retry", "delete"),
            JobStatus.CANCELLED: ("retry", "retry", "delete"),
        }
        verb = self.dice.choice(verbs.get(status, ("cancel", "delete")))
        moment = time.monotonic()
        (job,) = queue.change_jobs(verb, [job_id])
        # It may have begun or ended since it was read: then the queue refuses.
        if not isinstance(job, FlowerpowerError):
            before = job.status if verb == "delete" else status
            self.deeds.setdefault(job_id, []).append(Deed(verb, moment, before))


ENDS_MET = {
    SUCCESS: {"finished"},
    FAILURE: {"failed"},
    END: {"finished", "failed", "cancelled", "deleted", "gone"},
}
"""Not the library's own table: the count would believe what it is to judge."""


def write_project(site: Site) -> None:
    """The pipelines and limits, as files of a project whose commands use the site's queue."""
    queue = {
        "type": site.type,
        "backend": {} if site.url is None else {"url": site.url},
        "namespace": site.queue_options["namespace"],
    }
    written = {name: _limit_json(limit) for name, limit in LIMITS.items()}
    project = {"name": "site", "job_queue": queue, "limits": written}
    # JSON is YAML.
    (site.root / "conf" / "project.yml").write_text(json.dumps(project), "utf-8")
    for name, kind in PIPELINES.items():
        run: dict[str, object] = {
            "limits": kind.limits,
            "retry": {"max_retries": kind.retries, "delay": "50ms"},
        }
        if kind.max_running is not None:
            run["max_running"] = kind.max_running
        if kind.timeout is not None:
            run["timeout"] = kind.timeout
        after = [{"pipeline": parent, "on": on} for parent, on in kind.follows]
        config = json.dumps({"run": run, "after": after})
        site.module(name, _module(name, kind), config)


def _module(name: str, kind: Kind) -> str:
    """The code of a pipeline of one node, which runs for some seconds under the id of its job."""
    parameters, own_name = "name: str, seconds: float", ""
    if name == "tick":
        # A fire gives no name, but the time that is in its id.
        parameters = "scheduled_for: datetime, name: str = '', seconds: float = 0.1"
        own_name = "name = name or f'tick-{scheduled_for:%Y%m%dT%H%M%SZ}'"
    elif kind.follows:
        parameters = "parent_job_id: str, seconds: float = 0.1"
        own_name = f"name = f'{name}-after-{{parent_job_id}}'"
    parameters += ", parent_job_ids: list[str] | None = None"
    run = ["traced(name, seconds)", kind.how, FAIL[kind.fails], "return name"]
    lines = [own_name, TELL_PARENTS, *run]
    body = textwrap.indent("\n".join(lines), "    ")
    return f"{IMPORTS}def {name}({parameters}) -> object:\n{body}\n"


def _limit_json(limit: Limit) -> dict[str, object]:
    rate = {} if limit.starts is None else {"per": f"{limit.starts}/{limit.seconds:g}s"}
    return {"at_once": limit.at_once, **rate}
