"""`job-queue watch` on a terminal: reads keys, and draws what was read of the queue."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from flowerpower.triggers import clock
from flowerpower_cli.watch.drawing import Painter
from flowerpower_cli.watch.feed import Feed, Wanted
from flowerpower_cli.watch.screens import Drawn, Picture, draw
from flowerpower_cli.watch.state import Screen, Shown, State, press
from flowerpower_cli.watch.terminal import Terminal

if TYPE_CHECKING:
    from flowerpower_cli.command import CommandContext

REDRAW_AFTER = 1.0
"""Seconds after which durations show another number."""


def show_live(context: CommandContext, interval: float, seconds: float | None) -> None:
    """Show the queue, looking every `interval` seconds, until a key or so many `seconds` end it."""
    terminal = Terminal()
    feed = Feed(context, interval, terminal.wake)
    painter = Painter(color=context.output.console(sys.stdout).color_system is not None)
    end = None if seconds is None else clock.monotonic() + seconds
    try:
        with terminal:
            feed.start()
            _Watch(context, terminal, feed, painter).run(end)
    finally:
        feed.stop()


class _Watch:
    def __init__(
        self, context: CommandContext, terminal: Terminal, feed: Feed, painter: Painter
    ) -> None:
        self._pipelines = context.manager.registry.names()
        self._terminal = terminal
        self._feed = feed
        self._painter = painter
        self._state = State()
        self._drawn = Drawn([], 1, 0)

    def run(self, end: float | None) -> None:
        """Draw and take keys until one says to quit, or it is `end` on `clock.monotonic`."""
        while end is None or clock.monotonic() < end:
            self._draw()
            pause = REDRAW_AFTER if end is None else min(REDRAW_AFTER, end - clock.monotonic())
            for key in self._terminal.wait(pause):
                if not self._press(key):
                    return
            if messages := self._feed.messages():
                self._state = replace(self._state, message=messages[-1])

    def _draw(self) -> None:
        if self._terminal.was_changed:
            self._terminal.was_changed = False
            self._painter.forget()
        columns, lines = self._terminal.size()
        picture = self._feed.picture
        self._drawn = draw(self._state, picture, max(20, columns - 1), lines, clock.monotonic())
        if text := self._painter.changes(self._drawn.lines):
            self._terminal.write(text)

    def _press(self, key: str) -> bool:
        """Take a key; False if it says to quit."""
        if key == "redraw":
            self._painter.forget()
            return True
        self._state, action = press(self._state, key, self._shown(self._feed.picture))
        self._feed.show(Wanted(self._state.filter, self._state.opened))
        if action is not None and action.verb == "quit":
            return False
        if action is not None:
            self._feed.act(action)
        return True

    def _shown(self, picture: Picture) -> Shown:
        is_list = self._state.screen is Screen.LIST
        opened = [picture.job] if picture.job is not None else []
        return Shown(
            jobs=picture.jobs if is_list else opened,
            paused={queue.name: queue.paused_at is not None for queue in picture.status.queues},
            pipelines=self._pipelines,
            page=self._drawn.page,
            lines=self._drawn.total,
        )
