"""`flowerpower pipeline export` and `import`: a pipeline as a folder or a zip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from flowerpower_cli.command import CommandContext, command
from flowerpower_cli.options import DryRun, OutputFile, Overwrite, PipelineName, Yes
from flowerpower_cli.views.tables import Block, cell, line, table


@command("pipeline export", example="daily_report -o report.zip")
def export(
    context: CommandContext,
    pipeline: PipelineName,
    output: OutputFile = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a pipeline's YAML and modules to a zip or a folder, for import elsewhere.

    --output names it: a zip if it ends in .zip, else a folder; by default PIPELINE.zip in the
    current folder. Modules of the project that the pipeline imports are included, data files are
    not. ${NAME} in the YAML is written as it stands, not as its value.
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
            f"{key} in {files[0]} is plain text, which anyone who has the bundle can read."
        )
    if packed.not_packed:
        context.output.message(
            f"Not included, because not of this project: {', '.join(packed.not_packed)}."
        )
    context.output.message(f"Wrote {target}.")


@command("pipeline import", example="report.zip --name weekly_report")
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
    """Import a pipeline from a folder or zip into this project, without running any of it.

    All files are written, or none. A file that exists with other content is a conflict;
    --overwrite replaces it, after asking. --name renames the pipeline. Its module is renamed too,
    unless the YAML lists modules: those keep their names.
    """
    plan = context.manager.import_pipeline(bundle, name=name, overwrite=overwrite, dry_run=True)
    imported = plan.bundle
    replaced = [path.as_posix() for path in plan.replaced]
    if not dry_run:
        if replaced:
            context.output.confirm(f"This replaces {' and '.join(replaced)}.", yes=yes)
        plan.apply()
    data: dict[str, Any] = {
        "pipeline": imported.pipeline,
        "files": [path.as_posix() for path in imported.files],
        "replaced": replaced,
        "unchanged": [path.as_posix() for path in plan.unchanged],
        "imported": not dry_run,
    }

    def view() -> Iterator[Block]:
        states = dict.fromkeys(plan.new, "new") | dict.fromkeys(plan.replaced, "replaced")
        rows = [
            (cell(path.as_posix()), cell(states.get(path, "unchanged"))) for path in imported.files
        ]
        yield table(("file", ""), rows)

    context.output.result(data, view, [imported.pipeline])
    if name is not None and imported.modules:
        context.output.message(
            f"The YAML lists modules, which keep their names: {', '.join(imported.modules)}."
        )
    if dry_run:
        context.output.message("Dry run: nothing was imported.")
        return
    context.output.message(f"Run it: flowerpower pipeline run {imported.pipeline}")
