"""A program that runs help commands, each in a fork of its own, and says what they imported.

The fork is made when what every command needs is imported, so that one costs milliseconds. It takes
the commands as JSON from stdin, a list of lists of arguments, and prints for each what it showed,
its exit code, and the names of all modules that the process had then.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from typing import Any, NoReturn


def run(arguments: list[str]) -> dict[str, Any]:
    """What the command showed and imported, from a fork of this process."""
    (shown, shown_end), (said, said_end) = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(shown_end, 1)
        os.close(shown_end)
        _be_command(arguments, said_end)
    os.close(shown_end)
    os.close(said_end)
    with open(shown, encoding="utf-8") as stdout, open(said, encoding="utf-8") as modules:
        answer = {"stdout": stdout.read(), "modules": modules.read().split()}
    return {**answer, "code": os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}


def _be_command(arguments: list[str], said: int) -> NoReturn:
    code: Any = 0
    sys.argv[1:] = arguments
    try:
        runpy.run_module("flowerpower_cli", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        code = ended.code
    finally:
        os.write(said, "\n".join(sys.modules).encode())
        os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    # In place of the folder of this file.
    sys.path[0] = os.getcwd()
    import flowerpower_cli.app
    import flowerpower_cli.views.output  # noqa: F401

    json.dump([run(arguments) for arguments in json.load(sys.stdin)], sys.stdout)
