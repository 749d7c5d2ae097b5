"""`flowerpower pipeline run`: a pipeline here and now, or what it would do."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import typer

from flowerpower.errors import UsageError
from flowerpower_cli.command import CommandContext, command, import_hamilton
from flowerpower_cli.options import DryRun, OutputFile, PipelineName, Progress, RunOptions
from flowerpower_cli.views.output import dump_json, stdout_to_stderr
from flowerpower_cli.views.tables import Shape, line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowerpower.config.run import RunOverrides
    from flowerpower.jobs.run import RunError, RunOutcome
    from flowerpower.run.runner import Plan


def add_commands(app: typer.Typer) -> None:
    """Put the command of this room on `app`."""
    command(app, "run", example="flowerpower pipeline run daily_report -i source_file=data.csv")(
        run
    )


def run(
    context: CommandContext,
    pipeline: PipelineName,
    options: RunOptions,
    progress: Progress = None,
    output: OutputFile = None,
    dry_run: DryRun = False,
) -> None:
    """Run a pipeline here and now and show its result.

    What the pipeline itself prints goes to stderr. --output writes the result as JSON. With
    --timeout it runs in a process of its own, in the project's folder, and is ended when the time
    is up.
    """
    from flowerpower_cli.inputs import overrides_from
    from flowerpower_cli.output_files import check_writable, write_file

    overrides = overrides_from(options, progress)
    context.manager.registry.files(pipeline)
    if dry_run:
        if output is not None:
            raise UsageError("--output goes with a run; --dry-run has no result.")
        import_hamilton()
        with stdout_to_stderr():
            plan = context.manager.plan(pipeline, overrides, complete=False, with_forecast=True)
        _show_plan(context, pipeline, plan)
        return
    check_writable(output)
    outcome = _run_with_progress(context, pipeline, overrides)
    result = _result(outcome)
    _show_outcome(context, outcome, result)
    if output is not None:
        write_file(output, f"{dump_json(result)}\n".encode("ascii"))
        context.output.message(f"Wrote {output}.")


def _run_with_progress(
    context: CommandContext, pipeline: str, overrides: RunOverrides
) -> RunOutcome:
    from flowerpower.config.merge import merged_adapters, merged_run
    from flowerpower.pipeline.failures import raise_for_error
    from flowerpower.triggers.clock import format_duration
    from flowerpower_cli.views.progress import shown_progress

    manager = context.manager
    settings = merged_run(manager.registry.get(pipeline).config, overrides)
    if not settings.timeout:
        import_hamilton()
    bar = merged_adapters(settings.adapter, manager.project.config.adapter).progressbar or "rich"

    def on_retry(error: RunError, left: int, delay: float) -> None:
        context.output.message(
            f"{error.node or pipeline} failed ({error.type}: {error.message}); trying again in "
            f"{format_duration(delay)}, {f'{left} more left' if left else 'for the last time'}."
        )

    with shown_progress(context.output, pipeline, bar=bar) as on_event:
        outcome = manager.run_outcome(
            pipeline,
            overrides,
            on_event=on_event,
            on_retry=on_retry,
            on_warning=context.output.warning,
        )
    if outcome.error is not None and outcome.error.traceback and context.output.verbose:
        context.output.plain_line(outcome.error.traceback.rstrip())
    raise_for_error(outcome)
    return outcome


def _result(outcome: RunOutcome) -> dict[str, Any]:
    body = outcome.to_json()
    return {key: body[key] for key in body if key not in ("v", "error", "retryable")}


def _show_outcome(context: CommandContext, outcome: RunOutcome, result: dict[str, Any]) -> None:
    from flowerpower.jobs.attempt_result import node_summary
    from flowerpower_cli.views.pipelines import finished_line, outputs_view, told_lines

    context.output.result(result, lambda: outputs_view(outcome.outputs))
    for note in outcome.notes:
        if not note["note"].startswith("summarised") or context.output.verbose:
            context.output.message(f"{note['output']}: {note['note']}")
    told = node_summary(outcome.to_json())
    for text in told_lines(told):
        context.output.message(text)
    cached = len(told.get("cached", ()))
    context.output.message(
        finished_line(outcome.pipeline, len(outcome.nodes), outcome.seconds, cached)
    )


def _show_plan(context: CommandContext, pipeline: str, plan: Plan) -> None:
    from flowerpower_cli.views.pipelines import inputs_view, plan_view

    missing = [
        each.name for each in plan.inputs if each.required and not _is_given(plan, each.name)
    ]
    data = {
        "pipeline": pipeline,
        "final_vars": plan.final_vars,
        "nodes": [
            {**dataclasses.asdict(node), "cache": plan.forecast.get(node.name)}
            for node in plan.nodes
        ],
        "inputs": [dataclasses.asdict(each) for each in plan.inputs],
        "missing_inputs": missing,
        "overrides": sorted(plan.overrides),
        "files": _files(plan),
    }

    def view() -> Iterator[Shape]:
        yield from plan_view(plan.nodes, plan.final_vars, plan.forecast)
        if plan.inputs:
            yield from inputs_view(plan.inputs, {**plan.run.config, **plan.input_values})
        for told in _files(plan):
            yield line(f"Would {told['what']} {told['path']} ({', '.join(told['nodes'])})")

    context.output.result(data, view, [node.name for node in plan.nodes])


def _files(plan: Plan) -> list[dict[str, Any]]:
    """The files that a run reads and writes."""
    read = [
        {"what": "read", "path": each.path, "nodes": [name]} for name, each in plan.run.load.items()
    ]
    files = plan.dag.files
    return read + [
        {"what": "write", "path": files.paths[identifier], "nodes": nodes}
        for identifier, nodes in files.written.items()
    ]


def _is_given(plan: Plan, name: str) -> bool:
    return name in plan.input_values or name in plan.run.config
