"""Projects with names that completion offers, and names that it must not."""

from __future__ import annotations

from pathlib import Path

from tests.jobs_database import jobs_database

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / "completions"

ATTEMPTS = 10
NAMES = {"daily_report", "data_cleansing", "weekly"}
HOSTILE = ["$(touch executed)", "`touch executed`", "a b", ";touch executed", "new\nline", "*",
           "--yes", "-x", "ä", "x" * 101, "'", '"', "\x1b[31m"]  # fmt: skip


def fill(root: Path, names: list[str]) -> None:
    """Make a project whose pipelines have these names."""
    (root / "conf" / "pipelines").mkdir(parents=True)
    (root / "conf" / "project.yml").write_text("name: demo\n")
    for name in names:
        (root / "conf" / "pipelines" / f"{name}.yml").touch()


def schedule(root: Path, ids: list[str]) -> None:
    """What completion reads of a calendar, and of queues."""
    (root / ".flowerpower").mkdir()
    with jobs_database(root) as database:
        database.execute("CREATE TABLE flowerpower_schedules (id TEXT, created_at REAL)")
        for name in ("jobs", "paused_queues"):
            database.execute(f"CREATE TABLE flowerpower_{name} (queue TEXT)")
        database.execute("INSERT INTO flowerpower_jobs VALUES ('default'), ('default'), ('$(x)')")
        database.execute("INSERT INTO flowerpower_paused_queues VALUES ('reports')")
        rows = [(job_id, 0.0) for job_id in ids]
        database.executemany("INSERT INTO flowerpower_schedules VALUES (?, ?)", rows)
    database.close()
