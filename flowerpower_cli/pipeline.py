"""`flowerpower pipeline …`: pipelines of the project."""

from __future__ import annotations

import dataclasses
import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowerpower.errors import ConfigError, FlowerpowerError, UsageError
from flowerpower.safe_text import mask_values
from flowerpower_cli.frame import Frame, command, group, import_hamilton
from flowerpower_cli.options import DryRun, OutputFile, PipelineName, Progress, RunOptions, Yes
from flowerpower_cli.output import stdout_to_stderr
from flowerpower_cli.shapes import Shape, block, cell, line, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowerpower.config import RunOverrides, ScheduleConfig
    from flowerpower.pipeline.runner import Plan
    from flowerpower.runs import RunError, RunOutcome

app = group()


@command(app, "new", example="flowerpower pipeline new daily_report")
def new(frame: Frame, pipeline: PipelineName) -> None:
    """Make a pipeline of one node, in two files to go on from."""
    files = frame.manager.registry.create(pipeline)
    paths = [files.config.as_posix(), str(files.module)]
    frame.output.result(
        {"pipeline": pipeline, "files": paths}, lambda: (line(path) for path in paths), [pipeline]
    )
    frame.output.message(f"Run it: flowerpower pipeline run {pipeline}")


@command(app, "list", example="flowerpower pipeline list --json")
def list_pipelines(frame: Frame) -> None:
    """List the project's pipelines."""
    registry = frame.manager.registry
    names = registry.names()
    rows = [_listed(frame, name) for name in names]
    if not rows:
        frame.output.message(
            "There are no pipelines yet; make one with `flowerpower pipeline new`."
        )

    def view() -> Iterator[Shape]:
        if rows:
            listing = table("pipeline", "modules", "schedule")
            for row in rows:
                schedule = row["error"] or "; ".join(row["schedule"])
                style = "red" if row["error"] else ""
                listing.add_row(
                    cell(row["name"], "bold"),
                    cell(", ".join(row["modules"])),
                    cell(schedule, style),
                )
            yield listing

    frame.output.result(rows, view, names)


def _listed(frame: Frame, name: str) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "modules": [], "schedule": [], "error": None}
    try:
        config = frame.manager.registry.get(name).config
    except ConfigError as error:
        row["error"] = error.message
        return row
    row["modules"] = config.run.modules or [f"pipelines.{name}"]
    row["schedule"] = [_in_words(frame, each) for each in config.schedule]
    return row


def _in_words(frame: Frame, schedule: ScheduleConfig) -> str:
    try:
        return schedule.trigger(frame.manager.project.timezone).in_words()
    except FlowerpowerError as error:
        return error.message


@command(app, "run", example="flowerpower pipeline run daily_report -i source_file=data.csv")
def run(
    frame: Frame,
    pipeline: PipelineName,
    options: RunOptions,
    progress: Progress = None,
    output: OutputFile = None,
    dry_run: DryRun = False,
) -> None:
    """Run a pipeline here and now and show its result.

    What the pipeline itself prints goes to stderr. With --timeout it runs in a process of its own,
    in the project's folder, and is ended when the time is up.
    """
    from flowerpower_cli.inputs import overrides_from

    overrides = overrides_from(options, progress)
    frame.manager.registry.files(pipeline)
    if dry_run:
        if output is not None:
            raise UsageError("--output goes with a run; --dry-run has no result.")
        import_hamilton()
        with stdout_to_stderr():
            plan = frame.manager.plan(pipeline, overrides, complete=False)
        _show_plan(frame, pipeline, plan)
        return
    _check_writable(output)
    outcome = _run_with_progress(frame, pipeline, overrides)
    result = _result(outcome)
    _show_outcome(frame, outcome, result)
    if output is not None:
        _write(output, result)
        frame.output.message(f"Wrote {output}.")


def _run_with_progress(frame: Frame, pipeline: str, overrides: RunOverrides) -> RunOutcome:
    from flowerpower.clock import format_duration
    from flowerpower.config import merged_run
    from flowerpower.pipeline.manager import raise_for_error
    from flowerpower_cli.progress import shown_progress

    manager = frame.manager
    settings = merged_run(manager.registry.get(pipeline).config, overrides)
    if not settings.timeout:
        import_hamilton()
    configured = settings.adapter.progressbar
    if configured is None:
        configured = manager.project.config.adapter.progressbar

    def on_retry(error: RunError, left: int, delay: float) -> None:
        frame.output.message(
            f"{error.node or pipeline} failed ({error.type}: {error.message}); trying again in "
            f"{format_duration(delay)}, {f'{left} more left' if left else 'for the last time'}."
        )

    with shown_progress(frame.output, pipeline, wanted=configured is not False) as on_event:
        outcome = manager.run_outcome(pipeline, overrides, on_event=on_event, on_retry=on_retry)
    if outcome.error is not None and outcome.error.traceback and frame.output.verbose:
        frame.output.plain_line(outcome.error.traceback.rstrip())
    raise_for_error(outcome)
    return outcome


def _result(outcome: RunOutcome) -> dict[str, Any]:
    body = outcome.to_json()
    return {key: body[key] for key in body if key not in ("v", "error", "retryable")}


def _show_outcome(frame: Frame, outcome: RunOutcome, result: dict[str, Any]) -> None:
    from flowerpower_cli.views import finished_line, outputs_view

    frame.output.result(result, lambda: outputs_view(outcome.outputs))
    for note in outcome.notes:
        if not note["note"].startswith("summarised") or frame.output.verbose:
            frame.output.message(f"{note['output']}: {note['note']}")
    frame.output.message(finished_line(outcome.pipeline, len(outcome.nodes), outcome.seconds))


