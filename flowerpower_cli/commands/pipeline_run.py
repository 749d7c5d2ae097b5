"""`flowerpower pipeline run`: a pipeline here and now, or what it would do."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from flowerpower.errors import UsageError
from flowerpower_cli.command import CommandContext, command, import_hamilton, importing_modules
from flowerpower_cli.garbage import WHILE_NODES_RUN, collect_later
from flowerpower_cli.inputs import overrides_from
from flowerpower_cli.option_values import iso_time
from flowerpower_cli.options import DryRun, OutputFile, PipelineName, Progress, RunOptions, option
from flowerpower_cli.views.output import check_writable, dump_json
from flowerpower_cli.views.tables import Block, line

if TYPE_CHECKING:
    from flowerpower.config.overrides import RunOverrides
    from flowerpower.jobs.run import NodeEvent, RunError, RunOutcome
    from flowerpower.run.plan import Plan
    from flowerpower_cli.views.progress import OnEvent


@command("pipeline run", example="daily_report -i source_file=data.csv")
def run(
    context: CommandContext,
    pipeline: PipelineName,
    options: RunOptions,
    scheduled_for: Annotated[
        datetime | None,
        option(
            "TIME",
            "The input scheduled_for, as the job of a fire at this ISO 8601 time has it.",
            iso_time,
        ),
    ] = None,
    progress: Progress = None,
    output: OutputFile = None,
    dry_run: DryRun = False,
) -> None:
    """Run a pipeline here and now and show its result.

    It runs in the project's folder, as a job does: relative paths in inputs and in the pipeline's
    code begin there. Those of --load, --save and --output begin in your current folder. What the
    pipeline itself prints goes to stderr. --output writes the result as JSON. With --timeout it
    runs in a process of its own, which is ended when the time is up.
    """
    from flowerpower.pipeline.overrides import due_time

    overrides = overrides_from(options, progress)
    context.manager.registry.files(pipeline)
    if dry_run:
        if output is not None:
            raise UsageError(
                "--output and --dry-run are both given, but a dry run has no result to write."
            )
        with importing_modules(context.manager.project.work):
            plan = context.manager.plan(pipeline, overrides, complete=False, with_forecast=True)
        _show_plan(context, pipeline, plan)
        return
    # Now, not after a run that may take hours.
    check_writable(output)
    fire_time = due_time(context.manager.project, scheduled_for)
    outcome = _run_with_progress(context, pipeline, overrides, fire_time)
    hidden = ("v", "error", "retryable")
    result = {key: value for key, value in outcome.to_json().items() if key not in hidden}
    _show_outcome(context, outcome, result)
    if output is not None:
        context.output.write(f"{dump_json(result)}\n".encode("ascii"), output)


def _run_with_progress(
    context: CommandContext,
    pipeline: str,
    overrides: RunOverrides,
    scheduled_for: datetime | None,
) -> RunOutcome:
    from flowerpower.config.merge import merged_adapters, merged_run
    from flowerpower.jobs import log_context
    from flowerpower.pipeline.run_errors import raise_for_error
    from flowerpower.triggers.clock import format_duration
    from flowerpower_cli.views.progress import run_progress

    manager = context.manager
    settings = merged_run(manager.registry.get(pipeline, overrides).config, overrides)
    # With a timeout another process runs the pipeline, and this one needs no Hamilton.
    if not settings.timeout:
        import_hamilton()
        # A format of the pipeline's own logging may name what the records of a job have.
        log_context.add_fields_to_records()
        log_context.set_run(pipeline)
    bar = merged_adapters(settings.adapter, manager.project.config.adapter).progressbar or "rich"

    def on_retry(error: RunError, left: int, delay: float) -> None:
        context.output.message(
            f"{error.node or pipeline} failed ({error.type}: {error.message}); trying again in "
            f"{format_duration(delay)}, {f'{left} more left' if left else 'for the last time'}."
        )

    with run_progress(context.output, pipeline, bar=bar) as show_event:
        outcome = manager.run_outcome(
            pipeline,
            overrides,
            scheduled_for=scheduled_for,
            on_event=_collecting_garbage(show_event),
            on_retry=on_retry,
            on_warning=context.output.warning,
        )
    if outcome.error is not None and outcome.error.traceback and context.output.verbose:
        context.output.plain_line(outcome.error.traceback.rstrip())
    raise_for_error(outcome)
    return outcome


def _collecting_garbage(show_event: OnEvent | None) -> OnEvent:
    """A listener that lets garbage be collected as usual once the first node runs."""

    def on_event(event: NodeEvent) -> None:
        if event.done == 0:
            collect_later(WHILE_NODES_RUN)
        if show_event is not None:
            show_event(event)

    return on_event


def _show_outcome(context: CommandContext, outcome: RunOutcome, result: dict[str, Any]) -> None:
    from flowerpower.jobs.attempt_result import node_summary
    from flowerpower_cli.views.pipelines import finished_message, outputs_view, run_messages

    context.output.result(result, lambda: outputs_view(outcome.outputs), [outcome.pipeline])
    facts = node_summary(outcome.to_json())
    messages = run_messages(facts | {"notes": outcome.notes}, verbose=bool(context.output.verbose))
    for message in messages:
        context.output.message(message)
    cached = len(facts.get("cached", ()))
    context.output.message(
        finished_message(outcome.pipeline, len(outcome.nodes), outcome.seconds, cached)
    )


def _show_plan(context: CommandContext, pipeline: str, plan: Plan) -> None:
    from flowerpower_cli.views.pipelines import inputs_view, plan_view

    values = {**plan.run.config, **plan.input_values}
    files = _files(plan)
    data = {
        "pipeline": pipeline,
        "final_vars": plan.final_vars,
        "nodes": [
            {**dataclasses.asdict(node), "cache": plan.forecast.get(node.name)}
            for node in plan.nodes
        ],
        "inputs": [dataclasses.asdict(node) for node in plan.inputs],
        "missing_inputs": [
            node.name for node in plan.inputs if node.required and node.name not in values
        ],
        "overrides": sorted(plan.overrides),
        "files": files,
    }

    def view() -> Iterator[Block]:
        yield from plan_view(plan.nodes, plan.final_vars, plan.forecast)
        if plan.inputs:
            yield from inputs_view(plan.inputs, values)
        for file in files:
            yield line(f"Would {file['what']} {file['path']} ({', '.join(file['nodes'])})")

    context.output.result(data, view, [node.name for node in plan.nodes])


def _files(plan: Plan) -> list[dict[str, Any]]:
    """The files that a run would read and write."""
    read = [
        {"what": "read", "path": file.path, "nodes": [node]} for node, file in plan.run.load.items()
    ]
    written = plan.dag.files
    return read + [
        {"what": "write", "path": written.paths[identifier], "nodes": nodes}
        for identifier, nodes in written.written.items()
    ]
