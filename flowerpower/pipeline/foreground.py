"""A run in the foreground: one attempt after another, as the pipeline's `retry` says."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from functools import partial

from flowerpower.config.files import Pipeline, Project
from flowerpower.config.merge import merged_run
from flowerpower.config.run import RunOverrides
from flowerpower.jobs.run import NodeEvent, RunError, RunOutcome, RunRequest, delay_before_retry

OnEvent = Callable[[NodeEvent], None]
OnRetry = Callable[[RunError, int, float], None]
"""Called before waiting: the error, how many retries are left, seconds to the next attempt."""
OnWarning = Callable[[str], None]


def run_in_foreground(
    project: Project,
    pipeline: Pipeline,
    overrides: RunOverrides,
    *,
    environ: Mapping[str, str],
    in_process: bool = False,
    on_event: OnEvent | None = None,
    on_retry: OnRetry | None = None,
    on_warning: OnWarning | None = None,
) -> RunOutcome:
    """The outcome of the last attempt; a failing pipeline raises nothing.

    If the run has a timeout, each attempt is made in a process of its own, in the project's
    folder, and is ended when it takes longer. With `in_process` the timeout does not count.
    """
    config = merged_run(pipeline.config, overrides)
    policy = config.retry
    # Nothing ends a thread that is in C code, so a timeout needs a process. It cannot return the
    # real objects, only their encoded outputs, so a caller that wants those goes without a timeout.
    timeout = None if in_process else config.timeout or None
    request = RunRequest(str(project.root), pipeline.name, overrides)
    jitter = random.Random()  # noqa: S311 - it spreads delays, it protects no secret
    attempt: Callable[[], RunOutcome]
    if timeout is None:
        from flowerpower.pipeline.execute import execute

        attempt = partial(
            execute,
            request,
            on_event,
            loaded=(project, pipeline),
            environ=environ,
            on_warning=on_warning,
        )
    else:
        from flowerpower.pipeline.timed_run import run_timed

        attempt = partial(run_timed, request, timeout, policy, on_event, environ=environ)
    retries = 0
    while True:
        outcome = attempt()
        if outcome.error is None or not outcome.retryable or retries >= policy.max_retries:
            return outcome
        retries += 1
        delay = delay_before_retry(policy, retries, jitter)
        if on_retry is not None:
            on_retry(outcome.error, policy.max_retries - retries, delay)
        time.sleep(delay)