def _check_writable(path: Path | None) -> None:
    """Before a long run: the folder of its output is there, and the output is no folder."""
    if path is None:
        return
    reason = None
    if path.is_dir():
        reason = "it is a folder"
    elif not path.absolute().parent.is_dir():
        reason = "No such file or directory"
    elif not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        reason = "Permission denied"
    if reason:
        raise FlowerpowerError(f"{path} cannot be written: {reason}.")


def _write(path: Path, result: dict[str, Any]) -> None:
    """Write the result to a file, whole or not at all; to a device or a pipe as it is."""
    from flowerpower_cli.output import dump_json

    text = dump_json(result) + "\n"
    try:
        target = path.resolve()
        if target.exists() and not target.is_file():
            path.write_text(text, encoding="ascii")
            return
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_umask()
        with tempfile.NamedTemporaryFile(
            "w", encoding="ascii", dir=target.parent, prefix=".flowerpower-", delete=False
        ) as stream:
            stream.write(text)
        try:
            os.chmod(stream.name, mode)
            os.replace(stream.name, target)
        except OSError:
            os.unlink(stream.name)
            raise
    except OSError as error:
        raise FlowerpowerError(f"{path} cannot be written: {error.strerror}.") from None


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _show_plan(frame: Frame, pipeline: str, plan: Plan) -> None:
    from flowerpower_cli.views import inputs_view, plan_view

    missing = [
        each.name for each in plan.inputs if each.required and not _is_given(plan, each.name)
    ]
    data = {
        "pipeline": pipeline,
        "final_vars": plan.final_vars,
        "nodes": [dataclasses.asdict(node) for node in plan.nodes],
        "inputs": [dataclasses.asdict(each) for each in plan.inputs],
        "missing_inputs": missing,
    }

    def view() -> Iterator[Shape]:
        yield from plan_view(plan.nodes, plan.final_vars)
        if plan.inputs:
            yield from inputs_view(plan.inputs, {**plan.run.config, **plan.given})

    frame.output.result(data, view, [node.name for node in plan.nodes])


def _is_given(plan: Plan, name: str) -> bool:
    return name in plan.given or name in plan.run.config


@command(app, "show", example="flowerpower pipeline show daily_report")
def show(frame: Frame, pipeline: PipelineName) -> None:
    """Show a pipeline: its configuration, its nodes, the inputs it needs, its schedule."""
    from flowerpower_cli.views import inputs_view, nodes_view

    manager = frame.manager
    loaded = manager.registry.get(pipeline)
    import_hamilton()
    with stdout_to_stderr():
        plan = manager.plan(pipeline, complete=False)
    configuration: Any = mask_values(loaded.file.root.plain(as_written=True), named=True)
    words = [_in_words(frame, each) for each in loaded.config.schedule]
    data = {
        "pipeline": pipeline,
        "configuration": configuration,
        "schedule": words,
        "final_vars": plan.final_vars,
        "nodes": [dataclasses.asdict(node) for node in plan.nodes],
        "inputs": [dataclasses.asdict(each) for each in plan.inputs],
    }

    def view() -> Iterator[Shape]:
        yield line(f"{pipeline}  ({loaded.file.name})", "bold blue")
        if configuration:
            yield from _as_yaml(configuration)
        yield from nodes_view(plan.nodes)
        if plan.inputs:
            yield from inputs_view(plan.inputs, {**plan.run.config, **plan.given})
        for sentence in words:
            yield line(f"Scheduled {sentence}")

    frame.output.result(data, view, [pipeline])


def _as_yaml(data: dict[str, Any]) -> Iterator[Shape]:
    import yaml

    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, default_flow_style=None)
    return block(text, "dim")


@command(app, "validate", example="flowerpower pipeline validate")
def validate(
    frame: Frame,
    pipeline: Annotated[
        str | None,
        typer.Argument(metavar="[PIPELINE]", help="Only this one.", show_default=False),
    ] = None,
) -> None:
    """Check every pipeline without running it, and tell all faults in one go."""
    registry = frame.manager.registry
    names = registry.names() if pipeline is None else [registry.files(pipeline).name]
    import_hamilton()
    # Importing a module runs it, and it may print.
    with stdout_to_stderr():
        found = {name: frame.manager.validate(name) for name in names}
    rows = [
        {"pipeline": name, "valid": not faults, "faults": faults} for name, faults in found.items()
    ]
    bad = [name for name, faults in found.items() if faults]
    if not bad:

        def view() -> Iterator[Shape]:
            listing = table("pipeline", "")
            for name in names:
                listing.add_row(cell(name, "bold"), cell("valid", "green"))
            yield listing

        frame.output.result(rows, view, names)
        return
    raise ConfigError(
        f"{len(bad)} of {len(names)} pipelines are not valid:",
        details=[f"{name}: {fault}" for name in bad for fault in found[name]],
    )


@command(app, "delete", example="flowerpower pipeline delete old_report --yes")
def delete(frame: Frame, pipeline: PipelineName, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Delete a pipeline: its configuration and its module."""
    registry = frame.manager.registry
    doomed = [path.as_posix() for path in registry.delete(pipeline, dry_run=True)]
    if not dry_run:
        frame.output.confirm(f"This deletes {' and '.join(doomed)}.", yes=yes)
        registry.delete(pipeline)
    data = {"pipeline": pipeline, "files": doomed, "deleted": not dry_run}
    frame.output.result(data, lambda: (line(path) for path in doomed), [pipeline])
    frame.output.message("Would be deleted." if dry_run else "Deleted.")
