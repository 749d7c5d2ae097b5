"""Runs whose pipelines, results or outputs misbehave: the result is right, or the failure is told."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import threading
import time
from importlib import metadata
from pathlib import Path

import pytest

from tests.conditions import WAIT_LIMIT, slowed
from tests.conftest import MakeProject
from tests.terminal import COMMAND, Cli

ONE = ("", "def one() -> int:\n    return 1\n")


def test_a_columns_decorator_works_with_what_is_declared(
    cli: Cli, make_project: MakeProject
) -> None:
    """Hamilton's pandas plugin needs packaging, which is among our own requirements."""
    module = (
        "import pandas as pd\nfrom hamilton.function_modifiers import extract_columns\n\n\n"
        "@extract_columns('a', 'b')\ndef raw() -> pd.DataFrame:\n"
        "    return pd.DataFrame({'a': [1], 'b': [2]})\n\n\n"
        "def total(a: pd.Series, b: pd.Series) -> int:\n    return int((a + b).sum())\n"
    )
    make_project(columns=("", module))
    assert cli.run("pipeline", "run", "columns", "--json", code=0).json["outputs"] == {"total": 3}
    required = metadata.requires("flowerpower-cli") or []
    assert any(
        requirement.startswith("packaging") and "extra" not in requirement
        for requirement in required
    )


def test_garbage_of_nodes_is_collected_soon(cli: Cli, make_project: MakeProject) -> None:
    """Little is collected while modules are imported; but tables in cycles must not pile up."""
    module = (
        "import weakref\n\n\n"
        "class Loop:\n    def __init__(self) -> None:\n        self.itself = self\n\n\n"
        "def alive() -> int:\n    made = [weakref.ref(Loop()) for _ in range(15_000)]\n"
        "    return sum(reference() is not None for reference in made)\n"
    )
    make_project(loops=("", module))
    run = cli.run("pipeline", "run", "loops", "--json", code=0)
    assert run.json["outputs"]["alive"] < 2_000


def test_output_goes_through_links_and_keeps_modes(cli: Cli, make_project: MakeProject) -> None:
    """A link stays a link, a file keeps its mode, and a new file has that of the umask."""
    root = make_project(one=ONE)
    (root / "real.json").write_text("old")
    (root / "real.json").chmod(0o640)
    os.symlink("real.json", root / "link.json")
    for name in ("link.json", "new.json"):
        cli.run("pipeline", "run", "one", "-o", name, code=0)
    assert (root / "link.json").is_symlink()
    assert json.loads((root / "real.json").read_text())["outputs"] == {"one": 1}
    assert stat.S_IMODE((root / "real.json").stat().st_mode) == 0o640
    mask = os.umask(0o022)
    os.umask(mask)
    assert stat.S_IMODE((root / "new.json").stat().st_mode) == 0o666 & ~mask


def test_output_is_written_into_a_pipe(cli: Cli, make_project: MakeProject) -> None:
    """A FIFO stays one, and its reader gets the result."""
    root = make_project(one=ONE)
    os.mkfifo(root / "pipe")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append((root / "pipe").read_text()))
    reader.start()
    cli.run("pipeline", "run", "one", "-o", "pipe", code=0)
    reader.join(WAIT_LIMIT)
    assert json.loads(read[0])["outputs"] == {"one": 1}
    assert stat.S_ISFIFO((root / "pipe").stat().st_mode)


def test_an_output_that_cannot_be_is_told_before_the_run(
    cli: Cli, make_project: MakeProject
) -> None:
    """A missing folder or a folder as the file is found before anything has run."""
    root = make_project(
        mark=("", "def mark() -> int:\n    open('ran', 'w').close()\n    return 1\n")
    )
    (root / "folder").mkdir()
    for place in ("nowhere/x.json", "folder"):
        assert cli.run("pipeline", "run", "mark", "-o", place).code == 1
    assert not (root / "ran").exists()
    assert list((root / "folder").iterdir()) == []
    cli.run("pipeline", "run", "mark", "--dry-run", "-o", "x.json", code=2)


