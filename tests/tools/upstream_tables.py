"""The tables of docs/how-to/from-upstream.md, made by converting tests/upstream_projects.

python -m tests.tools.upstream_tables
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

from flowerpower.pipeline.upstream.conversion import convert_project
from flowerpower.pipeline.upstream.old_project import read_old_project
from flowerpower.pipeline.upstream.report import Row

PROJECTS = Path(__file__).parents[1] / "upstream_projects"
VERSIONS = {"v0_11": "0.11.6.20", "v0_37": "0.37.0"}
"""By the folder of a project, the version of upstream's that has made it."""


@cache
def _rows(folder: str) -> tuple[Row, ...]:
    project = read_old_project(PROJECTS / folder)
    assert project is not None
    return tuple(convert_project(project, "my_project", "apscheduler").rows)


def counts_table() -> str:
    """How many settings of each project were converted, left out, or needed nothing."""
    lines = ["| Made by upstream's | Converted | Left out | Needed nothing |", "|---|---|---|---|"]
    for folder, version in VERSIONS.items():
        counts = Counter(row.outcome for row in _rows(folder))
        cells = [counts[outcome] for outcome in ("converted", "left_out", "not_needed")]
        lines.append(f"| {version} | {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def settings_table() -> str:
    """Where each setting of the two stands now, but for those that needed nothing."""
    places: dict[str, dict[str, str]] = {}
    for folder in VERSIONS:
        for row in _rows(folder):
            if row.outcome != "not_needed":
                key = row.key or row.file
                places.setdefault(key, {})[folder] = f"`{row.to}`" if row.to else "left out"
    lines = [f"| Upstream | {' | '.join(VERSIONS.values())} |", "|---|---|---|"]
    for key, by_folder in places.items():
        cells = [by_folder.get(folder, "") for folder in VERSIONS]
        lines.append(f"| `{key}` | {' | '.join(cells)} |")
    return "\n".join(lines)


TABLES = {"counts": counts_table, "settings": settings_table}

if __name__ == "__main__":
    for name, make in TABLES.items():
        print(f"{name}\n\n{make()}\n")
