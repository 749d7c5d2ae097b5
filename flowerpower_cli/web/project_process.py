"""What needs the project's own code, in a process of its own: to describe pipelines, to add jobs.

The dashboard runs for weeks and never imports a module of the project. So an edit counts at once,
and whatever a module does when it is imported ends with this process.

    python -m flowerpower_cli.web.project_process

reads one request as JSON from stdin and writes the answer as JSON to stdout.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flowerpower.config.remote.version import work_folder
from flowerpower.errors import FlowerpowerError
from flowerpower.pipeline import PipelineManager, signature
from flowerpower.text import mask_values
from flowerpower_cli.command import importing_modules
from flowerpower_cli.inputs import parse_value
from flowerpower_cli.views.output import stdout_to_stderr


def main() -> None:
    """Do what the request on stdin asks for, and print the answer."""
    request = json.load(sys.stdin)
    manager = PipelineManager(request["base_dir"], request["type"], quiet=True)
    try:
        # Importing a module runs it, and it may print.
        with stdout_to_stderr():
            answer = ACTS[request["act"]](manager, request)
    except FlowerpowerError as error:
        answer = {"error": {**error.to_json(), "exit_code": error.exit_code}}
    finally:
        manager.close()
    print(json.dumps(answer))


def _describe(manager: PipelineManager, request: dict[str, Any]) -> dict[str, Any]:
    """The description of each of the pipelines by its name, or why there is none."""
    with importing_modules(work_folder(Path(request["base_dir"]))):
        return {name: _describe_one(manager, name) for name in request["pipelines"]}


def _describe_one(manager: PipelineManager, name: str) -> dict[str, Any]:
    from flowerpower.run.modules import imported_code
    from flowerpower_cli.views.pipelines import input_value

    stamps = signature.stamps_of_configuration(manager.project.root, name)
    try:
        files = manager.registry.get(name)
        plan, graph = manager.plan(name, complete=False), manager.graph(name)
    except FlowerpowerError as error:
        return {"error": error.to_json()}
    code = imported_code()
    known = {**plan.run.config, **plan.input_values}
    return {
        "graph": {
            **vars(graph),
            "nodes": [asdict(node) | {"optional": [*node.optional]} for node in graph.nodes],
        },
        "inputs": [asdict(node) | {"value": input_value(node, known)} for node in plan.inputs],
        "configuration": _as_yaml(mask_values(files.file.root.plain(as_written=True), named=True)),
        "files": None if code is None else {**stamps, **code},
    }


def _as_yaml(data: Any) -> str:
    import yaml

    if not data:
        return ""
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, default_flow_style=None)


def _add_job(manager: PipelineManager, request: dict[str, Any]) -> dict[str, Any]:
    """Add a job with inputs that are texts, read as those of `-i NAME=TEXT` are."""
    from flowerpower.pipeline.overrides import due_time, make_overrides

    texts: dict[str, str] = request["inputs"]
    values = {name: parse_value(text) for name, text in texts.items()}
    written = {name: text for name, text in texts.items() if values[name] != text}
    job = manager.job_queue.add_job(
        request["pipeline"],
        make_overrides({"inputs": values}, written=written),
        run_at=due_time(manager.project, None, request["run_in"]),
        queue=request["queue"],
    )
    return {"job": job.id}


def _run_schedule_now(manager: PipelineManager, request: dict[str, Any]) -> dict[str, Any]:
    return {"job": manager.job_queue.run_schedule_now(request["schedule"]).id}


ACTS: dict[str, Callable[[PipelineManager, dict[str, Any]], dict[str, Any]]] = {
    "describe": _describe,
    "add_job": _add_job,
    "run_schedule_now": _run_schedule_now,
}

if __name__ == "__main__":
    main()
