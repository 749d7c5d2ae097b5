"""`flowerpower service print`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.inputs import words
from flowerpower_cli.option_values import duration, whole_number
from flowerpower_cli.options import OutputFile, QueueOptions, Yes, argument, option
from flowerpower_cli.worker_options import NumWorkers, WorkerQueues

if TYPE_CHECKING:
    from pathlib import Path

    from flowerpower.pipeline.services.deployment import Deployment, ServiceFile


@command("service print", example="systemd --output deploy", options=QueueOptions)
def print_(
    context: CommandContext,
    kind: Annotated[str, argument("KIND", "systemd, launchd, compose, kubernetes or procfile.")],
    workers: Annotated[int, option("N", "How many worker processes.", whole_number)] = 1,
    num_workers: NumWorkers = None,
    queues: WorkerQueues = None,
    scheduler: Annotated[
        bool | None,
        typer.Option(help="Run a scheduler too; by default where workers fire no schedules."),
    ] = None,
    user: Annotated[
        str | None, option("USER", "The user to run as; by default the owner of the project.")
    ] = None,
    grace: Annotated[
        float | None,
        option("DURATION", "How long jobs may run on at a stop; by default 10m.", duration),
    ] = None,
    image: Annotated[
        str | None, option("IMAGE", "The container image; by default of the project's name.")
    ] = None,
    output: OutputFile = None,
    yes: Yes = False,
) -> None:
    """Print the files that run this project's workers as services.

    They name this project and this installation of flowerpower. What YAML takes from the
    environment stands by name, and without its value, in an environment file. --output writes the
    files into a folder, and it is said how to install them; what exists there is replaced with
    --yes only, and the environment file never.
    """
    from flowerpower.pipeline.services.deployment import GRACE, ServiceOptions, make_deployment
    from flowerpower.pipeline.services.kinds import service_files
    from flowerpower_cli.views.service import files_data, files_text, paths_view

    options = ServiceOptions(
        workers, num_workers, tuple(words(queues)), scheduler, user, grace or GRACE, image
    )
    manager = context.manager
    deployment = make_deployment(manager.project, manager.registry, context.job_queue, options)
    files = service_files(kind, deployment)
    if output is not None:
        _write(context, files, output, yes=yes)
    if output is None and not context.output.json and not context.output.quiet:
        # As they are: a placeholder for a password is no password, and must not be masked.
        context.output.write(files_text(files).encode(), None)
    else:
        context.output.result(
            files_data(files, output), lambda: paths_view(files, output), [f.name for f in files]
        )
    if output is not None:
        _say_what_next(context, kind, deployment, output)
    elif len(files) > 1:
        context.output.message(f"These are {len(files)} files; --output DIR writes them.")


def _write(context: CommandContext, files: list[ServiceFile], folder: Path, *, yes: bool) -> None:
    from flowerpower.pipeline.services.kinds import existing_files, write_service_files

    if existing := existing_files(files, folder):
        context.output.confirm(f"This replaces {' and '.join(map(str, existing))}.", yes=yes)
    write_service_files(files, folder, overwrite=True)


def _say_what_next(
    context: CommandContext, kind: str, deployment: Deployment, folder: Path
) -> None:
    from flowerpower.pipeline.services.kinds import install_steps

    context.output.message("Next:")
    for step in install_steps(kind, deployment, str(folder)):
        context.output.message(f"  {step}")
    if deployment.user in ("root", "0") and kind in ("systemd", "launchd"):
        context.output.warning("The services run as root; name another user with --user.")
