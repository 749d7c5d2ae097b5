"""A small module to run before children are forked, so that each has less to do."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from hamilton import ad_hoc_utils

from flowerpower.run.modules import leave_project

MODULE = "flowerpower_warm_up"


@contextlib.contextmanager
def small_module() -> Iterator[Path]:
    """Make MODULE a module of a project in the folder that is yielded, and then forget both."""

    def doubled(number: int) -> int:
        return 2 * number

    def text(doubled: int) -> str:
        return f"it is {doubled}"

    ad_hoc_utils.create_temporary_module(doubled, text, module_name=MODULE)
    try:
        yield Path(__file__).parent
    finally:
        sys.modules.pop(MODULE, None)
        leave_project()
