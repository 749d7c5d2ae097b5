"""Files whose formats need optional packages: Parquet, Excel, pictures."""

from __future__ import annotations

import json

from tests.conftest import MakeProject
from tests.terminal import Cli

TABLE = """\
import pandas as pd

def table() -> pd.DataFrame:
    return pd.DataFrame({"name": ["ada", "ben"], "spent": [100.5, 200.0]})
"""
READING = """\
import pandas as pd

def table() -> pd.DataFrame:
    raise AssertionError("it is read from a file")

def spent(table: pd.DataFrame) -> float:
    return float(table["spent"].sum())
"""
FIGURE = """\
from matplotlib.figure import Figure

def figure() -> Figure:
    made = Figure()
    made.subplots().plot([1, 3, 2])
    return made
"""


def test_tables_are_written_and_read(cli: Cli, make_project: MakeProject) -> None:
    """A data frame is written as Parquet and as Excel, and what is read is the same."""
    for suffix, options in (("parquet", {}), ("xlsx", {"index": False})):
        path = f"output/table.{suffix}"
        save = {"table": {"path": path, "options": options}}
        make_project(
            writing=(json.dumps({"run": {"save": save}}), TABLE),
            reading=(json.dumps({"run": {"load": {"table": path}}}), READING),
        )
        cli.run("pipeline", "run", "writing", code=0)
        ended = cli.run("pipeline", "run", "reading", "--json", code=0)
        assert ended.json["outputs"] == {"spent": 300.5}


def test_figures_are_pictures(cli: Cli, make_project: MakeProject) -> None:
    """A figure of matplotlib's is written as PNG and as SVG, and is an artifact of MLflow's."""
    root = make_project(
        drawn=(
            json.dumps(
                {
                    "run": {
                        "save": {"figure": ["output/figure.png", "output/figure.svg"]},
                        "adapter": {"mlflow": True},
                    }
                }
            ),
            FIGURE,
        )
    )
    ended = cli.run("pipeline", "run", "drawn", code=0)
    assert "Warning" not in ended.stderr
    assert (root / "output" / "figure.png").read_bytes().startswith(b"\x89PNG\r\n")
    assert "<svg" in (root / "output" / "figure.svg").read_text()
    kept = {path.name for path in (root / "mlartifacts").rglob("figure.*")}
    assert kept == {"figure.png", "figure.svg"}
