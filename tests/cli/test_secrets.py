"""A secret of the environment: in no record and no output, and where it does stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowerpower.text import is_secret_name
from tests.conftest import MakeProject
from tests.terminal import Cli

SECRET = "tulip-in-winter"
LEAK = (
    """run: {inputs: {db_password: '${DB_PASSWORD}'}}
schedule: {id: nightly, cron: '0 8 * * *', run: {inputs: {db_password: '${DB_PASSWORD}'}}}
""",
    """def leak(db_password: str) -> str:
    print("with", db_password)
    return f"it is {db_password}"


def fail(db_password: str) -> str:
    raise ValueError(f"login with {db_password}")
""",
)
READERS = [
    ("job-queue", "show-job", "good", "--json"), ("job-queue", "show-job", "bad"),
    ("job-queue", "show-job", "bad", "--attempt", "1"), ("job-queue", "logs", "good"),
    ("job-queue", "list-jobs", "--json"), ("schedule", "show", "nightly", "--json"),
    ("status", "--json"), ("report", "-o", "report.html"),
]  # fmt: skip


def test_the_queue_has_no_secret_to_show(cli: Cli, make_project: MakeProject) -> None:
    """Only the worker has the variable: who reads without it could not mask the value."""
    root = make_project(leak=LEAK)
    cli.run("job-queue", "add-job", "leak", "--job-id", "good", "--final-vars", "leak", code=0)
    cli.run("job-queue", "add-job", "leak", "--job-id", "bad", code=0)
    cli.run("schedule", "apply", code=0)
    cli.run("job-queue", "start-worker", "--burst", code=0, DB_PASSWORD=SECRET)
    texts = [ended.stdout + ended.stderr for ended in (cli.run(*words) for words in READERS)]
    assert "it is ***" in texts[0]
    assert "login with ***" in texts[1]
    assert "with ***" in texts[3]
    files = [path for path in (root / ".flowerpower").rglob("*") if path.is_file()]
    assert (root / ".flowerpower" / "jobs.db") in files
    contents = [path.read_bytes() for path in [*files, cli.folder / "report.html"]]
    assert SECRET.encode() not in b"".join([*contents, "".join(texts).encode()])


def test_what_a_pipeline_saves_is_its_data(cli: Cli, make_project: MakeProject) -> None:
    """Its prints, its files and the cache have what the node has; the result is masked."""
    root = make_project(leak=LEAK)
    words = ("leak", "--final-vars", "leak", "--save", "leak=leak.txt", "--cache", "-o", "out.json")
    ended = cli.run("pipeline", "run", *words, code=0, DB_PASSWORD=SECRET)
    shown = ended.stdout + (cli.folder / "out.json").read_text()
    assert "it is ***" in shown
    assert SECRET not in shown
    assert f"with {SECRET}" in ended.stderr
    assert SECRET in (cli.folder / "leak.txt").read_text()
    cache = root / ".flowerpower" / "cache"
    assert any(SECRET.encode() in path.read_bytes() for path in cache.iterdir())
    assert cache.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "name",
    ["DB_PASSWORD", "passwd", "PASSPHRASE", "db_pwd", "HOOK_SECRET", "API_TOKEN", "CREDENTIALS",
     "STRIPE_API_KEY", "AWS_SECRET_ACCESS_KEY", "PRIVATE_KEY", "ApiKey"],
)  # fmt: skip
def test_these_names_look_like_secrets(name: str) -> None:
    """As the page on secrets says."""
    assert is_secret_name(name)
    page = Path(__file__).parents[2] / "docs" / "how-to" / "secrets.md"
    words = page.read_text("utf-8").partition("looks like a secret")[2].partition(" is in it")[0]
    assert len(words.split(",")) == 9
