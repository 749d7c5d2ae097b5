"""A run's progress on stderr, node by node: a live bar on a terminal, else one line per node."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

from flowerpower.clock import format_duration
from flowerpower.runs import NodeEvent
from flowerpower.safe_text import one_line, shortened
from flowerpower_cli.output import Output, stdout_to_stderr

OnEvent = Callable[[NodeEvent], None]


@contextlib.contextmanager
def shown_progress(output: Output, title: str, *, wanted: bool) -> Iterator[OnEvent | None]:
    """While this lasts, node events given to the yielded function are shown.

    What the pipeline prints goes to stderr in the meantime.
    """
    with stdout_to_stderr():
        if wanted and output.is_animated:
            with _bar(output, title) as on_event:
                yield on_event
        elif wanted and not (output.quiet or output.json):
            yield lambda event: _line(output, event)
        else:
            yield None


def _line(output: Output, event: NodeEvent) -> None:
    if event.state == "running":
        return
    seconds = format_duration(event.seconds or 0.0)
    output.plain_line(f"[{event.done}/{event.total}] {event.node} {event.state} in {seconds}")


@contextlib.contextmanager
def _bar(output: Output, title: str) -> Iterator[OnEvent]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    progress = Progress(
        TextColumn("{task.fields[title]}", style="bold", markup=False),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[node]}", style="dim", markup=False),
        console=output.console(sys.stderr),
        refresh_per_second=10,
        transient=True,
    )
    task = progress.add_task("", total=None, title=title, node="")
    stdout = sys.stdout

    def on_event(event: NodeEvent) -> None:
        progress.start()
        running = shortened(one_line(event.node), 40) if event.state != "finished" else ""
        progress.update(task, completed=event.done, total=event.total, node=running)

    try:
        yield on_event
    finally:
        progress.stop()
        sys.stdout = stdout
