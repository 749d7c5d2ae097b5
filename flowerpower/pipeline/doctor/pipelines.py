"""The check of every pipeline, without running it, in a process of its own.

To check a pipeline is to import its modules, which may print, hang, or end the process.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

from flowerpower.jobs.problem import Level, Problem
from flowerpower.pipeline.doctor.subject import Subject

LIMIT = 120.0
"""Seconds that the check of all pipelines may take."""
MARGIN = 5.0
"""Seconds by which it ends earlier, so that it says itself which pipeline took too long."""


def check_pipelines(subject: Subject) -> Generator[Problem, None, str]:
    """Every pipeline is valid, as by `pipeline validate`."""
    names = subject.registry.names()
    left = set(names)
    answers, ending = _answers(subject.root, names, subject.environ, LIMIT - MARGIN)
    known: list[str] = []
    for name, faults in answers:
        left.discard(name)
        known += [name] * any(fault in subject.said for fault in faults)
        # A fault of a file has been said by the check of the configuration.
        for fault in (text for text in faults if text not in subject.said):
            yield Problem(
                "pipeline_not_valid", Level.ERROR,
                f"{name}: {fault}",
                f"flowerpower pipeline validate {name}",
            )  # fmt: skip
    if left and ending is not None:
        # They were checked in this order, and the first of them ended it.
        name, *others = sorted(left)
        rest = f"; not checked: {', '.join(others)}" if others else ""
        yield Problem(
            "pipeline_not_valid", Level.ERROR,
            f"{name}: importing its modules {ending}{rest}.",
            f"flowerpower pipeline validate {name}",
        )  # fmt: skip
    if known:
        return f"Nothing else is wrong with {', '.join(known)}, nor with the other pipelines."
    return f"{len(names)} pipeline{'' if len(names) == 1 else 's'} can run."


def _answers(
    root: Path, names: Sequence[str], environ: Mapping[str, str], seconds: float
) -> tuple[list[tuple[str, list[str]]], str | None]:
    """The faults of each pipeline, and how the process ended if that was too early."""
    if not names:
        return [], None
    process = subprocess.Popen(  # noqa: S603 - our own module, by the interpreter that runs this
        # -P, because the modules of the project must not replace those of Python.
        [sys.executable, "-P", "-m", "flowerpower.pipeline.doctor.validating", str(root), *names],
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    ending = None
    try:
        output, _ = process.communicate(timeout=seconds)
        if process.returncode != 0:
            code = process.returncode
            what = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
            ending = f"ended the process {what}"
    except subprocess.TimeoutExpired:
        _kill_all(process)
        output, _ = process.communicate()
        ending = f"took longer than {seconds:g} seconds"
    finally:
        _kill_all(process)
    lines = output.decode("utf-8", "replace").splitlines()
    answers = [json.loads(line) for line in lines if line.startswith("[")]
    if ending is None and len(answers) < len(names):
        ending = "ended the process"
    return [(str(name), [str(fault) for fault in faults]) for name, faults in answers], ending


def _kill_all(process: subprocess.Popen[bytes]) -> None:
    """End it, and what a module has started in its group."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
