"""`flowerpower pipeline export` and `import`: a pipeline handed on as a folder or a zip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.options import DryRun, OutputFile, Overwrite, PipelineName, Yes
from flowerpower_cli.views.tables import Shape, cell, line, table


def add_commands(app: typer.Typer) -> None:
    """Put the commands of this room into `app`."""
    for name, example, function in (
        ("export", "export daily_report -o report.zip", export),
        ("import", "import report.zip --name weekly_report", import_),
    ):
        command(app, name, example=f"flowerpower pipeline {example}")(function)


def export(
    context: CommandContext,
    pipeline: PipelineName,
    output: OutputFile = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a pipeline's YAML and modules into a zip, or a folder, to be imported elsewhere.

    --output names it: a zip if it ends in .zip, else a folder; by default PIPELINE.zip here. The
    modules of the project that the pipeline's import are in it too; data files are not. Whatever
    is written ${NAME} in the YAML stays so.
    """
    from flowerpower.pipeline.bundles.writing import pack_pipeline, write_bundle

    packed = pack_pipeline(context.manager.project, pipeline)
    target = output or Path(f"{pipeline}.zip")
    write_bundle(packed.bundle, target, overwrite=overwrite)
    files = [path.as_posix() for path in packed.bundle.files]
    data = {
        "pipeline": pipeline,
        "path": str(target.absolute()),
        "files": files,
        "not_packed": packed.not_packed,
    }
    context.output.result(data, lambda: (line(path) for path in files), [pipeline])
    for key in packed.secrets:
        context.output.warning(
            f"{key} is written out in {files[0]}; whoever gets the bundle can read it."
        )
    if packed.not_packed:
        context.output.message(
            f"Not packed, as not of this project: {', '.join(packed.not_packed)}."
        )
    context.output.message(f"Wrote {target}.")


def import_(
    context: CommandContext,
    bundle: Annotated[
        Path,
        typer.Argument(
            metavar="PATH", help="A folder or zip that `export` wrote.", show_default=False
        ),
    ],
    name: Annotated[
        str | None, typer.Option(metavar="NEW", help="Give the pipeline this name.")
    ] = None,
    overwrite: Overwrite = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Take a pipeline from a folder or zip into this project; nothing of it is run.

    All files are written or none. Files that are there with other content are conflicts, which
    --overwrite replaces, after asking. --name renames the pipeline, and its module too, unless its
    YAML names modules: they keep their names then.
    """
    plan = context.manager.import_pipeline(bundle, name=name, overwrite=overwrite, dry_run=True)
    found = plan.bundle
    replaced = [path.as_posix() for path in plan.replaced]
    if not dry_run:
        if replaced:
            context.output.confirm(f"This replaces {' and '.join(replaced)}.", yes=yes)
        plan.apply()
    data: dict[str, Any] = {
        "pipeline": found.pipeline,
        "files": [path.as_posix() for path in found.files],
        "replaced": replaced,
        "unchanged": [path.as_posix() for path in plan.unchanged],
        "imported": not dry_run,
    }

    def view() -> Iterator[Shape]:
        listing = table("file", "")
        for path in found.files:
            what = (
                "new" if path in plan.new else "replaced" if path in plan.replaced else "as it was"
            )
            listing.add_row(cell(path.as_posix()), cell(what))
        yield listing

    context.output.result(data, view, [found.pipeline])
    if name is not None and found.modules:
        context.output.message(f"Its modules keep their names: {', '.join(found.modules)}.")
    if dry_run:
        context.output.message("Would be imported.")
        return
    context.output.message(f"Run it: flowerpower pipeline run {found.pipeline}")
