"""What the buttons of the pages do: one verb of the job queue each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from flowerpower.errors import NotFound
from flowerpower.jobs.chain import DELETED
from flowerpower.jobs.job import JobStatus
from flowerpower.pipeline.job_chain import cancelled_with, still_cancelled, waiting_below
from flowerpower_cli.views.job_changes import cancelled_too, retried_messages
from flowerpower_cli.web.site import Site

Form = Mapping[str, str]
INPUT_PREFIX = "input."


@dataclass(frozen=True)
class Done:
    """What was done, in a sentence, and the address of the page to show then."""

    message: str
    location: str


def _job_page(job_id: str) -> str:
    return f"/jobs/{quote(job_id, safe='')}"


def _retry(site: Site, job_id: str, _form: Form) -> Done:
    job_queue = site.manager.job_queue
    job = site.manager.jobs.retry(job_id).record
    waiting = waiting_below(job_queue, [job_id])
    still = still_cancelled(job_queue, [job_id, *waiting[job_id]])
    done = f"The job {job_id} is queued again."
    return Done(" ".join([done, *retried_messages([job], waiting, still)]), _job_page(job_id))


def _cancel(site: Site, job_id: str, _form: Form) -> Done:
    others = _cancelled_too(site, job_id, JobStatus.CANCELLED)
    job = site.manager.jobs.cancel(job_id)
    said = "is cancelled" if job.status.is_ended else "is being ended"
    return Done(f"The job {job_id} {said}.{others}", _job_page(job_id))


def _delete_job(site: Site, job_id: str, _form: Form) -> Done:
    others = _cancelled_too(site, job_id, DELETED)
    site.manager.jobs.delete(job_id)
    return Done(f"The job {job_id} is deleted.{others}", "/jobs")


def _cancelled_too(site: Site, job_id: str, end: str) -> str:
    """The sentence on the jobs that are cancelled if this one ends so, with a blank before it."""
    job_queue = site.manager.job_queue
    text = cancelled_too(cancelled_with(job_queue, job_queue.get_job(job_id), end), 1)
    return f" {text}" if text else ""


def _run(site: Site, pipeline: str, form: Form) -> Done:
    """Add a job; a field that was left empty is no input."""
    site.manager.registry.files(pipeline)
    inputs = {
        name.removeprefix(INPUT_PREFIX): text.replace("\r\n", "\n")
        for name, text in form.items()
        if name.startswith(INPUT_PREFIX) and text
    }
    answer = site.descriptions.ask(
        "add_job", pipeline=pipeline, inputs=inputs, queue=form.get("queue") or None,
        run_in=form.get("run_in") or None,
    )  # fmt: skip
    return Done(f"The job {answer['job']} was added.", _job_page(answer["job"]))


def _pause_schedule(site: Site, schedule_id: str, _form: Form) -> Done:
    site.manager.schedules.pause(schedule_id)
    return Done(f"The schedule {schedule_id} is paused.", _schedule_page(schedule_id))


def _resume_schedule(site: Site, schedule_id: str, _form: Form) -> Done:
    site.manager.schedules.resume(schedule_id)
    return Done(f"The schedule {schedule_id} fires again.", _schedule_page(schedule_id))


def _run_schedule_now(site: Site, schedule_id: str, _form: Form) -> Done:
    answer = site.descriptions.ask("run_schedule_now", schedule=schedule_id)
    return Done(f"The job {answer['job']} was added.", _job_page(answer["job"]))


def _delete_schedule(site: Site, schedule_id: str, _form: Form) -> Done:
    site.manager.schedules.delete(schedule_id)
    return Done(f"The schedule {schedule_id} is deleted.", "/schedules")


def _schedule_page(schedule_id: str) -> str:
    return f"/schedules/{quote(schedule_id, safe='')}"


def _pause_queue(site: Site, name: str, _form: Form) -> Done:
    site.manager.job_queue.pause_queue(name)
    return Done(f"The queue {name} is paused.", "/")


def _resume_queue(site: Site, name: str, _form: Form) -> Done:
    site.manager.job_queue.resume_queue(name)
    return Done(f"Workers take jobs from the queue {name} again.", "/")


ACTIONS: dict[tuple[str, str], Callable[[Site, str, Form], Done]] = {
    ("jobs", "retry"): _retry,
    ("jobs", "cancel"): _cancel,
    ("jobs", "delete"): _delete_job,
    ("pipelines", "run"): _run,
    ("schedules", "pause"): _pause_schedule,
    ("schedules", "resume"): _resume_schedule,
    ("schedules", "run-now"): _run_schedule_now,
    ("schedules", "delete"): _delete_schedule,
    ("queues", "pause"): _pause_queue,
    ("queues", "resume"): _resume_queue,
}
"""By the kind of thing and the verb, as in the address /jobs/ID/retry."""


def act(site: Site, kind: str, name: str, verb: str, form: Form) -> Done:
    """Do it.

    Raises:
        NotFound: if there is no such action, or nothing of that name.
        FlowerpowerError: as the library's method.
    """
    action = ACTIONS.get((kind, verb))
    if action is None:
        raise NotFound("There is no such action.")
    return action(site, name, form)
