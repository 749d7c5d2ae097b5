"""The entry point: as little as can be before it is known what is asked."""

from __future__ import annotations

import gc
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line with the arguments of the process, and end the process."""
    if sys.argv[1:2] == ["--complete-names"]:
        from flowerpower_cli.completion import names

        names.run(sys.argv[2:])
    # Importing makes many objects that all stay; the frame turns the collector on again.
    gc.disable()
    from flowerpower_cli.process import run_app

    run_app(sys.argv[1:])
