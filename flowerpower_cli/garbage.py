"""When garbage is collected: not while packages are imported, whose objects all stay.

Python looks for garbage after each 700 new objects. A run that imports pandas has made 160,000 when
its first node begins, and hardly any of them is garbage.
"""

from __future__ import annotations

import gc
from typing import Any

WHILE_IMPORTING = 100_000
"""New objects until the first collection; pandas makes 80,000, and 90,000 beside pyarrow."""
WHILE_NODES_RUN = 2_000
"""The same from the first node on, whose garbage may hold large tables."""

_usual = gc.get_threshold()
_postponed = _usual


def collect_later(objects: int) -> None:
    """Have garbage collected once so many more objects are there, and from then on as usual.

    Nothing if somebody else, such as a module of a pipeline, has set the thresholds.
    """
    global _postponed
    if gc.get_threshold() not in (_usual, _postponed):
        return
    _postponed = (gc.get_count()[0] + objects, *_usual[1:])
    gc.set_threshold(*_postponed)
    if _collect_as_usual not in gc.callbacks:
        gc.callbacks.append(_collect_as_usual)


def _collect_as_usual(phase: str, _info: dict[str, Any]) -> None:
    if phase == "start":
        return
    gc.callbacks.remove(_collect_as_usual)
    if gc.get_threshold() == _postponed:
        gc.set_threshold(*_usual)
