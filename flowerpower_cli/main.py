"""The entry point: it imports as little as possible until the command is known."""

from __future__ import annotations

import gc
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line with the arguments of the process, and end the process."""
    if sys.argv[1:2] == ["--complete-names"]:
        # Completion runs at every press of Tab: it must not import the command line.
        from flowerpower_cli.completion import names

        names.run(sys.argv[2:])
    # Imports make many objects that all stay. `command` turns the collector on again.
    gc.disable()
    from flowerpower_cli.process import run_app

    run_app(sys.argv[1:])