@pytest.mark.parametrize(
    "body",
    [
        "import sys, io\n    sys.stdout = io.StringIO()",
        "import sys\n    sys.stdout = None",
        "import sys\n    sys.stderr.close()",
        "import sys\n    sys.stdout.close()",
        "import atexit\n    atexit.register(print, 'late')",
        "import os\n    os.fork()",
    ],
)
def test_the_result_is_on_stdout_once_whatever_a_node_does_to_it(
    body: str, cli: Cli, make_project: MakeProject
) -> None:
    """Replaced or closed streams, late prints and forks leave one JSON value on stdout."""
    make_project(unruly=("", f"def unruly() -> int:\n    {body}\n    return 1\n"))
    ended = cli.run("pipeline", "run", "unruly", "--json", code=0)
    assert ended.json["outputs"] == {"unruly": 1}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_run_in_threads(
    number: signal.Signals, code: int, cli: Cli, make_project: MakeProject
) -> None:
    """A node that sleeps in a pool's thread does not keep the process."""
    module = "import time\n\n\ndef wait() -> int:\n    print('begun', flush=True)\n    time.sleep(60)\n    return 1\n"
    make_project(slow=("run: {executor: {type: threadpool}}\n", module))
    process = subprocess.Popen(
        [*COMMAND, "pipeline", "run", "slow"],
        cwd=cli.folder,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert "begun" in process.stderr.readline()
    begun = time.monotonic()
    process.send_signal(number)
    process.communicate(timeout=WAIT_LIMIT)
    assert process.returncode == code
    assert time.monotonic() - begun < slowed(15)


def test_repeated_and_hostile_columns_are_all_there(cli: Cli, make_project: MakeProject) -> None:
    """Columns of one name are told apart, and a name's control characters are shown as escapes."""
    module = (
        "import pandas as pd\n\n\n"
        "def table() -> pd.DataFrame:\n"
        "    return pd.DataFrame([[1, 2, 3], [4, 5, 6]], columns=['a', 'a', '\\x1b[31mred\\nline>'])\n"
    )
    make_project(table=("", module))
    rows = cli.run("pipeline", "run", "table", "--json", code=0).json["outputs"]["table"]["rows"]
    assert [list(row.values()) for row in rows] == [[1, 2, 3], [4, 5, 6]]
    shown = cli.run("pipeline", "run", "table", code=0).stdout
    assert "\x1b" not in shown
    assert r"\x1b[31mred\nline>" in shown
    assert len(shown.splitlines()) == 4


@pytest.mark.parametrize("value", ["{'summary_of': 'x', 'rows': 5}", "{'summary_of': 5}",
                                   "{'summary_of': 'x', 'rows': [1], 'shape': 'no'}"])  # fmt: skip
def test_a_dictionary_that_looks_like_a_summary_is_shown(
    value: str, cli: Cli, make_project: MakeProject
) -> None:
    """A user's own `summary_of` is data like any other."""
    make_project(alike=("", f"def alike() -> dict:\n    return {value}\n"))
    cli.run("pipeline", "run", "alike", code=0)
    assert "summary_of" in cli.run("pipeline", "run", "alike", "--json", code=0).stdout


@pytest.mark.parametrize("name", ["2024", "true", "1e5", "0x10", "null"])
def test_a_project_named_like_a_number_opens(name: str, cli: Cli) -> None:
    """What `init` writes is read as the same name."""
    cli.run("init", name, code=0)
    cli.run("pipeline", "list", "--base-dir", name, code=0)


def test_show_and_dry_run_say_why_a_module_fails(cli: Cli, make_project: MakeProject) -> None:
    """They name file and line as a run does, and keep stdout clean."""
    make_project(
        broken=("", "def a(:\n"), noisy=("", "print('noise')\n\n\ndef a() -> int:\n    return 1\n")
    )
    for arguments in (("show", "broken"), ("run", "broken", "--dry-run")):
        ended = cli.run("pipeline", *arguments, code=6)
        assert "pipelines/broken.py, line 1" in ended.stderr
    for arguments in (("show", "noisy"), ("run", "noisy", "--dry-run")):
        assert cli.run("pipeline", *arguments, "--json", code=0).json["pipeline"] == "noisy"


def test_secrets_in_keys_and_quotes_are_masked(cli: Cli, make_project: MakeProject) -> None:
    """A secret as a key, a column's name, or with quotes in a repr stays hidden."""
    module = (
        "import pandas as pd\n\n\n"
        "def keys(token: str) -> dict:\n    return {token: 1}\n\n\n"
        "def table(token: str) -> pd.DataFrame:\n    return pd.DataFrame({token: [1]})\n\n\n"
        "def shown(token: str) -> list:\n    return [repr(token)]\n"
    )
    make_project(leak=("run: {inputs: {token: '${MY_TOKEN}'}}\n", module))
    for flags in ((), ("--json",)):
        ended = cli.run("pipeline", "run", "leak", *flags, code=0, MY_TOKEN='s3"cr\\3t')
        assert "s3" not in ended.stdout + ended.stderr


def test_a_module_that_others_use_is_not_deleted(cli: Cli, make_project: MakeProject) -> None:
    """`delete` refuses while another pipeline names the module, and says which."""
    root = make_project(shared=ONE, user=("run: {modules: [pipelines.shared]}\n", ""))
    ended = cli.run("pipeline", "delete", "shared", "--yes", code=8)
    assert "user" in ended.stderr
    assert (root / "pipelines" / "shared.py").exists()


@pytest.mark.parametrize(
    ("declared", "text"),
    [("list[str]", "a,b"), ("int", "null"), ("int", "true"), ("float", "true"), ("dict", "a")],
)
def test_values_of_another_kind_are_refused(
    declared: str, text: str, cli: Cli, make_project: MakeProject
) -> None:
    """Text is no list, true no number, and null only fits what may be None."""
    make_project(kinds=("", f"def kinds(x: {declared}) -> str:\n    return repr(x)\n"))
    ended = cli.run("pipeline", "run", "kinds", "-i", f"x={text}", code=2)
    assert "x takes" in ended.stderr


def test_an_unreachable_folder_is_a_sentence(cli: Cli, tmp_path: Path) -> None:
    """Names of folders that cannot be are told as no project."""
    for folder in ("~nobody-of-that-name", "x" * 5000):
        ended = cli.run("pipeline", "list", FLOWERPOWER_BASE_DIR=folder)
        assert ended.code == 4, ended
