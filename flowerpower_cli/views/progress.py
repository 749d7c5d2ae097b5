"""Progress of runs on stderr, node by node: a live bar on a terminal, else a line per node."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from flowerpower.errors import ConfigError
from flowerpower.jobs.run import NodeEvent
from flowerpower.pipeline.waiting import WaitReason, WaitsFor
from flowerpower.text import one_line, shortened
from flowerpower.triggers.clock import format_duration
from flowerpower_cli.views.output import Output, stdout_to_stderr

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

OnEvent = Callable[[NodeEvent], None]
NOTED = frozenset(
    {WaitReason.PARENTS, WaitReason.SCHEDULE, WaitReason.LIMIT, WaitReason.RATE, WaitReason.PAUSED}
)
"""Reasons that have a line of their own where no bar can show them: who waits should know."""


@contextlib.contextmanager
def run_progress(output: Output, title: str, *, bar: str) -> Iterator[OnEvent | None]:
    """Show the progress of a run in this process; the yielded function takes its node events.

    `bar` is rich, tqdm (ConfigError if it is not installed) or none. What the pipeline prints
    inside goes to stderr.
    """
    if bar == "tqdm":
        try:
            from tqdm import tqdm
        except ImportError:
            raise ConfigError(
                "The progress bar tqdm is not installed.",
                hint="Install it with `pip install tqdm`, or set adapter.progressbar to rich.",
            ) from None
    with stdout_to_stderr():
        if bar == "tqdm" and output.can_animate:
            with tqdm(desc=title, unit="node", file=sys.stderr, leave=False) as tqdm_bar:
                yield _TqdmBar(tqdm_bar).on_event
        else:
            with progress_bars(output, [title], enabled=bar != "none") as bars:
                yield bars[0].on_event if bars else None


class Bar:
    """Shows the progress of one run; this base class shows nothing."""

    def on_event(self, event: NodeEvent) -> None:
        """Show that a node began or ended."""

    def note(self, text: str, reason: WaitsFor) -> None:
        """Show what the run waits for."""


@contextlib.contextmanager
def progress_bars(output: Output, titles: Sequence[str], *, enabled: bool) -> Iterator[list[Bar]]:
    """A bar for each title, or no bars if nothing is to be shown."""
    if enabled and output.can_animate:
        with _live_display(output) as progress:
            yield [_LiveBar(progress, title) for title in titles]
    elif enabled and not (output.quiet or output.json):
        yield [_PlainLines(output, f"{title} " if len(titles) > 1 else "") for title in titles]
    else:
        yield []


@contextlib.contextmanager
def count_progress(output: Output, title: str) -> Iterator[Callable[[int, int], None] | None]:
    """Show how many of how many are done, on a terminal; the yielded function is told."""
    if not output.can_animate:
        yield None
        return
    with _live_display(output) as progress:
        task = progress.add_task("", total=None, title=title, node="")

        def show(done: int, total: int) -> None:
            progress.start()
            progress.update(task, completed=done, total=total)

        yield show


class _PlainLines(Bar):
    def __init__(self, output: Output, prefix: str) -> None:
        self._output = output
        self._prefix = prefix
        self._noted: tuple[object, ...] | None = None

    def on_event(self, event: NodeEvent) -> None:
        if event.state == "running":
            return
        seconds = format_duration(event.seconds or 0.0)
        self._output.plain_line(
            f"{self._prefix}[{event.done}/{event.total}] {event.node} {event.state} "
            f"{'from the cache ' if event.from_cache else ''}in {seconds}"
        )

    def note(self, text: str, reason: WaitsFor) -> None:
        # The text may have a time that is left, which is no news.
        key = (reason.reason, reason.jobs)
        if self._noted != key and reason.reason in NOTED:
            self._output.plain_line(f"{self._prefix}{text}")
        self._noted = key


class _TqdmBar(Bar):
    def __init__(self, bar: Any) -> None:
        self._bar = bar

    def on_event(self, event: NodeEvent) -> None:
        self._bar.total, self._bar.n = event.total, event.done
        self._bar.set_postfix_str(one_line(event.node) if event.state == "running" else "")


class _LiveBar(Bar):
    def __init__(self, progress: Progress, title: str) -> None:
        self._progress = progress
        self._title = title
        self._task: TaskID | None = None

    def on_event(self, event: NodeEvent) -> None:
        running = shortened(one_line(event.node), 40) if event.state == "running" else ""
        self._update(completed=event.done, total=event.total, node=running)

    def note(self, text: str, reason: WaitsFor) -> None:  # noqa: ARG002
        self._update(node=one_line(text))

    def _update(self, **fields: Any) -> None:
        # The display starts with the first event: an error before it must not leave an empty bar.
        if self._task is None:
            self._progress.start()
            self._task = self._progress.add_task("", total=None, title=self._title, node="")
        self._progress.update(self._task, **fields)


@contextlib.contextmanager
def _live_display(output: Output) -> Iterator[Progress]:
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
    stdout = sys.stdout
    try:
        yield progress
    finally:
        progress.stop()
        # Rich restores the stdout of its own start, which a pipeline may have replaced by then.
        sys.stdout = stdout
