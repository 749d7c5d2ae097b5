"""What a node costs on top of bare Hamilton: with progress told, through the executors, cached.

A chain of nodes that add one, so that nothing but the overhead is measured. Every way of running
it takes turns with a bare `driver.execute` of the same DAG in the same process; the figure is the
median over the rounds, per node, and its ratio to the bare one. Building the DAG is left out of
`bare` and `hook`; `run` is a whole `PipelineRunner.run`, as `pipeline run` and a job have it.
"""

from __future__ import annotations

import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from hamilton import driver as hamilton_driver
from rich.console import Console
from rich.table import Table

from flowerpower.config.files import load_pipeline, load_project
from flowerpower.pipeline.overrides import JobArguments, make_overrides
from flowerpower.run.modules import import_modules
from flowerpower.run.node_events import NodeEventHook
from flowerpower.run.runner import PipelineRunner

NODES = 500
ROUNDS = 15


def _project(root: Path) -> None:
    lines = ["def n0(x: int) -> int:\n    return x + 1\n"]
    lines += [
        f"def n{number}(n{number - 1}: int) -> int:\n    return n{number - 1} + 1\n"
        for number in range(1, NODES)
    ]
    (root / "conf" / "pipelines").mkdir(parents=True)
    (root / "pipelines").mkdir()
    (root / "conf" / "project.yml").write_text("name: nodes\n")
    (root / "conf" / "pipelines" / "chain.yml").write_text("run: {inputs: {x: 0}}\n")
    (root / "pipelines" / "chain.py").write_text("\n\n".join(lines))


def _ways(root: Path) -> dict[str, Callable[[], object]]:
    """Every way by its name; the bare one comes first."""
    project, pipeline = load_project(root), load_pipeline(root, "chain")
    modules = import_modules(root, ["pipelines.chain"])
    last = [f"n{NODES - 1}"]

    def executing(*adapters: object) -> Callable[[], object]:
        built = hamilton_driver.Builder().with_modules(*modules).with_adapters(*adapters).build()
        return lambda: built.execute(last, inputs={"x": 0})

    def running(**given: object) -> Callable[[], object]:
        overrides = make_overrides(JobArguments(**given))  # type: ignore[typeddict-item]

        def run() -> object:
            told: list[object] = []
            return PipelineRunner(project, pipeline, overrides).run(NodeEventHook(told.append))

        return run

    def bare() -> object:
        built = hamilton_driver.Builder().with_modules(*modules).build()
        return built.execute(last, inputs={"x": 0})

    told: list[object] = []
    return {
        "bare: execute": executing(),
        "hook: execute with the recorder, each event told": executing(NodeEventHook(told.append)),
        "bare: build and execute": bare,
        "run: synchronous": running(),
        "run: future": running(executor="future"),
        "run: threadpool": running(executor="threadpool"),
        "run: everything from the cache": running(cache=True),
    }


def main() -> None:
    """Measure, and print a table."""
    logging.getLogger("hamilton").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        _project(root)
        ways = _ways(root)
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for way in ways.values():
            way()
        for number in range(ROUNDS):
            for name, way in ways.items():
                begun = time.perf_counter()
                way()
                seconds[name].append(time.perf_counter() - begun)
            if sys.stderr.isatty():
                print(f"\r{number + 1} of {ROUNDS}", end="", file=sys.stderr)
    table = Table(title=f"{NODES} nodes that add one, median of {ROUNDS} rounds")
    table.add_column("way")
    table.add_column("µs a node", justify="right")
    table.add_column("over bare", justify="right")
    base = 0.0
    for name, taken in seconds.items():
        each = statistics.median(taken) / NODES * 1e6
        base = each if name.startswith("bare") else base
        table.add_row(name, f"{each:.1f}", f"{each / base:.2f} x")
    Console().print(table)


if __name__ == "__main__":
    main()
