"""What a worker and its children send each other, and what cannot be sent or read."""

import os
import signal
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.children import Jobs, MakeJobs, Project
from tests.conditions import slowed
from tests.conftest import MakeProject


def test_a_megabyte_of_inputs(jobs: Jobs, make_project: MakeProject):
    """A request larger than the pipe reaches a child that is slow to read it."""
    root = make_project(job=("run: {}\n", "def n(text: str) -> int:\n    return len(text)\n"))
    child = jobs.server.new_child()
    os.kill(child.pid, signal.SIGSTOP)
    since = time.monotonic()
    jobs.ask(child, root, inputs={"text": "x" * 1_000_000})
    assert time.monotonic() - since < slowed(1)
    assert not child.is_flushed
    os.kill(child.pid, signal.SIGCONT)
    assert jobs.finish(child).value == 1_000_000


def test_what_cannot_be_sent_is_refused(jobs: Jobs):
    """A request that is not JSON, or is over the limit, is a ValueError of the caller."""
    child = jobs.server.new_child()
    for wrong in ({"x": {1, 2}}, {"x": float("nan")}, {"x": "x" * 9_000_000}):
        with pytest.raises(ValueError, match="message"):
            child.send(wrong)
    jobs.server.kill(child)
    jobs.finish(child)


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({}, "not an object"),
        ({"run": 5}, "not an object"),
        ({"run": {"v": 99, "base_dir": "/", "pipeline": "a"}}, "version 99"),
        ({"run": {"v": 1, "base_dir": "/"}}, "pipeline"),
        ({"run": {"v": 1, "base_dir": 1, "pipeline": "a"}}, "base_dir"),
        (
            {"run": {"v": 1, "base_dir": "/", "pipeline": "a", "overrides": {"inputs": 3}}},
            "overrides.inputs",
        ),
        ({"run": {"v": 1, "base_dir": "/", "pipeline": "a", "scheduled_for": 3}}, "scheduled_for"),
        ({"run": {"v": 1, "base_dir": "/", "pipeline": "a"}}, "not a project"),
        ({"run": {}, "base_dir": "/nowhere"}, "nowhere"),
    ],
)
def test_an_unreadable_request_fails_and_says_why(jobs: Jobs, request_: dict[str, Any], said: str):
    """A request that is damaged, or from another version, is a failed outcome that says so."""
    child = jobs.server.new_child()
    child.send(request_)
    done = jobs.finish(child)
    assert done.outcome.error is not None
    assert said in done.outcome.error.message
    assert done.returncode == 0


def test_a_line_that_is_no_message_harms_nobody(jobs: Jobs, project: Project):
    """Rubbish on the control socket is a damaged message, and the outcome still comes."""
    body = """
        import os, socket
        for name in os.listdir('/dev/fd'):
            try:
                control = socket.socket(fileno=os.dup(int(name)))
            except OSError:
                continue
            for rubbish in (b'rubbish', b'[1]', b'\\xff', b'[' * 100_000, b'x' * 9_000_000, b'{"x": NaN}', b''):
                control.sendall(rubbish + b'\\n{"type": "node"}\\n')
            control.close()
        return 1
    """
    done = jobs.run(project(job=textwrap.dedent(body)))
    assert done.value == 1
    assert [each["type"] for each in done.messages].count("damaged") == 7


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        ("return {'outputs': 'x' * 9_000_000}", "ValueError"),
        ("return {'outputs': {1, 2}}", "ValueError"),
        ("return {'outputs': float('inf')}", "ValueError"),
        ("return None", "TypeError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("class E(BaseException):\n    def __str__(self): raise self\nraise E", "entry.<locals>.E"),
    ],
)
def test_the_child_guards_its_entry(
    own_jobs: MakeJobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str, kind: str
):
    """An outcome that is too large or no JSON, and an entry that raises, are failed outcomes."""
    code = "def entry(request, send):\n" + textwrap.indent(entry, "    ")
    (tmp_path / "own_entry.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    jobs = own_jobs("own_entry:entry")
    done = jobs.run(tmp_path)
    assert done.outcome.error is not None
    assert (done.outcome.status, done.outcome.error.type) == ("failed", kind)
    assert done.outcome.pipeline == "job"
