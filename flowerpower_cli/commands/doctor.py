"""`flowerpower doctor`."""

from __future__ import annotations

from typing import Annotated

import typer

from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.inputs import words
from flowerpower_cli.options import QueueOptions, Strings, option


@command("doctor", example="--check worker", options=QueueOptions)
def doctor(
    context: CommandContext,
    checks: Annotated[
        Strings,
        option(
            "CHECK[,CHECK]",
            "Make only these checks: configuration, extras, versions, pipelines, backend, clock, "
            "status, schedules, worker, scheduler. Repeatable.",
            names="--check",
        ),
    ] = None,
    worker_id: Annotated[
        str | None,
        option("WORKER", "The worker that the check `worker` asks for, by default any of here."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="End with 1 if there are only warnings, too.")
    ] = False,
) -> None:
    """Check the project, its pipelines, its job queue and what they need; nothing runs.

    It ends with 0 if there is no error, with 4 if the configuration is wrong, with 5 if the job
    queue cannot be reached, and else with 1. With --quiet it shows only problems. `--check worker`
    is for health probes: it asks whether a worker of this machine sends heartbeats, `--check
    scheduler` whether any scheduler does.
    """
    from flowerpower.pipeline.doctor.examine import examine
    from flowerpower_cli.views.doctor import diagnosis_view, problem_lines

    diagnosis = examine(
        context.base_dir, words(checks), job_queue_type=context.job_queue_type, worker_id=worker_id
    )
    context.output.result(
        diagnosis.to_json(), lambda: diagnosis_view(diagnosis), problem_lines(diagnosis)
    )
    if code := diagnosis.exit_code(strict=strict):
        raise typer.Exit(code)
